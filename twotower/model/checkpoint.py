"""The official checkpoint layout: config.json and safetensors shards, experts one by one.

A quantised model is written as it is held: for a weight `codes` and `scales`, experts stacked and q, k and v in one.
Knows the names of tensors; knows nothing of what they compute. Reads safetensors only: nothing in a model folder is
ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from twotower.errors import CheckpointError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.quantization import Quantised, QuantisedRows
from twotower.sizes import weights_nbytes

INDEX_FILE = "model.safetensors.index.json"
SHARD_BYTES = 5 * 2**30
_FLOATS = (torch.float32, torch.bfloat16, torch.float16)
# Small tensors whose rounding the scan and the router would amplify: float32 whatever the model's dtype.
_ALWAYS_FLOAT32 = ("A_log", "D", "dt_bias", "e_score_correction_bias")
_QUANTISED = ("codes", "scales")  # of a dtype of their own, and read as they are

Target: TypeAlias = Tensor | QuantisedRows


def allocate(model: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Give a model built on the meta device empty tensors, each in the dtype it will be read into."""
    for module in model.modules():
        kinds: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for kind in kinds:
            for name, tensor in kind.items():
                if tensor is None:
                    continue
                wanted = torch.float32 if name in _ALWAYS_FLOAT32 else tensor.dtype if name in _QUANTISED else dtype
                empty = torch.empty_like(tensor, dtype=wanted, device=device)
                kind[name] = nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty


def load_weights(model: nn.Module, folder: Path, quantised: bool = False) -> None:
    """Copy every tensor of the folder's shards into `model`; what has no storage there (see `allocate`) stays away.

    `quantised` says that the folder's weights are; those of another are quantised one by one, where they are to be, if
    the model is. Raises CheckpointError naming each tensor that is missing, extra, twice there, misshapen or of a
    wrong dtype, and where the model then takes other bytes than its configuration says.
    """
    targets = _targets(model, quantised)
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
    check_bytes(model)


def check_bytes(model: nn.Module) -> None:
    """Raise CheckpointError where a part was allocated other bytes than the arithmetic on its configuration gives.

    A stack of experts is easily left as it was by what quantises: nothing but the bytes would show it. Parts on the
    meta device take none.
    """
    config = cast(TwoTowerConfig, model.config)
    dtype = cast(torch.dtype, model.dtype)
    for name, wanted in weights_nbytes(config, dtype.itemsize, config.bits).items():
        tensors = list(model.get_submodule(name).state_dict().values())
        held = _allocated(tensors)
        if held != wanted and not tensors[0].is_meta:
            kept = f"{dtype}" if config.bits is None else f"{dtype}, {config.bits} bits"
            raise CheckpointError(f"{name} takes {held:,} bytes of memory; in {kept} it has to take {wanted:,}.")


def save_weights(model: nn.Module, folder: Path, dtype: torch.dtype | None, shard_bytes: int = SHARD_BYTES) -> None:
    """Write the official tensors to one shard, or to several with an index."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    total = 0
    for name, tensor in official_tensors(model).items():
        keep = dtype is None or name.endswith(_ALWAYS_FLOAT32 + _QUANTISED)
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
            name: (t if dtype is None or name.endswith(_ALWAYS_FLOAT32 + _QUANTISED) else t.to(dtype))
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
    """Every tensor of the model under its official name; what we keep in one tensor gives views of it.

    Codes and scales, for which there are no official names, come under ours.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        if name.endswith(_QUANTISED):
            tensors[name] = tensor
        else:
            tensors.update(_official(name, tensor, cast(TwoTowerConfig, model.config)))
    return tensors


def _targets(model: nn.Module, quantised: bool) -> dict[str, Target]:
    """What is read into what: a plain weight into rows that quantise it, where the model is quantised."""
    targets: dict[str, Target] = dict(official_tensors(model))
    if quantised:
        return targets
    for name, module in model.named_modules():
        if isinstance(module, Quantised):
            for leaf in _QUANTISED:
                del targets[f"{name}.{leaf}"]
            targets.update(_official(name, module.rows, cast(TwoTowerConfig, model.config)))
    return targets


def _allocated(tensors: Iterable[Tensor]) -> int:
    """Bytes of what tensors lie in, each once."""
    storages = (tensor.untyped_storage() for tensor in tensors)
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


_Named = TypeVar("_Named", Tensor, QuantisedRows)


def _official(name: str, tensor: _Named, config: TwoTowerConfig) -> Iterator[tuple[str, _Named]]:
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


def _copy(source: Tensor, target: Target, name: str, shard: Path) -> None:
    if source.shape != target.shape:
        raise CheckpointError(
            f"{shard.name}: tensor {name} has shape {tuple(source.shape)}; config.json asks for {tuple(target.shape)}."
        )
    allowed = (target.dtype,) if isinstance(target, Tensor) and name.endswith(_QUANTISED) else _FLOATS
    if source.dtype not in allowed:
        raise CheckpointError(
            f"{shard.name}: tensor {name} is {source.dtype}; allowed: {', '.join(map(str, allowed))}."
        )
    try:
        target.copy_(source)
    except ValueError as error:
        raise CheckpointError(f"{shard.name}: tensor {name} holds {error} and cannot be quantised.") from error


def _complain(verb: str, names: list[str], folder: Path) -> None:
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise CheckpointError(f"{folder.name} {verb} {'tensor' if len(names) == 1 else 'tensors'} {shown}.")
