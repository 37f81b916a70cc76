"""What stands around the stage: recorded runs, pinning, opening and saving. Knows widgets and their words."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from twotower.ui import copy
from twotower.ui.gallery import recorded
from twotower.ui.panel import LinkRow, Saver


@dataclass
class StageWidgets:
    """Above the stage: a chip for every recorded run, in their order, opening a file, pinning."""

    recorded: list[gr.Button]
    open_file: gr.UploadButton
    pin: gr.Button


@dataclass
class KeepWidgets:
    """Under the stage: a button for every kind of file by its elem_id, and the link."""

    saves: dict[str, gr.Button]
    link: gr.Button
    saver: Saver
    link_row: LinkRow


def build_stage_row(names: tuple[str, ...]) -> StageWidgets:
    """One line of small buttons."""
    with gr.Row(elem_id="stage-row"):
        if names:
            gr.Markdown(copy.RECORDED, elem_classes="tt-row-label")
        chips = [_small(recorded(stem).name, f"recorded-{number}") for number, stem in enumerate(names, 1)]
        open_file = gr.UploadButton(
            copy.OPEN_FILE, file_types=[".json"], type="binary", size="sm", elem_id="open-file", min_width=0
        )
        pin = _small(copy.PIN, "pin")
    return StageWidgets(chips, open_file, pin)


def build_keep_row() -> KeepWidgets:
    """One line of small buttons, and the link once it is asked for."""
    with gr.Row(elem_id="keep-row"):
        gr.Markdown(copy.KEEP_TITLE, elem_classes="tt-row-label")
        saves = {elem_id: _small(label, elem_id) for elem_id, label in copy.SAVES}
        link = _small(copy.LINK, "link")
    return KeepWidgets(saves, link, Saver(None, elem_id="saver"), LinkRow(None, elem_id="link-row"))


def _small(label: str, elem_id: str) -> gr.Button:
    return gr.Button(label, size="sm", elem_id=elem_id, elem_classes="tt-chip", min_width=0)
