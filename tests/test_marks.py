"""What a command writes into a file, and what of the file it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from twotower.errors import InputError
from twotower.marks import marks, write_between_marks

BEGIN, END = marks("notes")


@pytest.mark.parametrize("rest", ["\n\n## Après\n", ""])
def test_what_is_between_the_marks_is_replaced_and_the_rest_kept(tmp_path: Path, rest: str) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"# Title\n\n{BEGIN}\nold\nlines\n{END}{rest}", encoding="utf-8")
    for text in ("new ×\n", "newer\n"):
        write_between_marks(file, "notes", text)
        assert file.read_text(encoding="utf-8") == f"# Title\n\n{BEGIN}\n{text}{END}{rest}"


def test_a_new_file_becomes_the_text(tmp_path: Path) -> None:
    write_between_marks(tmp_path / "table.md", "notes", "new\n")
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == "new\n"


@pytest.mark.parametrize("old", [b"", b"no marks\n", f"{BEGIN}\nno end\n".encode(), f"none\n{END}\n".encode(), b"\xff"])
def test_a_file_without_both_marks_is_named_and_kept(tmp_path: Path, old: bytes) -> None:
    file = tmp_path / "notes.md"
    file.write_bytes(old)
    with pytest.raises(InputError, match=r"--markdown.*notes\.md"):
        write_between_marks(file, "notes", "new\n")
    assert file.read_bytes() == old


def test_marks_of_another_name_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"{BEGIN}\nold\n{END}\n<!-- bench -->\nkept\n<!-- /bench -->\n", encoding="utf-8")
    write_between_marks(file, "bench", "new\n")
    assert file.read_text(encoding="utf-8") == f"{BEGIN}\nold\n{END}\n<!-- bench -->\nnew\n<!-- /bench -->\n"
