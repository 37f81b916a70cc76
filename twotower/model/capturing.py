"""Which models have passes that may be captured: those whose every shape is known before the pass.

A trace and a graph keep the shapes of the pass they were made of, and say nothing when another token would have had
others. So it is asked beforehand, of the configuration: no weight has to be there.
"""

from __future__ import annotations

import torch

from twotower.model.configuration import TwoTowerConfig
from twotower.model.experts import go_one_by_one


def why_plain(config: TwoTowerConfig, dtype: torch.dtype) -> str | None:
    """Why the passes of such a model must run plainly; None where they may be captured."""
    if config.bits is not None:
        # TorchScript besides computes once what it can, and would hold every weight expanded.
        return "quantised experts are expanded by what tokens choose"
    if go_one_by_one(config, dtype):
        return f"experts of widths {config.hidden_size} and {config.moe_intermediate_size} in {dtype} go one by one"
    return None
