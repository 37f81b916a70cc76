"""Render, check and deploy the Hugging Face Space that spaces.yaml describes."""

from __future__ import annotations

import argparse
from pathlib import Path

import twotower
from twotower.errors import InputError
from twotower.space.checks import demand_in_step
from twotower.space.deploying import carry_out, check_committed, plan, say, url
from twotower.space.profiles import Space, with_model
from twotower.space.rendering import rendered

ROOT = Path(twotower.__file__).resolve().parents[1]
STEPS = ("render", "check", "deploy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """render, check, deploy, and what a deployment needs to know."""
    parser.add_argument(
        "step",
        choices=STEPS,
        help="render: write the README's front matter and the requirements of profiles; check: is everything in step; "
        "deploy: put a profile on the Hub",
    )
    parser.add_argument("--profile", metavar="NAME", help="deploy: the hardware, as spaces.yaml names it")
    parser.add_argument("--repo", metavar="OWNER/NAME", help="deploy: the Space, made if it is not there")
    parser.add_argument(
        "--model", metavar="OWNER/NAME", help="deploy: a model on the Hub in place of the profile's own"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="deploy: say every step and every file, and do none of it"
    )


def run(arguments: argparse.Namespace) -> None:
    """Raises InputError, OutOfStep where files disagree, DeploymentError where the Hub does."""
    if arguments.step == "render":
        render()
    elif arguments.step == "check":
        check()
    else:
        deploy(arguments)


def render() -> None:
    """Write what differs, and say which files that was."""
    for name, text in rendered(ROOT, Space.read(ROOT)).items():
        file = ROOT / name
        same = file.is_file() and file.read_text(encoding="utf-8") == text
        if not same:
            file.write_text(text, encoding="utf-8")
        print(f"{name}: {'as it should be' if same else 'written'}")


def check() -> None:
    """Say that all is in step, or raise OutOfStep with everything that is not."""
    demand_in_step(ROOT)
    print("The README, the requirements and spaces.yaml are in step.")


def deploy(arguments: argparse.Namespace) -> None:
    """Say the steps, or take them."""
    for option in ("profile", "repo"):
        if getattr(arguments, option) is None:
            names = ", ".join(profile.name for profile in Space.read(ROOT).profiles)
            raise InputError(f"--{option}", None, names if option == "profile" else "owner/name")
    space = Space.read(ROOT)
    profile = with_model(space.profile(arguments.profile), arguments.model)
    actions = plan(ROOT, space, profile, arguments.repo)
    if arguments.dry_run:
        say(actions, print)
        print(f"A dry run: nothing was done. The Space would be at {url(arguments.repo)}")
        return
    check_committed(ROOT, space)
    carry_out(actions, print)
    print(f"The Space builds at {url(arguments.repo)}")
