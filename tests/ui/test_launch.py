"""Which model is loaded, and lanes that are warm before their clock starts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub import HubRepository, serve_hub
from twotower import DEFAULT_MODEL, CheckpointError, TwoTower
from twotower.errors import InputError
from twotower.model.licence import licence_of
from twotower.model.setup import Wanted
from twotower.model.source import name_of
from twotower.sampling.events import Event, Finished
from twotower.sampling.settings import SamplingSettings
from twotower.ui import launch
from twotower.ui.engine import Engine
from twotower.ui.launch import WarmLanes, make_demo


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """Engines a page was built for, in place of the page."""
    engines: list[Engine] = []
    monkeypatch.setattr(launch, "build_demo", engines.append)
    return engines


def test_without_a_word_the_embedded_model(built: list[Engine]) -> None:
    make_demo()
    assert built[0].folder == DEFAULT_MODEL
    assert built[0].model().folder == DEFAULT_MODEL


def test_an_engine_is_used_or_refused_at_once(built: list[Engine]) -> None:
    make_demo(wanted=Wanted(engine="plain"))
    assert built[0].model().engine.name == "plain"
    with pytest.raises(InputError, match="engine is 'warp'"):
        make_demo(wanted=Wanted(engine="warp"))


def test_the_page_is_there_before_the_weights(built: list[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, may_load = threading.Event(), threading.Event()
    really = TwoTower.load

    def slowly(*asked: Any, **named: Any) -> TwoTower:
        may_load.wait(30)
        loaded.set()
        return really(*asked, **named)

    monkeypatch.setattr(launch.TwoTower, "load", slowly)
    make_demo()
    assert built
    assert not loaded.is_set()
    may_load.set()
    assert built[0].model().config == built[0].config


def test_the_page_is_there_before_the_weights_are_downloaded(
    built: list[Engine], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    may_load, really = threading.Event(), launch.find_folder

    def slowly(*asked: Any, weights: bool = True) -> Path:
        if weights:
            may_load.wait(30)
        return really(*asked, weights=weights)

    monkeypatch.setattr(launch, "find_folder", slowly)
    with serve_hub({"owner/name": HubRepository(DEFAULT_MODEL)}) as hub:
        hub.use(monkeypatch, tmp_path)
        make_demo("owner/name")
        assert name_of(built[0].folder) == "owner/name@bbbbbbbbbbbb"
        assert licence_of(built[0].folder).name == "apache-2.0"
        assert hub.bytes_of("config.json")
        assert not hub.bytes_of("model.safetensors")
        may_load.set()
        assert built[0].model().folder == built[0].folder
    assert hub.bytes_of("model.safetensors") == (DEFAULT_MODEL / "model.safetensors").stat().st_size


def test_weights_that_cannot_be_loaded_are_said_when_they_are_wanted(built: list[Engine], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "broken"))
    (folder / "model.safetensors").write_bytes(b"no weights")
    make_demo(folder)
    with pytest.raises(CheckpointError):
        built[0].model()


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
        ({"max_new_tokens": 320}, True),  # room of another size
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
