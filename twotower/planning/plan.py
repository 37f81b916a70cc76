"""What goes where and how many bytes that takes: arithmetic on a configuration. Knows no tensors and no words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from twotower.model.configuration import TwoTowerConfig
from twotower.model.quantised_format import BITS
from twotower.model.setup import Setup
from twotower.planning.room import free_bytes
from twotower.sizes import Memory, conditioning_weights, expert_weights, layer_memory, tower_parts

GIB = 2**30
TOKENS = 8192  # of a text whose memory is planned for, where nothing else is said
# Room that is left for libraries, prefill and logits. An allowance: nobody has measured it on the released model.
_CUDA_ALLOWANCE, _HOST_ALLOWANCE = 2 * GIB, GIB // 2


@dataclass(frozen=True)
class Part:
    """A part of a model and the device it will be on; `parameters` is 0 for what is no weight."""

    group: str
    name: str
    device: torch.device
    nbytes: int
    parameters: int = 0


@dataclass(frozen=True)
class Plan:
    """Parts in the order they are loaded, and what each device has left."""

    setup: Setup
    parts: tuple[Part, ...]
    free: dict[torch.device, int | None]
    tokens: int

    @classmethod
    def of(cls, setup: Setup, tokens: int = TOKENS) -> Plan:
        """For one text of so many tokens at a time."""
        free = {device: free_bytes(device) for device in setup.devices}
        return cls(setup, (*_weights(setup), *_beside(setup, tokens)), free, tokens)

    def needs(self, device: torch.device, weights_alone: bool = False) -> int:
        """Bytes that a device has to have."""
        return sum(p.nbytes for p in self.parts if p.device == device and (p.parameters or not weights_alone))

    @property
    def parameters(self) -> int:
        """Of all that is loaded."""
        return sum(part.parameters for part in self.parts)

    @property
    def weights_nbytes(self) -> int:
        """Of all that is loaded, wherever it is."""
        return sum(part.nbytes for part in self.parts if part.parameters)

    def lacking(self, weights_alone: bool = False) -> tuple[torch.device, ...]:
        """Devices that say they have less than they need."""
        return tuple(
            device
            for device, free in self.free.items()
            if free is not None and free < self.needs(device, weights_alone)
        )

    def with_setup(self, setup: Setup) -> Plan:
        """The same for another setup, which this machine need not have."""
        free = {device: self.free.get(device) for device in setup.devices}
        return Plan(setup, (*_weights(setup), *_beside(setup, self.tokens)), free, self.tokens)


def forms(plan: Plan) -> list[Plan]:
    """Ways to have the model on GPUs, where it is bfloat16: whole, on two cards, quantised, the context tower alone.

    What is quantised already comes in one size.
    """
    one, two = torch.device("cuda", 0), torch.device("cuda", 1)
    asked = plan.setup
    whole = replace(asked, context_device=one, denoiser_device=one, dtype=torch.bfloat16)
    setups = [whole, replace(whole, denoiser_device=two)]
    if whole.config.bits is None:
        setups += [replace(whole, config=whole.config.quantised(bits)) for bits in BITS]
    setups += [replace(setup, denoiser_device=None) for setup in setups if setup.denoiser_device == one]
    return [plan.with_setup(setup) for setup in setups]


def _weights(setup: Setup) -> Iterator[Part]:
    config, dtype_bytes, bits = setup.config, setup.dtype.itemsize, setup.config.bits
    towers = (("context tower", setup.context_device), ("denoiser tower", setup.denoiser_device))
    for group, device in towers:
        if device is not None:
            for name, weights in tower_parts(config):
                yield Part(group, name, device, weights.nbytes(dtype_bytes, bits), weights.parameters)
    if setup.denoiser_device is not None:
        weights = conditioning_weights(config)
        nbytes = weights.nbytes(dtype_bytes, bits)
        yield Part("denoiser tower", "time conditioning", setup.denoiser_device, nbytes, weights.parameters)


def _beside(setup: Setup, tokens: int) -> Iterator[Part]:
    """What there has to be room for beside the weights."""
    memory = _text_memory(setup.config, setup.dtype.itemsize, tokens)
    for device in setup.devices:  # a denoiser on a device of its own reads a copy there
        yield Part("beside them", f"memory of a text of {tokens:,} tokens", device, memory)
        if setup.config.bits is not None and setup.config.moe_layers:
            yield Part("beside them", "experts of a layer, expanded", device, _expanded(setup))
        allowance = _CUDA_ALLOWANCE if device.type == "cuda" else _HOST_ALLOWANCE
        yield Part("beside them", "allowance for passes", device, allowance)


def _expanded(setup: Setup) -> int:
    """Bytes of all experts of a layer as a long prompt has them computed."""
    config = setup.config
    return config.n_routed_experts * expert_weights(config).parameters * setup.dtype.itemsize


def _text_memory(config: TwoTowerConfig, dtype_bytes: int, tokens: int) -> int:
    kept = sum((layer_memory(kind, config, dtype_bytes) for kind in config.hybrid_override_pattern), Memory())
    return kept.constant_bytes + kept.token_bytes * tokens
