"""Every command and every program in the README runs, or says why it cannot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from released import RELEASED

from twotower.model.setup import Setup
from twotower.planning.plan import Plan
from twotower.planning.words import forms_table
from twotower.space.profiles import Space

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(kind, remark.strip(), body) for kind, remark, body in FENCE.findall(README)]
STORY = "One day, a girl found a red ball. She was happy and ran home to her mom. They played.\n<|endoftext|>\n"


def commands() -> list[str]:
    """Lines of the shell blocks, the installing ones and those marked as not to be run left out."""
    lines = [line for kind, remark, body in BLOCKS if kind == "sh" and not remark for line in body.splitlines()]
    return [line for line in lines if "pip install" not in line]


def marked(name: str) -> str:
    """The command under a marker that `.ci/run` reads too."""
    found = re.search(rf"^<!-- {name} -->\n```sh\n(.*?)\n```$", README, re.MULTILINE)
    assert found is not None
    return found.group(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somewhere to stand that has the files the commands name."""
    place = tmp_path_factory.mktemp("readme")
    (place / "assets").symlink_to(ROOT / "assets")
    (place / "stories.txt").write_text(STORY * 60, encoding="utf-8")
    (place / "held-out.txt").write_text(STORY * 20, encoding="utf-8")
    return place


def shell(command: str, folder: Path) -> str:
    """Run it as a newcomer would, with this interpreter in the environment's place."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", command.replace(".venv/bin/python", sys.executable)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_run(folder: Path) -> None:
    # One test, in order: the last command uses what the one before it trained.
    asked = commands()
    assert len(asked) >= 5
    for command in asked:
        assert shell(command, folder).strip(), command


PROGRAMS = [body for kind, _, body in BLOCKS if kind == "python" and "TwoTower" in body]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_python_programs_run(folder: Path, program: str) -> None:
    assert shell(f".venv/bin/python - <<'END'\n{program}END\n", folder).strip()


def test_only_what_needs_weights_a_gpu_a_token_or_minutes_is_not_run() -> None:
    left_out = [body.strip() for kind, remark, body in BLOCKS if kind == "sh" and remark.startswith("not-run: ")]
    page, real, revision, shapes, embedded, lent, cards = left_out
    assert "TWOTOWER_MODEL=nvidia/" in real
    assert "generate --model nvidia/" in revision
    assert "--device cuda" in shapes
    assert (ROOT / page.removeprefix(".venv/bin/python ")).is_file()
    deployed = [re.findall(r"space deploy --profile (\S+)", body) for body in (embedded, lent, cards)]
    assert deployed == [["cpu-basic"], ["zero-gpu"], ["rtx-pro-6000x2"]]
    assert len(embedded.splitlines()) == len(cards.splitlines()) == 1
    assert [line.split()[-1] for line in lent.splitlines()] == ["twotower-4bit", "twotower-4bit", "you/twotower-4bit"]


def test_what_the_real_model_needs_is_what_plan_says() -> None:
    _, _, table = README.partition("| on GPUs |")
    rows = [line.strip("| ").split(" | ") for line in table.split("\n\n")[0].splitlines()[2:]]
    said = [tuple(cells) for _, *cells in forms_table(Plan.of(Setup.find(RELEASED)))[1]]
    assert len(rows) == 5
    assert [tuple(cells) for _, *cells in rows] == said[:5]
    assert "126.4 GB in bfloat16" in README


def test_every_profile_of_the_space_is_in_its_table() -> None:
    named = re.findall(r"^\| `([\w-]+)` \|", README.partition("## On Hugging Face Spaces")[2], re.MULTILINE)
    assert named == [profile.name for profile in Space.read(ROOT).profiles]


def test_installing_commands_are_the_ones_ci_types() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for name in ("demo", "tests"):
        assert f"command_of {name}" in script
        assert "pip install" in marked(name)
    assert marked("demo").endswith("python app.py")
    assert marked("tests").endswith("-m pytest")


def test_files_it_links_to_exist() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).is_file(), link
