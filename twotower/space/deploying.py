"""A profile becomes a list of actions, which are said or carried out: a dry run and a real one differ in that alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from twotower.errors import InputError
from twotower.space.actions import Action, CommitFiles, CreateSpace, File, RequestHardware, SetVariables
from twotower.space.checks import demand_in_step
from twotower.space.files import matching, uncommitted
from twotower.space.profiles import MODEL, Profile, Space
from twotower.space.rendering import README, REQUIREMENTS, read, readme, requirements

TOKEN_VARIABLE = "HF_TOKEN"
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_MODEL = re.compile(_REPO.pattern + r"(@[\w./-]+)?")

Say = Callable[[str], None]


class DeploymentError(RuntimeError):
    """The Hub refused a step, or did not answer."""


def plan(root: Path, space: Space, profile: Profile, repo: str) -> list[Action]:
    """The steps in order. Raises InputError for a name that is none, OutOfStep for files that disagree."""
    if not _REPO.fullmatch(repo):
        raise InputError("--repo", repo, "owner/name")
    model = dict(profile.variables).get(MODEL)
    if model is not None and not _MODEL.fullmatch(model):
        raise InputError("--model", model, "owner/name, or owner/name@revision")
    demand_in_step(root)
    return [
        CreateSpace(repo, profile.card.sdk, profile.hardware),
        SetVariables(repo, profile.variables),
        CommitFiles(repo, f"TwoTower on {profile.name}", contents(root, space, profile)),
        RequestHardware(repo, profile.hardware, profile.sleep_seconds, profile.billed),
    ]


def contents(root: Path, space: Space, profile: Profile) -> tuple[File, ...]:
    """Every file of the profile's Space: those listed, and the README and the requirements of this profile."""
    files = {name: (root / name).read_bytes() for name in matching(root, space.files)}
    files[README] = readme(read(root, README), profile.card).encode()
    files[REQUIREMENTS] = requirements(read(root, REQUIREMENTS), profile).encode()
    return tuple(File(name, files[name]) for name in sorted(files))


def say(actions: Sequence[Action], show: Say) -> None:
    """The dry run: needs no token and no network."""
    for number, action in enumerate(actions, 1):
        show(f"{number}. {action.said()}")


def carry_out(actions: Sequence[Action], show: Say) -> None:
    """The real run: every action is said before it is done. Raises InputError for no token, DeploymentError."""
    from huggingface_hub import HfApi, get_token

    token = get_token()
    if token is None:
        allowed = f"a token with write access, in the environment's {TOKEN_VARIABLE} or from `hf auth login`"
        raise InputError("token", None, allowed)
    api = HfApi(token=token)
    for number, action in enumerate(actions, 1):
        show(f"{number}. {action.said()}")
        try:
            action.carry_out(api)
        except Exception as error:  # the Hub's client raises many kinds for one thing: this step is not done
            told = " ".join(str(error).replace(token, "***").split())
            raise DeploymentError(f"step {number} failed, those before it are done: {told}") from None


def check_committed(root: Path, space: Space) -> None:
    """Refuse files that no commit holds: what runs on the Hub should be found again here. Raises InputError."""
    names = [*matching(root, space.files), README, REQUIREMENTS]
    if changed := uncommitted(root, names):
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise InputError("files", changed[0] + more, "files as git holds them; commit them or take them away")


def url(repo: str) -> str:
    """Where the Space is to be seen."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/spaces/{repo}"
