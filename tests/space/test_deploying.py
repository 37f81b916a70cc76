"""A deployment as the Hub sees it, by its real client, and as a dry run says it: one list of actions."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import yaml
from small_checkout import Change
from spaces_hub import FakeHub, serving

from twotower.errors import InputError
from twotower.space.checks import OutOfStep
from twotower.space.deploying import DeploymentError, carry_out, check_committed, plan, say, url
from twotower.space.profiles import Space, with_model

TOKEN = "hf_not_a_real_token"
CREATED = {
    "small": "create gradio cpu-basic",
    "lent": "create gradio zero-a10g",
    "paid": "create gradio a100x4",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Where the client finds it, with a token."""
    with serving() as fake:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", fake.url)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield fake


def deploy(root: Path, profile: str, model: str | None = None) -> str:
    """Carry a profile out; what was said."""
    space = Space.read(root)
    said: list[str] = []
    carry_out(plan(root, space, with_model(space.profile(profile), model), "me/demo"), said.append)
    return "\n".join(said)


def rehearse(root: Path, profile: str, model: str | None = None) -> str:
    """What a dry run says of it."""
    space = Space.read(root)
    said: list[str] = []
    say(plan(root, space, with_model(space.profile(profile), model), "me/demo"), said.append)
    return "\n".join(said)


@pytest.mark.parametrize("profile", ["small", "lent", "paid"])
def test_the_space_holds_what_the_dry_run_said(root: Path, hub: FakeHub, profile: str) -> None:
    rehearsed = rehearse(root, profile)
    assert hub.done == []
    assert hub.tokens == set()
    assert deploy(root, profile) == rehearsed
    hub.files.pop(".gitattributes")
    assert sorted(hub.files) == ["README.md", "app.py", "lib/a.py", "lib/weights.safetensors", "requirements.txt"]
    for name, content in hub.files.items():
        assert f"{hashlib.sha256(content).hexdigest()} {len(content):>10} {name}" in rehearsed
    assert hub.uploads.keys() == {hashlib.sha256((root / "lib" / "weights.safetensors").read_bytes()).hexdigest()}
    assert hub.done[0] == CREATED[profile]
    assert hub.done[-2:] == [f"commit TwoTower on {profile}", f"hardware {hub.hardware}"]
    assert hub.tokens == {f"Bearer {TOKEN}"}


def test_readme_and_requirements_are_the_profiles(root: Path, hub: FakeHub) -> None:
    deploy(root, "lent", "me/mine")
    card = yaml.safe_load(hub.files["README.md"].decode().split("---\n")[1])
    assert (card["python_version"], card["models"]) == ("3.12", ["me/mine"])
    assert b"torch==2.11.0" in hub.files["requirements.txt"]
    assert hub.variables == {"TWOTOWER_MODEL": "me/mine"}
    assert b"torch==2.13.0" in (root / "requirements.txt").read_bytes()


def test_a_second_deployment_leaves_nothing_of_the_first(root: Path, hub: FakeHub) -> None:
    deploy(root, "paid")
    assert (hub.hardware, hub.sleep, hub.variables) == ("a100x4", 600, {"TWOTOWER_MODEL": "owner/large"})
    hub.variables["THEIR_OWN"] = "kept"
    hub.files["old.py"] = b"old"
    (root / "lib" / "a.py").unlink()
    hub.done.clear()
    deploy(root, "small")
    assert (hub.hardware, hub.sleep, hub.variables) == ("cpu-basic", None, {"THEIR_OWN": "kept"})
    assert sorted(hub.files) == [".gitattributes", "README.md", "app.py", "lib/weights.safetensors", "requirements.txt"]
    assert hub.done == ["unset TWOTOWER_MODEL", "commit TwoTower on small", "hardware cpu-basic"]


def test_what_is_billed_is_said_to_be(root: Path) -> None:
    assert "a100x4 (billed by the minute while it runs), asleep after 600 s" in rehearse(root, "paid")
    assert "billed" not in rehearse(root, "small") + rehearse(root, "lent")


def test_what_the_hub_refuses_is_said_without_the_token(root: Path, hub: FakeHub) -> None:
    hub.refuse = "/commit/"
    with pytest.raises(DeploymentError, match="step 3 failed, those before it are done") as caught:
        deploy(root, "small")
    assert "no rights" in str(caught.value) or "403" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert hub.done == ["create gradio cpu-basic"]


def test_a_hub_that_does_not_answer_is_said(root: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(DeploymentError, match="step 1 failed"):
        deploy(root, "small")


def test_without_a_token_nothing_is_tried(root: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(InputError, match=r"token is None; allowed: a token with write access, in .*HF_TOKEN"):
        deploy(root, "small")
    assert hub.tokens == set()


@pytest.mark.parametrize("repo", ["demo", "me/", "/demo", "me/demo/more", "me demo", "https://hub/me/demo"])
def test_a_name_that_is_none_is_refused(root: Path, repo: str) -> None:
    space = Space.read(root)
    with pytest.raises(InputError, match="--repo is"):
        plan(root, space, space.first, repo)


def test_files_out_of_step_are_not_deployed(root: Path, change: Change) -> None:
    change("README.md", "title: Two", "title: Three")
    with pytest.raises(OutOfStep, match="space render writes it"):
        rehearse(root, "small")


def test_only_what_git_holds_is_deployed(root: Path) -> None:
    space = Space.read(root)
    check_committed(root, space)  # no checkout, nothing to hold it against

    def git(*words: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
        subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)

    git("init")
    with pytest.raises(InputError, match=r"files is 'README.md and 4 more'; allowed: files as git holds them"):
        check_committed(root, space)
    git("add", "-A")
    git("commit", "-m", "all")
    check_committed(root, space)
    (root / "notes.txt").write_text("no part of the Space")
    check_committed(root, space)
    (root / "lib" / "a.py").write_text("print('b')\n")
    with pytest.raises(InputError, match=r"files is 'lib/a.py'"):
        check_committed(root, space)
    git("add", "-A")
    (root / ".gitignore").write_text("b.py\n")
    git("commit", "-m", "changed")
    (root / "lib" / "b.py").write_text("ignored, and yet a file of the Space\n")
    with pytest.raises(InputError, match=r"files is 'lib/b.py'"):
        check_committed(root, space)


def test_the_address_is_the_hubs(hub: FakeHub) -> None:
    assert url("me/demo") == f"{hub.url}/spaces/me/demo"
