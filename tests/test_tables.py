"""A table of two lines, in both of its forms."""

from __future__ import annotations

from twotower.tables import aligned, markdown

TABLE = (("pass", "ms"), [("AR step", "1.25"), ("denoiser pass", "10.50")])


def test_columns_stand_in_line() -> None:
    assert aligned([TABLE]).splitlines() == ["pass              ms", "AR step         1.25", "denoiser pass  10.50"]


def test_tables_are_an_empty_line_apart() -> None:
    assert aligned([TABLE, TABLE]) == f"{aligned([TABLE])}\n\n{aligned([TABLE])}"


def test_markdown_aligns_numbers_to_the_right() -> None:
    assert markdown(TABLE) == "| pass | ms |\n|---|---:|\n| AR step | 1.25 |\n| denoiser pass | 10.50 |"
