"""Whatever a pass did to the context tower's memory, the next one finds it as it was."""

from __future__ import annotations

import torch

from twotower.benchmark.standpoint import Standpoint
from twotower.model.twotower import TwoTower


def test_every_pass_begins_where_the_first_did(tiny_model: TwoTower) -> None:
    ids = torch.randint(4, 97, (1, 24), generator=torch.Generator().manual_seed(0))
    standpoint = Standpoint(tiny_model, ids[:, :16], 16)
    assert standpoint.context == 16
    with torch.inference_mode():
        _, state = tiny_model.prefill(ids[:, :16], 16)
        expected = tiny_model.ar_step(ids[:, 16], state)
        for _ in range(2):
            restored = standpoint.restored()
            torch.testing.assert_close(tiny_model.ar_step(ids[:, 16], restored), expected, rtol=0, atol=0)
            tiny_model.context_pass(ids[:, 16:], restored)
