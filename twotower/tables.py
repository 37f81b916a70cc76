"""A table as text: columns in line for a terminal, Markdown for a README. Knows nothing of what it shows."""

from __future__ import annotations

from collections.abc import Iterable

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]  # header, lines of cells

NONE = "–"  # where nothing was measured


def aligned(tables: Iterable[Table]) -> str:
    """Tables one below the other, the first column to the left, numbers to the right."""
    return "\n\n".join(_aligned(table) for table in tables)


def markdown(table: Table) -> str:
    """One table in Markdown, aligned the same way."""
    header, cells = table
    lines = ["| " + " | ".join(line) + " |" for line in (header, *cells)]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(header) - 1), *lines[1:]])


def _aligned(table: Table) -> str:
    header, cells = table
    widths = [max(len(line[i]) for line in (header, *cells)) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))
        )
        for line in (header, *cells)
    ]
    return "\n".join(lines)
