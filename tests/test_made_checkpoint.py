"""The released model's way from the Hub to a text, gone by a made checkpoint in its layout, a fortieth as wide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from made_checkpoint import SHARDS, SMALL, make_checkpoint
from safetensors import safe_open

from tests.hub import FakeHub, HubRepository, serve_hub
from twotower.model.configuration import TwoTowerConfig
from twotower.model.releases import RELEASES
from twotower.model.setup import Setup
from twotower.model.twotower import TwoTower
from twotower.planning.plan import Plan
from twotower.sampling import SamplingSettings, generate
from twotower.sampling.generate import LANES
from twotower.trace import Trace

ROOT = Path(__file__).resolve().parents[1]
NAME = RELEASES[0].repository
COMMITS = (RELEASES[0].revision, RELEASES[0].mended_by + "0" * 33, "a" * 40)
SETTINGS = SamplingSettings(max_new_tokens=12, block_size=8, seed=0, end_token_ids=(), temperature=0.8)
PROMPT = (5, 6, 7)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("made") / "checkpoint")


@pytest.fixture(scope="module")
def hub(checkpoint: Path) -> Iterator[FakeHub]:
    with serve_hub({NAME: HubRepository(checkpoint, COMMITS)}) as served:
        yield served


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def command(hub: FakeHub, cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m twotower` in a process of its own, with that Hub and that cache."""
    environment = {**os.environ, **hub.environment(cache)}
    words = (sys.executable, "-m", "twotower", *words)
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def texts(model: TwoTower, lanes: tuple[str, ...] = tuple(LANES)) -> dict[str, list[int]]:
    return {lane: list(Trace.record(generate(model, PROMPT, lane, SETTINGS)).token_ids) for lane in lanes}


def test_it_is_laid_out_as_the_released_one_is(checkpoint: Path) -> None:
    shards = sorted(checkpoint.glob("*.safetensors"))
    assert len(shards) == SHARDS
    index = json.loads((checkpoint / "model.safetensors.index.json").read_text())["weight_map"]
    assert len([name for name in index if ".experts." in name]) == 2 * 23 * 128 * 2
    assert set(index.values()) == {shard.name for shard in shards}
    with safe_open(checkpoint / index["context_tower.layers.1.mixer.experts.0.up_proj.weight"], "pt") as file:
        assert file.get_tensor("context_tower.layers.1.mixer.experts.0.up_proj.weight").dtype == torch.bfloat16


# ---- in order, as a user would: each of these stands on the one before it --------------------------------------------


