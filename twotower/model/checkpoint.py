"""The official checkpoint layout: config.json and safetensors shards, experts one by one.

Knows the names of tensors; knows nothing of what they compute. Reads safetensors only: nothing in a model folder is
ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from twotower.errors import CheckpointError
from twotower.model.configuration import TwoTowerConfig

INDEX_FILE = "model.safetensors.index.json"
SHARD_BYTES = 5 * 2**30
_FLOATS = (torch.float32, torch.bfloat16, torch.float16)
# Small tensors whose rounding the scan and the router would amplify: float32 whatever the model's dtype.
_ALWAYS_FLOAT32 = ("A_log", "D", "dt_bias", "e_score_correction_bias")


def allocate(model: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Give a model built on the meta device empty tensors, each in the dtype it will be read into."""
    for module in model.modules():
        kinds: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for kind in kinds:
            for name, tensor in kind.items():
                if tensor is None:
                    continue
                wanted = torch.float32 if name in _ALWAYS_FLOAT32 else dtype
                empty = torch.empty_like(tensor, dtype=wanted, device=device)
                kind[name] = nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty


def load_weights(model: nn.Module, folder: Path) -> None:
    """Copy every tensor of the folder's shards into `model`; what has no storage there (see `allocate`) stays away.

    Raises CheckpointError naming each tensor that is missing, extra, twice there, misshapen or not a float.
    """
    targets = official_tensors(model)
    read: set[str] = set()
    for shard in _shards(folder):
        try:
            with safe_open(shard, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 (the file is no dict)
                    if name in read:
                        raise CheckpointError(f"{shard.name}: tensor {name} is in another shard too.")
                    if name in targets and not targets[name].is_meta:
                        _copy(file.get_tensor(name), targets[name], name, shard)
                    read.add(name)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{shard.name} cannot be read as safetensors: {error}") from error
    wanted = {name for name, target in targets.items() if not target.is_meta}
    _complain("lacks", sorted(wanted - read), folder)
    _complain("holds unknown", sorted(read - targets.keys()), folder)


def save_weights(model: nn.Module, folder: Path, dtype: torch.dtype | None, shard_bytes: int = SHARD_BYTES) -> None:
    """Write the official tensors to one shard, or to several with an index."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    total = 0
    for name, tensor in official_tensors(model).items():
        keep = dtype is None or name.endswith(_ALWAYS_FLOAT32)
        nbytes = tensor.numel() * (tensor.element_size() if keep else torch.empty((), dtype=dtype).element_size())
        if shards[-1] and size + nbytes > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += nbytes
        total += nbytes
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        file = "model.safetensors" if len(shards) == 1 else f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        weight_map.update(dict.fromkeys(shard, file))
        # Clones: one expert is a view of the stack, and safetensors writes whole storages.
        ready = {
            name: (t if dtype is None or name.endswith(_ALWAYS_FLOAT32) else t.to(dtype))
            .detach()
            .cpu()
            .clone(memory_format=torch.contiguous_format)
            for name, t in shard.items()
        }
        save_file(ready, folder / file, metadata={"format": "pt"})
    if len(shards) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def official_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Every tensor of the model under its official name; what we keep in one tensor gives views of it."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        tensors.update(_official(name, tensor, cast(TwoTowerConfig, model.config)))
    return tensors


def _official(name: str, tensor: Tensor, config: TwoTowerConfig) -> Iterator[tuple[str, Tensor]]:
    name = name.removeprefix("conditioning.")
    layer, experts, leaf = name.rpartition(".experts.")
    if experts:
        for number, expert in enumerate(tensor):
            yield f"{layer}.experts.{number}.{leaf}.weight", expert
    elif name.endswith(".qkv_proj.weight"):
        rows = [config.head_dim * heads for heads in (config.num_attention_heads, *2 * (config.num_key_value_heads,))]
        for letter, part in zip("qkv", tensor.split(rows)):
            yield name.replace(".qkv_proj.", f".{letter}_proj."), part
    else:
        yield name, tensor


def _shards(folder: Path) -> list[Path]:
    index = folder / INDEX_FILE
    if not index.is_file():
        shards = sorted(folder.glob("*.safetensors"))
        if not shards:
            raise CheckpointError(f"{folder} is not a model folder: it holds no .safetensors file.")
        return shards
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{INDEX_FILE} has no usable weight_map: {error}") from error
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise CheckpointError(f"{INDEX_FILE} names the shard {name!r}, which is not in {folder}.")
    return [folder / name for name in names]


def _copy(source: Tensor, target: Tensor, name: str, shard: Path) -> None:
    if source.shape != target.shape:
        raise CheckpointError(
            f"{shard.name}: tensor {name} has shape {tuple(source.shape)}; config.json asks for {tuple(target.shape)}."
        )
    if source.dtype not in _FLOATS:
        raise CheckpointError(
            f"{shard.name}: tensor {name} is {source.dtype}; allowed: {', '.join(map(str, _FLOATS))}."
        )
    target.copy_(source)


def _complain(verb: str, names: list[str], folder: Path) -> None:
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise CheckpointError(f"{folder.name} {verb} {'tensor' if len(names) == 1 else 'tensors'} {shown}.")
