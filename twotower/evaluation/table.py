"""Rows as text: one table for the screen, one in Markdown for the README and the card."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twotower.evaluation.evaluate import STORIES
from twotower.evaluation.summary import ALL_TASKS, Row
from twotower.tables import NONE, Table, aligned, markdown

MARKS = "evaluation"  # the name of the marks that its tables stand between

Column = tuple[str, Callable[[Row], str]]


def _shown(value: float | None, pattern: str) -> str:
    return NONE if value is None else pattern.format(value)


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"


def _speed_up(row: Row) -> str:
    if row.speed_up is None:
        return NONE
    spread = row.speed_up_quartiles
    return f"{row.speed_up:.2f}×" + (f" ({spread[0]:.2f} to {spread[1]:.2f})" if spread else "")


TASK_COLUMNS: tuple[Column, ...] = (
    ("right", lambda row: _percent(row.accuracy)),
    ("of AR's", lambda row: _percent(row.kept)),
    ("same text as AR", lambda row: _percent(row.same_as_ar)),
    ("speed-up (quartiles)", _speed_up),
    ("tokens/s", lambda row: _shown(row.tokens_per_second, "{:.0f}")),
    ("tokens/pass", lambda row: _shown(row.tokens_per_pass, "{:.2f}")),
    ("tokens/denoiser pass", lambda row: _shown(row.tokens_per_denoiser_pass, "{:.2f}")),
    ("passes/token", lambda row: _shown(row.passes_per_token, "{:.2f}")),
    ("accepted/round", lambda row: _shown(row.accepted_per_round, "{:.2f}")),
)
STORY_COLUMNS: tuple[Column, ...] = (
    *TASK_COLUMNS[2:],
    ("AR log-likelihood", lambda row: _shown(row.log_likelihood, "{:.2f}")),
    ("distinct 3-grams", lambda row: _shown(row.distinct_3, "{:.2f}")),
    ("stutter", lambda row: _percent(row.stutter)),
)


BY_TASK: tuple[Column, ...] = (
    ("Right, %", lambda row: _shown(row.accuracy and 100 * row.accuracy, "{:.1f}")),
    ("Speed-up", lambda row: _shown(row.speed_up, "{:.2f}")),
    ("Tokens per pass", lambda row: _shown(row.tokens_per_pass, "{:.2f}")),
)


def overviews(rows: Sequence[Row]) -> list[Table]:
    """A line an arm: all tasks together, then stories."""
    made: list[Table] = []
    for subject, title, columns in ((ALL_TASKS, "All tasks", TASK_COLUMNS), (STORIES, "Stories", STORY_COLUMNS)):
        chosen = [row for row in rows if row.subject == subject]
        if chosen:
            header = (f"{title} ({chosen[0].prompts} prompts)", *(name for name, _ in columns))
            made.append((header, [(row.arm, *(show(row) for _, show in columns)) for row in chosen]))
    return made


def by_task(rows: Sequence[Row]) -> list[Table]:
    """A line an arm again, and a column a task: there are more arms than tasks."""
    tasks = list(dict.fromkeys(row.subject for row in rows if row.accuracy is not None and row.subject != ALL_TASKS))
    found = {(row.subject, row.arm): row for row in rows}
    arms = [arm for subject, arm in found if subject == ALL_TASKS]
    if not tasks:
        return []
    return [
        ((title, *tasks), [(arm, *(show(found[task, arm]) for task in tasks)) for arm in arms])
        for title, show in BY_TASK
    ]


def as_text(rows: Sequence[Row]) -> str:
    """Columns in line, for a terminal."""
    return aligned([*overviews(rows), *by_task(rows)])


def as_markdown(rows: Sequence[Row]) -> str:
    """The same for README and card, with the tasks one by one folded away."""
    shown, folded = ([markdown(table) for table in tables] for tables in (overviews(rows), by_task(rows)))
    if folded:
        folded = ["<details>\n<summary>Task by task</summary>", *folded, "</details>"]
    return "\n\n".join([*shown, *folded])
