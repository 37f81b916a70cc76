"""From our exceptions to a message on the page. Knows Gradio's error and nothing of what went wrong."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from twotower.errors import InputError, NumericalError


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say what a visitor can mend in words, without a traceback on the server.

    Gradio renders messages as HTML and ours repeat what was typed, hence the escape.
    """
    try:
        yield
    except (InputError, NumericalError) as error:
        raise gr.Error(html.escape(str(error), quote=False), print_exception=False) from error
