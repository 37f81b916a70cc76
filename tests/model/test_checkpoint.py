"""The official layout: written, read, and refused by the name of the tensor that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from quantised import WIDTHS, quantised_weights, read_in
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from twotower.errors import CheckpointError, InputError
from twotower.model import twotower as twotower_module
from twotower.model.experts import Experts, MoE
from twotower.model.quantised_layers import quantise_layers
from twotower.model.quantization import quantise
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


# ---- quantised ---------------------------------------------------------------------------------------------------

IDS = [5, 60, 7, 33, 8, 12]
both = pytest.mark.parametrize("bits", [8, 4])


@pytest.fixture(scope="module")
def plain(make_model: Callable[..., TwoTower]) -> TwoTower:
    return make_model(**WIDTHS)


@both
@pytest.mark.parametrize("shard_bytes", [30_000, 2**30])
def test_read_shard_by_shard_is_what_quantising_each_weight_gives(
    plain: TwoTower, tmp_path: Path, bits: int, shard_bytes: int
) -> None:
    plain.save_pretrained(tmp_path, shard_bytes=shard_bytes)
    model = TwoTower.from_pretrained(tmp_path, bits=bits)
    assert (model.bits, model.precision) == (bits, f"float32, {bits}-bit weights")
    weights, left = plain.state_dict(), dict(model.state_dict())
    for name, weight in quantised_weights(model):
        codes, scales = quantise(weights.pop(name), weight.bits)
        assert torch.equal(left.pop(f"{name}.codes"), codes), name
        assert torch.equal(left.pop(f"{name}.scales"), scales), name
    assert weights.keys() == left.keys()
    for name, tensor in left.items():
        assert torch.equal(tensor, weights[name]), name


@both
@pytest.mark.parametrize("shard_bytes", [30_000, 2**30])
def test_saved_and_read_again_every_bit_is_the_same(
    plain: TwoTower, tmp_path: Path, bits: int, shard_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = read_in(plain, tmp_path / "plain", bits)
    model.save_pretrained(tmp_path / "coded", shard_bytes=shard_bytes)
    monkeypatch.setattr("twotower.model.quantization.quantise", lambda *_: pytest.fail("quantised again"))
    again = TwoTower.from_pretrained(tmp_path / "coded")
    assert again.bits == bits
    assert_same_weights(again, model)
    assert torch.equal(again.context_logits(IDS), model.context_logits(IDS))
    assert torch.equal(again.denoiser_logits(IDS, [3, 9, 3], 0.7), model.denoiser_logits(IDS, [3, 9, 3], 0.7))
    assert_same_weights(TwoTower.from_pretrained(tmp_path / "coded", bits=bits), model)
    assert bool(list((tmp_path / "coded").glob("model-*-of-*.safetensors"))) == (shard_bytes < 2**30)


def test_codes_do_not_follow_the_dtype(plain: TwoTower, tmp_path: Path) -> None:
    model = read_in(plain, tmp_path / "plain", 4)
    model.save_pretrained(tmp_path / "coded", dtype=torch.bfloat16)
    again = TwoTower.from_pretrained(tmp_path / "coded", dtype=torch.bfloat16)
    ours, theirs = dict(quantised_weights(again)), dict(quantised_weights(model))
    assert all(torch.equal(ours[name].codes, theirs[name].codes) for name in theirs)
    assert {weight.scales.dtype for weight in ours.values()} == {torch.bfloat16}
    assert again.dtype == again.context_logits(IDS).dtype == torch.bfloat16
    off = again.context_logits(IDS).float() - model.context_logits(IDS)
    assert off.norm() < 0.1 * model.context_logits(IDS).norm()


def test_what_was_quantised_is_not_quantised_to_other_bits(plain: TwoTower, tmp_path: Path) -> None:
    read_in(plain, tmp_path / "plain", 8).save_pretrained(tmp_path / "coded")
    with pytest.raises(InputError, match="bits is 4; allowed: 8, to which"):
        TwoTower.from_pretrained(tmp_path / "coded", bits=4)


def test_codes_of_another_kind_are_no_codes(plain: TwoTower, tmp_path: Path) -> None:
    read_in(plain, tmp_path / "plain", 4).save_pretrained(tmp_path / "coded")
    codes = load_file(tmp_path / "coded" / "model.safetensors")["lm_head.weight.codes"]
    rewrite(tmp_path / "coded", lm_head__weight__codes=codes.float())
    with pytest.raises(CheckpointError, match=r"lm_head\.weight\.codes is torch\.float32; allowed: torch\.int8"):
        TwoTower.from_pretrained(tmp_path / "coded")


def test_plain_weights_under_the_name_of_codes_are_missed(plain: TwoTower, tmp_path: Path) -> None:
    """A config that says quantised beside weights that are not."""
    read_in(plain, tmp_path / "plain", 4).save_pretrained(tmp_path / "coded")
    (tmp_path / "plain" / "config.json").write_bytes((tmp_path / "coded" / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match=r"lacks tensors .*codes"):
        TwoTower.from_pretrained(tmp_path / "plain")


def test_a_weight_that_is_not_finite_is_named(plain: TwoTower, tmp_path: Path) -> None:
    plain.save_pretrained(tmp_path)
    name = "denoiser_tower.layers.1.mixer.experts.3.down_proj.weight"
    weight = load_file(tmp_path / "model.safetensors")[name]
    weight[2, 3] = float("nan")
    rewrite(tmp_path, **{name: weight})
    assert TwoTower.from_pretrained(tmp_path).bits is None  # a run of it says so when it meets one
    with pytest.raises(CheckpointError, match=rf"{name} holds NaN or infinity"):
        TwoTower.from_pretrained(tmp_path, bits=8)


@both
def test_experts_that_were_left_as_they_are_are_found_by_their_bytes(
    plain: TwoTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    def linear_layers_only(model: TwoTower, wanted: int) -> None:
        quantise_layers(model, wanted)
        for module in model.modules():
            if isinstance(module, MoE):
                module.experts = Experts(model.config)

    monkeypatch.setattr(twotower_module, "quantise_layers", linear_layers_only)
    plain.save_pretrained(tmp_path)
    with pytest.raises(
        CheckpointError, match=rf"context_tower\.layers\.1 takes [\d,]+ bytes .*, {bits} bits it has to"
    ):
        TwoTower.from_pretrained(tmp_path, bits=bits, dtype=torch.bfloat16)


def test_a_tensor_in_a_storage_too_large_is_found(plain: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in memory counts, not what shows of it."""
    model = TwoTower(plain.config)
    twotower_module.checkpoint.check_bytes(model)
    norm = model.denoiser_tower.norm_f
    norm.weight = nn.Parameter(torch.ones(2 * len(norm.weight))[: len(norm.weight)])
    with pytest.raises(CheckpointError, match=r"denoiser_tower\.norm_f takes 384 bytes .* has to take 192"):
        twotower_module.checkpoint.check_bytes(model)
    model.denoiser_tower.to("meta")
    twotower_module.checkpoint.check_bytes(model)
