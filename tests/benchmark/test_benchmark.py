"""The whole benchmark on a small shape, through the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from twotower.benchmark import benchmark, peer_race
from twotower.benchmark.figures import PeerFigure
from twotower.cli import main
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.race import Spread
from twotower.sampling.generate import LANES


@pytest.fixture
def shape(tmp_path: Path, tiny_config: TwoTowerConfig) -> Path:
    file = tmp_path / "config.json"
    file.write_text(replace(tiny_config, trained_block_size=8).to_json(), encoding="utf-8")
    return file


def test_a_shape_is_measured_from_end_to_end(shape: Path, quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--shapes", str(shape), "--repeats", "1", "--longest", "256", "--dtype", "bfloat16"]) == 0
    *tables, last = capsys.readouterr().out.splitlines()
    body = json.loads(last)
    assert (body["setting"]["model"], body["setting"]["dtype"]) == ("unnamed", "bfloat16")
    assert body["setting"]["reads"] == "random ids"
    assert [lane["lane"] for lane in body["lanes"]] == list(LANES)
    assert {figure["kind"] for figure in body["passes"]} >= {"AR step", "denoiser pass", "roll back", "prefill"}
    assert [figure["context"] for figure in body["by_context"]] == [256] * 3
    assert [(each["what"], each["lane"]) for each in body["overheads"]] == [
        (what, lane) for what in ("recording", "streaming") for lane in ("diffusion", "autoregressive")
    ]
    assert [(each["lane"], each["rows"]) for each in body["batches"]] == [
        (lane, rows) for lane in ("diffusion", "autoregressive") for rows in (1, 3)
    ]
    assert body["peers"] == []
    for figure in body["passes"]:
        assert figure["ratio"] == figure["seconds"]["median"] / figure["floor_seconds"]
        assert any(f"{1000 * figure['floor_seconds']:.3g}" in line.split() for line in tables)


def test_the_peer_runs_only_where_it_is_asked_for(
    quick: None, tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Spread(1.0, 1.0, 1.0)
    peer = PeerFigure("small", 1, "eager", one, one, one, 4, 4)
    monkeypatch.setattr(peer_race, "peer_figures", lambda model, repeats: [peer])
    monkeypatch.setattr(benchmark, "lane_figures", lambda *_: [])
    monkeypatch.setattr(benchmark, "recording_overheads", lambda *_: [])
    monkeypatch.setattr(benchmark, "streaming_overheads", lambda *_: [])
    monkeypatch.setattr(benchmark, "batch_figures", lambda *_: [])
    said: list[str] = []
    assert benchmark.benchmark(tiny_model, 1, 256, True, said.append).peers == (peer,)
    assert said[-1] == "transformers"
    assert benchmark.benchmark(tiny_model, 1, 256, False, said.append).peers == ()
