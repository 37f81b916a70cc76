"""Choosing a token from logits: greedy, or Gumbel-max with temperature, top-k and top-p, from keyed noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from twotower.sampling.passes import Choose, Chosen
from twotower.sampling.settings import SamplingSettings

_WORD = 2**64
_KEPT = 32  # positions whose noise is kept: two blocks


class Noise:
    """Gumbel noise that depends on the seed and a key alone, not on what was drawn before.

    So a token's noise does not change when another lane, block or draft is computed first.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}
        self._of_positions: dict[tuple[int, int, torch.device], Tensor] = {}

    def gumbel(self, shape: tuple[int, ...], device: torch.device, *key: int) -> Tensor:
        """Standard Gumbel noise, float32, drawn on the device where it is wanted: that of another kind draws others."""
        state = self._seed
        for part in key:
            state = _mix(state ^ _mix(part + 1))
        if device not in self._generators:
            self._generators[device] = torch.Generator(device)
        generator = self._generators[device].manual_seed(_mix(state) >> 1)
        return -torch.empty(shape, device=device).exponential_(generator=generator).log()

    def at(self, position: int, size: int, device: torch.device) -> Tensor:
        """That of a position of the text (size,), kept for a while: a draft's passes and its verification share it."""
        key = (position, size, device)
        if key not in self._of_positions:
            if len(self._of_positions) == _KEPT:
                del self._of_positions[next(iter(self._of_positions))]
            self._of_positions[key] = self.gumbel((size,), device, position)
        return self._of_positions[key]


def _mix(word: int) -> int:
    # splitmix64 (Steele et al. 2014): neighbouring keys give unrelated seeds.
    word = (word + 0x9E3779B97F4A7C15) % _WORD
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % _WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % _WORD
    return word ^ (word >> 31)


def scores(logits: Tensor, settings: SamplingSettings, noise: Noise, *key: int) -> Tensor:
    """What each token (..., V) scores, from float32 logits (..., V): the largest is the choice.

    Temperature 0 scores by the logits themselves and draws nothing.
    """
    return _scores(logits, settings, lambda: noise.gumbel(tuple(logits.shape), logits.device, *key))


def scores_at(logits: Tensor, settings: SamplingSettings, noise: Noise, positions: Sequence[int]) -> Tensor:
    """The same for float32 logits (R, V), each row with the noise of its position in the text.

    Whoever chooses a token for a position draws the same noise: the autoregressive lane one token at a time, a
    verification a block at once, and a draft that hopes to meet them (common random numbers).
    """
    size, device = logits.shape[1], logits.device
    return _scores(logits, settings, lambda: torch.stack([noise.at(place, size, device) for place in positions]))


def _scores(logits: Tensor, settings: SamplingSettings, gumbel: Callable[[], Tensor]) -> Tensor:
    if settings.temperature == 0:
        return logits
    return keep_likely(logits / settings.temperature, settings.top_k, settings.top_p) + gumbel()


def chosen(requests: Sequence[Choose]) -> list[Chosen]:
    """What each request comes to, all of them on the device in one and with one transfer to the host."""
    logits = _joined([each.logits for each in requests])
    greedy = all(each.scores is each.logits for each in requests)
    best = logits if greedy else _joined([each.scores for each in requests])
    tokens, probabilities = best.max(-1).indices, logits.softmax(-1)  # the argmax, which of that name is slower
    read_off = [tokens, _of_tokens(probabilities, tokens)]
    sizes = [len(each.logits) for each in requests]
    if any(each.also is not None for each in requests):
        own_or_asked = zip(tokens.split(sizes), requests)
        asked = [own if each.also is None else own.new_tensor(each.also) for own, each in own_or_asked]
        read_off.append(_of_tokens(probabilities, _joined(asked)))
    ids, confidences, *rest = torch.stack([row.float() for row in read_off]).tolist()  # ids below 2**24 stay exact
    also = rest[0] if rest else []
    if len(requests) == 1:
        return [Chosen(list(map(int, ids)), confidences, also, probabilities)]
    slices = [slice(end - size, end) for size, end in zip(sizes, accumulate(sizes))]
    return [Chosen(list(map(int, ids[own])), confidences[own], also[own], probabilities[own]) for own in slices]


def indices(places: Sequence[int], of: Tensor) -> Tensor:
    """Places in a tensor (len,), on its device."""
    return torch.tensor(places, dtype=torch.long, device=of.device)


def _joined(rows: Sequence[Tensor]) -> Tensor:
    return rows[0] if len(rows) == 1 else torch.cat(list(rows))


def _of_tokens(probabilities: Tensor, tokens: Tensor) -> Tensor:
    return probabilities.gather(1, tokens.unsqueeze(1)).squeeze(1)


def keep_likely(logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """Logits (..., V) with all but the top_k set to -inf, then all outside the smallest set holding top_p."""
    if 0 < top_k < logits.shape[-1]:
        least = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if top_p < 1:
        ordered, order = logits.sort(dim=-1, descending=True)
        probabilities = ordered.softmax(-1)
        before = probabilities.cumsum(-1) - probabilities  # the first token always stays
        dropped = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before >= top_p)
        logits = logits.masked_fill(dropped, -torch.inf)
    return logits


def most_likely(probabilities: Tensor, count: int) -> list[tuple[tuple[int, float], ...]]:
    """For each row of (R, V) the `count` likeliest (id, probability), descending; none where count is 0."""
    if count == 0:
        return [()] * probabilities.shape[0]
    values, ids = probabilities.topk(min(count, probabilities.shape[-1]), dim=-1)
    return [tuple(zip(i, v)) for i, v in zip(ids.tolist(), values.tolist())]
