"""From what a person asked for to a model: the plan is said first, and what cannot fit is not begun."""

from __future__ import annotations

import sys
from pathlib import Path

from twotower.amounts import gigabytes
from twotower.errors import InputError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.setup import Setup, Wanted
from twotower.model.source import find_config_file, find_folder
from twotower.model.twotower import TwoTower
from twotower.planning.plan import TOKENS, Plan
from twotower.planning.words import advice, briefly

WORTH_SAYING = 10**9  # bytes of weights: less is loaded before a plan of it has been read


def plan_for(path_or_repo: str | Path, revision: str | None, wanted: Wanted, tokens: int = TOKENS) -> Plan:
    """What it needs, from config.json alone. Raises CheckpointError and InputError."""
    config = TwoTowerConfig.from_file(find_config_file(path_or_repo, revision))
    return Plan.of(Setup.find(config, wanted), tokens)


def prepare(path_or_repo: str | Path, revision: str | None, wanted: Wanted) -> Setup:
    """Where everything is to go, before a weight is downloaded; of large models the plan is said on stderr.

    Raises InputError where a device has less memory than the weights alone take.
    """
    plan = plan_for(path_or_repo, revision, wanted)
    if plan.lacking(weights_alone=True):
        raise InputError("model", str(path_or_repo), too_large(plan))
    if plan.weights_nbytes >= WORTH_SAYING:
        print(briefly(plan), file=sys.stderr, flush=True)
    return plan.setup


def load(path_or_repo: str | Path, revision: str | None, wanted: Wanted) -> TwoTower:
    """The model, prepared, downloaded if need be, and loaded."""
    setup = prepare(path_or_repo, revision, wanted)
    return TwoTower.load(find_folder(path_or_repo, revision), setup)


def too_large(plan: Plan) -> str:
    """What is lacking, and what to do about it."""
    device = plan.lacking(weights_alone=True)[0]
    needed, free = gigabytes(plan.needs(device, weights_alone=True)), gigabytes(plan.free[device] or 0)
    return f"weights of up to {free}, which {device} has free; these take {needed}. " + "\n".join(advice(plan))
