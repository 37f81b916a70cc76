"""One look says everything that is out of step; the repository itself is in step."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_checkout import Change

from twotower.commands.space import ROOT
from twotower.space import checks
from twotower.space.checks import OutOfStep, demand_in_step, problems


def test_this_repository_is_in_step() -> None:
    assert problems(ROOT) == []


def test_so_is_the_small_one(root: Path) -> None:
    assert problems(root) == []
    demand_in_step(root)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("README.md", "title: Two", "title: Three", "README.md says something else than spaces.yaml"),
        ("requirements-lent.txt", "2.11.0", "2.10.0", "requirements-lent.txt says something else"),
        ("requirements.txt", "gradio==6.31.0", "gradio==6.30.0", "gradio is pinned to 6.30.0"),
        ("requirements.txt", "torch==2.13.0", "torch==2.13.0\nspaces==0.51.3", "the Space brings its own"),
        ("requirements.txt", "torch==2.13.0", "torch==2.13.0\nrich", "'rich' is not pinned"),
        ("pyproject.toml", "<3.13", "<3.12", "lent: python_version is 3.12; pyproject.toml requires >=3.11,<3.12"),
        ("pyproject.toml", ">=3.11", ">=3.12", "small: python_version is 3.11"),
        ("spaces.yaml", "lib/**/*", "libs/**/*", "'libs/**/*' matches no file"),
        ("spaces.yaml", "[app.py, ", "[", "app_file 'app.py' is not among the files"),
        ("spaces.yaml", "[app.py, ", "[app.py, README.md, ", "README.md is written for each profile"),
        ("spaces.yaml", "torch: 2.11.0", "torch: 2.13.0", "lent: torch is pinned to 2.13.0; ZeroGPU runs"),
        ("spaces.yaml", 'python_version: "3.12"', 'python_version: "3.11"', "ZeroGPU runs 3.10, 3.12"),
        ("spaces.yaml", "colorTo: blue", "colorTo: mauve", "card: colorTo is 'mauve'"),
    ],
)
def test_what_is_out_of_step_is_said(root: Path, change: Change, name: str, old: str, new: str, said: str) -> None:
    change(name, old, new)
    assert any(said in line for line in problems(root)), problems(root)


def test_all_of_it_is_said_at_once(root: Path, change: Change) -> None:
    change("README.md", "title: Two", "title: Three")
    change("pyproject.toml", "<3.13", "<3.12")
    (root / "requirements-lent.txt").unlink()
    with pytest.raises(OutOfStep) as caught:
        demand_in_step(root)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "requirements-lent.txt is not there" in lines[1]


def test_a_pinned_package_that_needs_another_python_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_needs", lambda package, version: ">=3.12" if package == "torch" else None)
    assert problems(root) == [
        "small: python_version is 3.11; torch 2.13.0 requires >=3.12.",
        "paid: python_version is 3.11; torch 2.13.0 requires >=3.12.",
    ]


def test_what_an_installed_package_needs_is_known_in_that_version_alone() -> None:
    from importlib.metadata import version

    installed = version("numpy")
    assert checks._needs("numpy", installed)
    assert checks._needs("numpy", "1.0") is None
    assert checks._needs("no-such-package", "1.0") is None
