"""Which experts the denoiser tower chooses, pass by pass: a separate run that is watched and not timed.

Forward hooks on the denoiser's routers count while the diffusion lane runs as always, so the same seed gives the same
text as a race. Knows the model and the lane; knows no page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from twotower.errors import InputError
from twotower.model.configuration import MOE
from twotower.model.tower import Tower
from twotower.model.twotower import TwoTower
from twotower.sampling.events import Denoised, Event, Started
from twotower.sampling.generate import generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace


@dataclass(frozen=True)
class RoutedPass:
    """One denoiser pass. All `slots` of its block are routed, committed and masked ones alike.

    `counts[i][e]` is how many of them chose expert e in the i-th MoE layer; each row adds up to slots times top-k.
    """

    block: int
    step: int
    slots: int
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Routing:
    """A run's expert choices. `layers` are the indices of the MoE layers, from 0 as in the checkpoint's names."""

    layers: tuple[int, ...]
    experts: int
    chosen: int  # experts a slot goes to, top-k
    passes: tuple[RoutedPass, ...]
    seed: int
    token_ids: tuple[int, ...]  # of the text that was written meanwhile

    def row(self, layer: int) -> int:
        """Where a layer stands in every pass's `counts`. Raises InputError for one without experts."""
        if layer not in self.layers:
            raise InputError("layer", layer, "one of " + ", ".join(map(str, self.layers)))
        return self.layers.index(layer)


def record_routing(
    model: TwoTower,
    prompt_ids: Sequence[int],
    settings: SamplingSettings,
    should_stop: Callable[[], bool] = lambda: False,
) -> Routing:
    """Run the diffusion lane once and count. Raises InputError where the model has no experts, or as `generate` does.

    A run that `should_stop` ends early gives the passes it made.
    """
    layers = model.config.moe_layers
    if not layers:
        raise InputError("model", model.name, "a model with mixture-of-experts layers")
    events: list[Event] = []
    passes: list[RoutedPass] = []
    seed = settings.seed
    with model.plainly(), counted_experts(model.denoiser_tower) as counts:
        for event in generate(model, prompt_ids, "diffusion", settings, should_stop):
            events.append(event)
            if isinstance(event, Started):
                seed = event.seed
            elif isinstance(event, Denoised):
                rows = tuple(counts[layer] for layer in layers)
                slots = sum(rows[0]) // model.config.num_experts_per_tok
                passes.append(RoutedPass(event.block, event.step, slots, rows))
    return Routing(
        layers=layers,
        experts=model.config.n_routed_experts,
        chosen=model.config.num_experts_per_tok,
        passes=tuple(passes),
        seed=seed,
        token_ids=Trace(tuple(events)).token_ids,
    )


@contextmanager
def counted_experts(tower: Tower) -> Iterator[dict[int, tuple[int, ...]]]:
    """MoE layer of the tower -> how many slots chose each expert in the latest pass."""
    counts: dict[int, tuple[int, ...]] = {}

    def hook_of(layer: int) -> Callable[[nn.Module, tuple[Tensor, ...], tuple[Tensor, Tensor]], None]:
        def count(router: nn.Module, _: tuple[Tensor, ...], routed: tuple[Tensor, Tensor]) -> None:
            experts, _weights = routed  # (T, k)
            counts[layer] = tuple(experts.flatten().bincount(minlength=tower.config.n_routed_experts).tolist())

        return count

    with ExitStack() as hooks:
        for number, layer in enumerate(tower.layers):
            if layer.kind == MOE:
                hooks.callback(layer.mixer.gate.register_forward_hook(hook_of(number)).remove)
        yield counts
