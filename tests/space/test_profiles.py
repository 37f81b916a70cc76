"""spaces.yaml is read or refused by name, and the real one's hardware holds the models it is meant for."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch
from released import RELEASED
from small_checkout import YAML

from twotower.commands import options
from twotower.commands.space import ROOT
from twotower.errors import InputError
from twotower.model.configuration import MOE
from twotower.model.setup import Setup
from twotower.planning.plan import Plan
from twotower.space.profiles import VARIABLES, Space, flavors, with_model


def test_a_profile_is_the_card_with_its_own_changes(root: Path) -> None:
    small, lent, paid = Space.read(root).profiles
    assert (small.card.python_version, lent.card.python_version) == ("3.11", "3.12")
    assert small.card.title == lent.card.title == "Two"
    assert (small.requirements_file, lent.requirements_file) == ("requirements.txt", "requirements-lent.txt")
    assert (small.billed, lent.billed, paid.billed) == (False, False, True)


def test_a_model_of_ones_own_is_set_and_named_on_the_card(root: Path) -> None:
    paid = Space.read(root).profile("paid")
    own = with_model(paid, "me/mine")
    assert dict(own.variables) == {"TWOTOWER_MODEL": "me/mine"}
    assert own.card.models == ("me/mine",)
    assert with_model(paid, "me/mine@v2").card.models == ("me/mine",)
    assert dict(with_model(paid, "me/mine@v2").variables) == {"TWOTOWER_MODEL": "me/mine@v2"}
    assert with_model(paid, None) is paid


@pytest.mark.parametrize(
    ("old", "new", "field", "allowed"),
    [
        ("hardware: a100x4", "hardware: h200", "paid: hardware", "a100x4"),
        ("hardware: a100x4", "hardware:", "paid: hardware", "text"),
        ("TWOTOWER_MODEL", "TWO_TOWER_MODEL", "paid: variables", "TWOTOWER_MODEL"),
        ("about: on the CPU", "abuot: on the CPU", "small: key", "about"),
        ("sleep_seconds: 600", "sleep_seconds: 0", "paid: sleep_seconds", "1 or more"),
        ("sleep_seconds: 600", "sleep_seconds: yes", "paid: sleep_seconds", "1 or more"),
        ('python_version: "3.12"', "python_version: 3.12", "card: python_version", "quotes"),
        ("files: [", "file: [", "spaces.yaml: key", "files"),
        ("colorTo: blue", "colorTo: mauve", "card: colorTo", "purple"),
        ("profiles:\n", "profiles: {}\nx:\n", "spaces.yaml: key", "profiles"),
        ("  sdk: gradio", " sdk: gradio", "spaces.yaml", "YAML"),
    ],
)
def test_a_wrong_line_is_refused_by_name(root: Path, old: str, new: str, field: str, allowed: str) -> None:
    assert old in YAML
    (root / "spaces.yaml").write_text(YAML.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Space.read(root)
    assert caught.value.field == field
    assert allowed in caught.value.allowed


def test_a_folder_without_the_file_and_an_unknown_profile(root: Path) -> None:
    with pytest.raises(InputError, match="--profile is 'large'; allowed: small, lent, paid"):
        Space.read(root).profile("large")
    (root / "spaces.yaml").unlink()
    with pytest.raises(InputError, match="a checkout"):
        Space.read(root)


def test_flavors_are_those_of_the_hubs_client() -> None:
    assert {"cpu-basic", "zero-a10g", "rtx-pro-6000x2", "a100x4"} <= set(flavors())
    assert not {"h200", "h100"} & set(flavors())  # the day they are there, spaces.yaml can have them


def test_the_released_model_fits_the_cards_it_is_meant_for() -> None:
    assert RELEASED.hybrid_override_pattern.count(MOE) == 23
    real = [profile for profile in Space.read(ROOT).profiles if profile.bits is not None]
    assert {profile.bits for profile in real} == {4, 8, 16}
    for profile in real:
        apart = "TWOTOWER_DENOISER_DEVICE" in dict(profile.variables)
        config = RELEASED if profile.bits == 16 else RELEASED.quantised(profile.bits)
        cards = [torch.device("cuda", number) for number in range(2)]
        on_cards = Setup(config, cards[0], cards[1] if apart else cards[0], torch.bfloat16, "plain")
        plan = Plan.of(Setup.find(RELEASED)).with_setup(on_cards)
        assert max(map(plan.needs, on_cards.devices)) < profile.gpu_gigabytes * 10**9, profile.name
        assert profile.gpus >= len(on_cards.devices)


@pytest.mark.parametrize("name", VARIABLES)
def test_the_app_reads_every_variable_a_profile_may_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "read")
    parser = argparse.ArgumentParser()
    options.add_model(parser)
    assert "read" in vars(parser.parse_args([])).values()
