"""The official layout: written, read, and refused by the name of the tensor that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from twotower.errors import CheckpointError
from twotower.model.twotower import TwoTower


@pytest.fixture
def folder(tiny_model: TwoTower, tmp_path: Path) -> Path:
    tiny_model.save_pretrained(tmp_path)
    return tmp_path


def rewrite(folder: Path, **changes: Tensor | None) -> None:
    """Replace tensors of the only shard; None takes one away. Dots of a name are written as __."""
    shard = folder / "model.safetensors"
    tensors = load_file(shard)
    for key, value in changes.items():
        name = key.replace("__", ".")
        tensors.pop(name, None)
        if value is not None:
            tensors[name] = value
    save_file(tensors, shard)


def assert_same_weights(one: TwoTower, other: TwoTower) -> None:
    ours, theirs = one.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def test_round_trip_in_one_shard(tiny_model: TwoTower, folder: Path) -> None:
    assert [file.name for file in folder.glob("*.safetensors")] == ["model.safetensors"]
    assert_same_weights(TwoTower.from_pretrained(folder), tiny_model)


def test_round_trip_in_many_shards_with_an_index(tiny_model: TwoTower, tmp_path: Path) -> None:
    tiny_model.save_pretrained(tmp_path, shard_bytes=20_000)
    shards = list(tmp_path.glob("model-*-of-*.safetensors"))
    assert len(shards) > 3
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == {shard.name for shard in shards}
    assert_same_weights(TwoTower.from_pretrained(tmp_path), tiny_model)


def test_shards_without_an_index(tiny_model: TwoTower, tmp_path: Path) -> None:
    tiny_model.save_pretrained(tmp_path, shard_bytes=20_000)
    (tmp_path / "model.safetensors.index.json").unlink()
    assert_same_weights(TwoTower.from_pretrained(tmp_path), tiny_model)


def test_bfloat16_on_disk(tiny_model: TwoTower, tmp_path: Path) -> None:
    tiny_model.save_pretrained(tmp_path, dtype=torch.bfloat16)
    stored = load_file(tmp_path / "model.safetensors")
    assert stored["lm_head.weight"].dtype == torch.bfloat16
    assert stored["context_tower.layers.0.mixer.A_log"].dtype == torch.float32
    loaded = TwoTower.from_pretrained(tmp_path, dtype=torch.float32)
    torch.testing.assert_close(loaded.lm_head.weight, tiny_model.lm_head.weight.bfloat16().float())


def test_loading_in_bfloat16_keeps_the_scan_and_the_router_bias_in_float32(folder: Path) -> None:
    model = TwoTower.from_pretrained(folder, dtype=torch.bfloat16)
    kept = {name.rpartition(".")[2] for name, t in model.state_dict().items() if t.dtype == torch.float32}
    assert kept == {"A_log", "D", "dt_bias", "e_score_correction_bias"}
    assert torch.isfinite(model.context_logits([5, 6, 7]).float()).all()


def test_names_on_disk_are_the_official_ones(folder: Path) -> None:
    names = set(load_file(folder / "model.safetensors"))
    assert {
        "context_tower.embeddings.weight",
        "context_tower.layers.0.mixer.conv1d.weight",
        "context_tower.layers.1.mixer.gate.e_score_correction_bias",
        "denoiser_tower.layers.1.mixer.experts.4.up_proj.weight",
        "denoiser_tower.layers.1.mixer.shared_experts.down_proj.weight",
        "context_tower.layers.2.mixer.q_proj.weight",
        "context_tower.norm_f.weight",
        "context_lm_head.weight",
        "lm_head.weight",
        "t_embedder.mlp.2.bias",
        "t_block.1.weight",
        "scale_shift_tables.5",
    } <= names
    assert not any(name.endswith("experts.up_proj") for name in names)


def test_a_missing_tensor_is_named(folder: Path) -> None:
    name = "denoiser_tower.layers.1.mixer.experts.3.down_proj.weight"
    rewrite(folder, **{name: None})
    with pytest.raises(CheckpointError, match=name):
        TwoTower.from_pretrained(folder)


def test_an_extra_tensor_is_named(folder: Path) -> None:
    rewrite(folder, denoiser_tower__layers__9__norm__weight=torch.ones(40))
    with pytest.raises(CheckpointError, match=r"unknown tensor denoiser_tower\.layers\.9\.norm\.weight"):
        TwoTower.from_pretrained(folder)


def test_a_misshapen_tensor_is_named_with_both_shapes(folder: Path) -> None:
    rewrite(folder, lm_head__weight=torch.ones(97, 41))
    with pytest.raises(CheckpointError, match=r"lm_head\.weight has shape \(97, 41\).*\(97, 40\)"):
        TwoTower.from_pretrained(folder)


def test_integers_are_no_weights(folder: Path) -> None:
    rewrite(folder, lm_head__weight=torch.ones(97, 40, dtype=torch.int32))
    with pytest.raises(CheckpointError, match=r"lm_head\.weight is torch\.int32"):
        TwoTower.from_pretrained(folder)


def test_a_tensor_in_two_shards_is_named(folder: Path) -> None:
    save_file({"lm_head.weight": torch.ones(97, 40)}, folder / "second.safetensors")
    with pytest.raises(CheckpointError, match=r"lm_head\.weight is in another shard"):
        TwoTower.from_pretrained(folder)


def test_a_broken_file_is_named(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        TwoTower.from_pretrained(folder)


@pytest.mark.parametrize("shard", ["gone.safetensors", "../model.safetensors"])
def test_an_index_may_only_name_files_of_its_folder(folder: Path, shard: str) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"lm_head.weight": shard}}))
    with pytest.raises(CheckpointError, match="names the shard"):
        TwoTower.from_pretrained(folder)


def test_pickles_are_not_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="safetensors"):
        TwoTower.from_pretrained(folder)
