"""Which model is loaded, and lanes that are warm before their clock starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twotower import DEFAULT_MODEL, TwoTower
from twotower.sampling.events import Event, Finished
from twotower.sampling.settings import SamplingSettings
from twotower.ui import launch
from twotower.ui.launch import WarmLanes, make_demo


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, embedded: TwoTower) -> list[str]:
    """Folders a page was built for, in place of the page; nothing is really loaded."""
    folders: list[str] = []

    def load(folder: str | Path, **_: Any) -> TwoTower:
        folders.append(f"load {folder}")
        return embedded

    monkeypatch.setattr(launch.TwoTower, "from_pretrained", load)
    monkeypatch.setattr(launch, "warm_up", lambda *_: None)
    monkeypatch.setattr(launch, "build_demo", lambda model, worker, folder: folders.append(f"page {folder}"))
    monkeypatch.delenv("TWOTOWER_MODEL", raising=False)
    return folders


def test_without_a_word_the_embedded_model(built: list[str]) -> None:
    make_demo()
    assert built == [f"load {DEFAULT_MODEL}", f"page {DEFAULT_MODEL}"]


def test_the_environment_names_the_model(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOTOWER_MODEL", "owner/theirs")
    make_demo()
    assert built == ["load owner/theirs", "page owner/theirs"]


def test_an_argument_outdoes_the_environment(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOTOWER_MODEL", "owner/theirs")
    make_demo("owner/mine")
    assert built == ["load owner/mine", "page owner/mine"]


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Warm-ups and runs in the order they happen; a warm-up of block size 13 goes wrong."""
    lines: list[str] = []

    def warm_up(model: object, settings: SamplingSettings, ids: list[int], lanes: list[str]) -> None:
        lines.append(f"warm {lanes[0]} {len(ids)} {settings.block_size}")
        if settings.block_size == 13:
            raise MemoryError

    def generate(model: object, ids: list[int], lane: str, **_: object) -> Iterator[Event]:
        lines.append(f"run {lane}")
        yield Finished(0.0, "length", 0)

    monkeypatch.setattr(launch, "warm_up", warm_up)
    monkeypatch.setattr(launch, "generate", generate)
    return lines


def run(lanes: WarmLanes, lane: str = "diffusion", prompt: int = 2, **changes: Any) -> None:
    list(lanes([1] * prompt, lane, SamplingSettings(**{"max_new_tokens": 32, "seed": 0, **changes}), lambda: False))


def test_a_lane_is_warm_before_it_starts(diary: list[str], embedded: TwoTower) -> None:
    run(WarmLanes(embedded))
    assert diary == ["warm diffusion 2 16", "run diffusion"]


@pytest.mark.parametrize(
    ("change", "warm"),
    [
        ({}, False),
        ({"max_new_tokens": 64, "temperature": 0.7, "seed": 9, "steps_per_block": 2}, False),
        ({"lane": "mock-ar"}, True),
        ({"prompt": 3}, True),
        ({"block_size": 8}, True),
        ({"max_new_tokens": 33}, True),  # a last block of another length
    ],
)
def test_only_a_new_shape_is_warmed_up(
    diary: list[str], embedded: TwoTower, change: dict[str, Any], warm: bool
) -> None:
    lanes = WarmLanes(embedded)
    run(lanes)
    diary.clear()
    run(lanes, **change)
    assert diary[0].startswith("warm") is warm
    assert diary[-1].startswith("run")


def test_a_warm_up_that_failed_is_tried_again(diary: list[str], embedded: TwoTower) -> None:
    lanes = WarmLanes(embedded)
    for _ in range(2):
        with pytest.raises(MemoryError):
            run(lanes, block_size=13)
    assert diary == ["warm diffusion 2 13"] * 2