def test_a_plan_downloads_nothing_but_the_config(hub: FakeHub, cache: Path) -> None:
    done = command(hub, cache, "plan", "--model", NAME, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert hub.asked_files() == {"config.json"}
    planned = json.loads(done.stdout.splitlines()[-1])
    model = TwoTower.allocated(Setup.find(SMALL))
    assert planned["weights_bytes"] == sum(tensor.nbytes for tensor in model.state_dict().values())
    assert planned["parameters"] == sum(parameter.numel() for parameter in model.parameters())


def test_every_shard_comes_once_and_no_code(hub: FakeHub, cache: Path, checkpoint: Path) -> None:
    words = ("--prompt", "Once", "--max-new-tokens", "4", "--seed", "0", "--engine", "plain")
    first = command(hub, cache, "generate", "--model", NAME, *words)
    assert first.returncode == 0, first.stderr
    assert f"fetching {NAME}@{RELEASES[0].revision}" in first.stderr
    assert "nvidia-open-model-license, https://www.nvidia.com" in first.stderr
    for shard in checkpoint.glob("*.safetensors"):
        assert hub.bytes_of(shard.name) == shard.stat().st_size
    assert "modeling_twotower.py" not in hub.asked_files()
    hub.forget()
    again = command(hub, cache, "generate", "--model", NAME, *words)
    assert again.stdout.splitlines()[0] == first.stdout.splitlines()[0]
    assert not hub.transfers


def test_a_revision_with_the_wrong_denoiser_is_refused(hub: FakeHub, cache: Path) -> None:
    done = command(hub, cache, "generate", "--model", NAME, "--revision", COMMITS[-1])
    assert done.returncode == 2
    assert "wrong denoiser" in done.stderr


def test_what_was_quantised_and_saved_writes_what_is_quantised_when_loaded(
    hub: FakeHub, cache: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "four"
    done = command(hub, cache, "quantize", "--model", NAME, "--bits", "4", "--out", str(out), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert not hub.transfers
    saved, loaded = TwoTower.from_pretrained(out), TwoTower.from_pretrained(checkpoint, bits=4)
    assert texts(saved) == texts(loaded)
    held = sum(tensor.nbytes for tensor in saved.state_dict().values())
    assert held == Plan.of(Setup.find(TwoTowerConfig.from_folder(out))).weights_nbytes
    assert "license_name: nvidia-open-model-license" in (out / "README.md").read_text()
    assert not list(out.glob("*.py"))


# ---- what it writes --------------------------------------------------------------------------------------------------


def test_every_lane_runs_and_verifying_writes_what_autoregression_does(checkpoint: Path) -> None:
    model = TwoTower.from_pretrained(checkpoint, engine="plain")
    written = texts(model)
    assert all(len(ids) == SETTINGS.max_new_tokens for ids in written.values())
    assert written["verify"] == written["autoregressive"]


def test_experts_in_every_layout_on_disk_are_the_same_numbers(checkpoint: Path) -> None:
    model = TwoTower.from_pretrained(checkpoint, dtype="bfloat16")
    index = json.loads((checkpoint / "model.safetensors.index.json").read_text())["weight_map"]
    for tower, layer, expert, side in (("context_tower", 1, 0, "up_proj"), ("denoiser_tower", 51, 127, "down_proj")):
        name = f"{tower}.layers.{layer}.mixer.experts.{expert}.{side}.weight"
        with safe_open(checkpoint / index[name], "pt") as file:
            stacked = model.get_parameter(f"{tower}.layers.{layer}.mixer.experts.{side}")
            assert torch.equal(stacked[expert], file.get_tensor(name))


# ---- memory ----------------------------------------------------------------------------------------------------------

# Fewer and larger tensors than above, so that what is measured is not lost in what Python itself takes.
WIDE = replace(
    SMALL, hybrid_override_pattern="MEM*EMEM", hidden_size=512, moe_intermediate_size=384, n_routed_experts=32
)
MEASURE = """
import ctypes, gc, sys
from pathlib import Path
from twotower import TwoTower
from twotower.model import quantization
from twotower.model.setup import Setup, Wanted
from twotower.model.configuration import TwoTowerConfig

def status(field):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(field))

quantization._NUMBERS_AT_ONCE = 2**14  # as small beside these shards as the real pieces are beside the real ones
folder, bits = Path(sys.argv[1]), int(sys.argv[2]) or None
TwoTower.from_pretrained(sys.argv[3], bits=bits)  # what loading imports and sets up once
setup = Setup.find(TwoTowerConfig.from_folder(folder), Wanted(device="cpu", dtype="bfloat16", bits=bits))
gc.collect()
ctypes.CDLL(None).malloc_trim(0)  # what that left free is no room for what is measured
open("/proc/self/clear_refs", "w").write("5")  # the high-water mark begins anew
before = status("VmRSS")
model = TwoTower.load(folder, setup)
held = sum(tensor.nbytes for tensor in model.state_dict().values())
print(status("VmHWM") - before - held)
"""


@pytest.mark.parametrize("bits", [0, 4])
def test_beside_the_model_the_host_holds_no_more_than_a_shard_and_a_fifth(
    checkpoint: Path, tmp_path: Path, bits: int
) -> None:
    folder = make_checkpoint(tmp_path / "wide", WIDE, shards=8)
    largest = max(shard.stat().st_size for shard in folder.glob("*.safetensors"))
    whole = sum(shard.stat().st_size for shard in folder.glob("*.safetensors"))
    assert whole > 5 * largest  # a second copy of the model would be seen
    words = (sys.executable, "-c", MEASURE, str(folder), str(bits), str(checkpoint))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1.2 * largest, (int(done.stdout) / 1e6, largest / 1e6)
