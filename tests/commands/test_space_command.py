"""`python -m twotower space` as a person runs it, in a copy of this repository and against a Hub of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from spaces_hub import serving

from twotower.commands.space import ROOT
from twotower.space.profiles import Space

NO_NETWORK = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "", "HF_HUB_DISABLE_XET": "1"}
TOKEN = "hf_not_a_real_token"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the command reads and what a Space is made of."""
    place = tmp_path / "checkout"
    for name in ("twotower", "assets"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
    for file in [*ROOT.glob("requirements*.txt"), *(ROOT / n for n in ("app.py", "LICENSE", "README.md"))]:
        shutil.copy(file, place)
    for name in ("spaces.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, place)
    return place


def run(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in that folder, with no token of this machine."""
    home = {"HF_HOME": str(checkout / "home"), "PYTHONPATH": str(checkout), **NO_NETWORK, **environment}
    return subprocess.run(
        [sys.executable, "-m", "twotower", "space", *words],
        cwd=checkout,
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_check_says_everything_and_render_mends_it(checkout: Path) -> None:
    assert run(checkout, "check").stdout == "The README, the requirements and spaces.yaml are in step.\n"
    before = (checkout / "README.md").read_text(encoding="utf-8")
    (checkout / "README.md").write_text(before.replace("title: TwoTower", "title: Another"), encoding="utf-8")
    (checkout / "requirements-zero-gpu.txt").unlink()
    found = run(checkout, "check")
    assert (found.returncode, found.stdout) == (1, "")
    assert "README.md says something else" in found.stderr
    assert "requirements-zero-gpu.txt is not there" in found.stderr
    assert run(checkout, "render").stdout == "README.md: written\nrequirements-zero-gpu.txt: written\n"
    assert (checkout / "README.md").read_text(encoding="utf-8") == before
    assert run(checkout, "check").returncode == 0


@pytest.mark.parametrize("profile", [profile.name for profile in Space.read(ROOT).profiles])
def test_a_dry_run_needs_neither_token_nor_network(checkout: Path, profile: str) -> None:
    done = run(checkout, "deploy", "--profile", profile, "--repo", "me/demo", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert [line[0] for line in done.stdout.splitlines() if re.match(r"\d\. ", line)] == ["1", "2", "3", "4"]
    assert re.search(r"^  [0-9a-f]{64} +\d+ assets/models/twotower-tiny/model.safetensors$", done.stdout, re.MULTILINE)
    names = {line.split()[-1] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert {"app.py", "README.md", "requirements.txt", "twotower/cli.py", "assets/traces/1-calendar.json"} <= names
    assert not [name for name in names if name.startswith(("tests", ".", "spaces.yaml", "pyproject"))]


def test_a_deployment_arrives(checkout: Path) -> None:
    with serving() as hub:
        words = ("deploy", "--profile", "zero-gpu", "--repo", "me/demo", "--model", "me/mine")
        done = run(checkout, *words, HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f"The Space builds at {hub.url}/spaces/me/demo\n")
        assert TOKEN not in done.stdout + done.stderr
        assert (hub.hardware, hub.variables) == ("zero-a10g", {"TWOTOWER_MODEL": "me/mine"})
        rehearsed = run(checkout, *words, "--dry-run").stdout
        assert rehearsed.splitlines()[:-1] == done.stdout.splitlines()[:-1]
        weights = "assets/models/twotower-tiny/model.safetensors"
        assert hub.files[weights] == (ROOT / weights).read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--repo", "me/demo"], "--profile is None; allowed: cpu-basic, zero-gpu"),
        (["--profile", "zero-gpu"], "--repo is None; allowed: owner/name"),
        (["--profile", "tpu", "--repo", "me/demo"], "--profile is 'tpu'; allowed: cpu-basic"),
        (["--profile", "zero-gpu", "--repo", "demo"], "--repo is 'demo'; allowed: owner/name"),
        (["--profile", "zero-gpu", "--repo", "me/demo", "--model", "mine"], "--model is 'mine'; allowed: owner/name"),
        (["--profile", "zero-gpu", "--repo", "me/demo"], "token is None; allowed: a token with write access"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(checkout: Path, words: list[str], said: str) -> None:
    done = run(checkout, "deploy", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_the_hub_refuses_ends_with_a_line_and_no_token(checkout: Path) -> None:
    words = ("deploy", "--profile", "cpu-basic", "--repo", "me/demo")
    with serving() as hub:
        hub.refuse = "/variables"
        done = run(checkout, *words, HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
    assert done.returncode == 1
    assert done.stderr.startswith("twotower: step 2 failed, those before it are done: ")
    assert TOKEN not in done.stdout + done.stderr
