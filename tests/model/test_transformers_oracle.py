"""A second oracle that shares no line with us: transformers' NemotronH on the context tower's weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from twotower.benchmark.peers import backbone_of
from twotower.model.twotower import TwoTower


@pytest.mark.parametrize("pattern", ["ME*M-E", "*EM", "MM*E", "M-*"])
@pytest.mark.parametrize("length", [3, 40])
def test_context_logits_are_those_of_nemotron_h(make_model: Callable[..., TwoTower], pattern: str, length: int) -> None:
    # Widths its grouped experts accept; its Mamba wants heads * head_dim and groups to divide.
    model = make_model(hybrid_override_pattern=pattern, moe_intermediate_size=16)
    ids = torch.randint(4, 97, (1, length), generator=torch.Generator().manual_seed(length))
    with torch.inference_mode():
        theirs = backbone_of(model)(ids).logits
    torch.testing.assert_close(model.context_logits(ids), theirs, atol=2e-4, rtol=1e-3)
