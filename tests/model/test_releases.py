"""What is known of releases."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.released import RELEASED
from twotower import DEFAULT_MODEL, TwoTowerConfig
from twotower.model.releases import RELEASES, release_named, release_shaped

(RELEASE,) = RELEASES


def test_a_pin_is_a_whole_commit_id() -> None:
    for release in RELEASES:
        assert re.fullmatch("[0-9a-f]{40}", release.revision)
        assert re.fullmatch("[0-9a-f]{7,40}", release.mended_by)


@pytest.mark.parametrize("name", [RELEASE.repository, *RELEASE.former_names, RELEASE.repository.upper()])
def test_a_release_is_known_by_all_its_names(name: str) -> None:
    assert release_named(name) == RELEASE


@pytest.mark.parametrize("name", ["", "nvidia/other", f"somebody/{RELEASE.name}", f"{RELEASE.repository}-FP8"])
def test_others_are_not(name: str) -> None:
    assert release_named(name) is None


def test_a_release_is_known_by_its_shape() -> None:
    assert release_shaped(RELEASED) == RELEASE
    assert release_shaped(replace(RELEASED, vocab_size=1024)) is None
    assert release_shaped(replace(RELEASED, hidden_size=64)) is None
    assert release_shaped(TwoTowerConfig.from_folder(DEFAULT_MODEL)) is None
