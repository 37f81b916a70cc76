"""The page. `python app.py` serves it on this machine; a Hugging Face Space runs the same file."""

from __future__ import annotations

import argparse

from twotower.commands import options
from twotower.errors import CheckpointError, InputError
from twotower.ui.launch import make_demo, serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Race mask diffusion against autoregression in the browser.")
    options.add_model(parser)
    arguments = parser.parse_args()
    try:
        demo = make_demo(options.source(arguments), arguments.revision, options.wanted(arguments))
    except (InputError, CheckpointError) as error:
        parser.error(str(error))
    serve(demo)
