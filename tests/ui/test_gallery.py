"""The recorded runs that come with the page: few, small, of the embedded model, and true to their traces."""

from __future__ import annotations

import pytest

from twotower import TwoTower
from twotower.recording import Recording
from twotower.sampling import SamplingSettings, generate
from twotower.text import encode_prompt
from twotower.trace import Trace
from twotower.ui.gallery import TRACES, recorded, recorded_names

LARGEST = 150_000  # bytes


def test_there_are_four_to_six_under_names_of_their_own() -> None:
    names = recorded_names()
    assert 4 <= len(names) <= 6
    assert len({recorded(stem).name for stem in names}) == len(names)


@pytest.mark.parametrize("stem", recorded_names())
def test_each_is_small_and_holds_diffusion_beside_its_baseline(stem: str) -> None:
    assert (TRACES / f"{stem}.json").stat().st_size < LARGEST
    assert [record.trace.started.lane for record in recorded(stem).lanes][:2] == ["diffusion", "autoregressive"]


def test_one_shows_draft_and_verify_with_the_text_of_autoregression() -> None:
    lanes = [{record.trace.started.lane: record.trace for record in recorded(stem).lanes} for stem in recorded_names()]
    (traces,) = (each for each in lanes if "verify" in each)
    assert traces["verify"].token_ids == traces["autoregressive"].token_ids


@pytest.mark.parametrize("stem", recorded_names())
def test_the_embedded_model_still_writes_each_of_them(embedded: TwoTower, stem: str) -> None:
    # A recording that outlived its weights would be a picture of a model that is no longer there.
    recording: Recording = recorded(stem)
    ids = encode_prompt(embedded, recording.prompt)
    for record in recording.lanes:
        started = record.trace.started
        asked = {name: value for name, value in started.settings.items() if name != "end_token_ids"}
        settings = SamplingSettings(**{**asked, "seed": started.seed})  # type: ignore[arg-type]
        again = Trace.record(generate(embedded, ids, started.lane, settings))
        assert again.token_ids == record.trace.token_ids
        assert started.model == embedded.name
