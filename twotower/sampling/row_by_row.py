"""Passes carried out at once, each row's on a state of its own. What `generate` runs a lane with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from twotower.model.state import ContextState, ReadAhead
from twotower.model.twotower import TwoTower
from twotower.sampling.passes import (
    ARStep,
    ContextPass,
    DenoiserPass,
    MockARStep,
    Pass,
    Prefill,
    ReadPrompt,
    RecordPass,
    TakeOver,
    VerifyPass,
)


class RowByRow:
    """An executor for any number of rows, which never meet in a pass."""

    def __init__(self, model: TwoTower) -> None:
        self._model = model
        self._rows: dict[int, _Alone] = {}

    def carry_out(self, asked: Mapping[int, Pass]) -> dict[int, Any]:
        """One pass after the other."""
        return {row: self._rows.setdefault(row, _Alone(self._model)).carry_out(each) for row, each in asked.items()}

    def leave(self, row: int) -> None:
        """Forget the row's state."""
        self._rows.pop(row, None)


class _Alone:
    """The passes of one text."""

    _state: ContextState
    _ahead: ReadAhead

    def __init__(self, model: TwoTower) -> None:
        self._model = model

    def carry_out(self, asked: Pass) -> Any:
        model = self._model
        match asked:
            case DenoiserPass(block, masked_fraction):
                return model.denoiser_pass(self._ids(block), self._state, masked_fraction)[0]
            case ARStep(token):
                return model.ar_step(self._ids((token,))[0], self._state)
            case ContextPass(block) | RecordPass(block):
                return model.context_pass(self._ids(block), self._state)[0]
            case VerifyPass(drafted):
                logits, self._ahead = model.verify_pass(self._ids(drafted), self._state)
                return logits[0]
            case TakeOver(count):
                return model.take_over(self._ahead, self._state, count)
            case MockARStep(token):
                ids = self._ids((token,))
                return model.denoiser_pass(ids, self._state, None)[:, 0], model.context_step(ids[0], self._state)
            case Prefill(prompt, room):
                logits, self._state = model.prefill(self._ids(prompt), room + model.config.widest_block)
                return logits
            case ReadPrompt(prompt, room):
                room += model.config.widest_block
                self._state = model.prefill(self._ids(prompt), room)[1] if prompt else model.empty_state(1, room)
                return None
        raise TypeError(f"no pass: {asked!r}")

    def _ids(self, tokens: tuple[int, ...]) -> Tensor:
        return torch.tensor([tokens], dtype=torch.long, device=self._model.device)
