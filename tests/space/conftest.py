"""A small checkout of its own, to bend out of step."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_checkout import YAML, Change

from twotower.space.profiles import Space
from twotower.space.rendering import rendered


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Everything in step."""
    (tmp_path / "lib" / "__pycache__").mkdir(parents=True)
    (tmp_path / "lib" / "__pycache__" / "a.pyc").write_bytes(b"old")
    (tmp_path / "lib" / "a.py").write_text("print('a')\n")
    (tmp_path / "lib" / "weights.safetensors").write_bytes(bytes(range(256)) * 64)
    (tmp_path / "app.py").write_text("import lib\n")
    (tmp_path / "README.md").write_text("# Two\n\n---\n\nA body with a rule.\n")
    (tmp_path / "requirements.txt").write_text("gradio==6.31.0\ntorch==2.13.0\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.11,<3.13"\n')
    (tmp_path / "spaces.yaml").write_text(YAML, encoding="utf-8")
    for name, text in rendered(tmp_path, Space.read(tmp_path)).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def change(root: Path) -> Change:
    """Put one text in place of another in a file that has it."""

    def changed(name: str, old: str, new: str) -> None:
        text = (root / name).read_text(encoding="utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new), encoding="utf-8")

    return changed
