"""Verdict, charts and numbers of the run on the stage. Knows widgets; what they show is in `shown.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from twotower.ui import copy
from twotower.ui.panel import Numbers, Verdict
from twotower.ui.shown import Results

CHARTS = (  # field of Results, elem_id, words; in the order of the fields
    ("latency", "latency-race", copy.LATENCY),
    ("passes", "time-per-pass", copy.PASSES),
    ("commits", "commit-map", copy.COMMITS),
    ("blocks", "passes-per-block", copy.BLOCKS),
    ("break_even", "break-even", copy.BREAK_EVEN),
)


@dataclass
class ResultWidgets:
    """`drawn` are the widgets that `handlers.draw` speaks to, in its order; the verdict is one of them."""

    verdict: Verdict
    drawn: list[Any]


def build_verdict(results: Results | None) -> Verdict:
    """The sentence that says who won."""
    return Verdict(results.verdict if results else {"verdict": ""}, elem_id="verdict")


def build_charts(verdict: Verdict, results: Results | None) -> ResultWidgets:
    """The column of numbers and charts, hidden until there is a run."""
    with gr.Column(visible=results is not None, elem_id="results") as column:
        with gr.Row(elem_id="charts"):
            charts = [_chart(results and getattr(results, name), elem_id, words) for name, elem_id, words in CHARTS]
        numbers = Numbers(results.numbers if results else {"lanes": [], "rows": []}, elem_id="numbers")
    columns, plots = zip(*charts)
    return ResultWidgets(verdict, [column, verdict, numbers, *plots, *columns])


def _chart(figure: go.Figure | None, elem_id: str, words: tuple[str, str]) -> tuple[gr.Column, gr.Plot]:
    with gr.Column(min_width=320, elem_classes="tt-chart") as column:
        gr.Markdown(f"### {words[0]}\n{words[1]}", elem_classes="tt-caption")
        return column, gr.Plot(figure, show_label=False, container=False, elem_id=elem_id)
