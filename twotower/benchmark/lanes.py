"""Every lane on one prompt: tokens a second, tokens a pass, the share of a run inside model passes."""

from __future__ import annotations

from twotower.benchmark.figures import LaneFigure
from twotower.benchmark.reading import prompt_of, reads_text
from twotower.model.twotower import TwoTower
from twotower.race import race, standings
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings

NEW_TOKENS = 128


def settings_for(model: TwoTower) -> SamplingSettings:
    """The defaults at the model's block size; where weights know no text, an end token ends nothing."""
    room = model.config.max_position_embeddings - len(prompt_of(model)[1])
    ends = None if reads_text(model) else ()
    length = min(NEW_TOKENS, room)
    return SamplingSettings(length, block_size=model.config.trained_block_size, seed=0, end_token_ids=ends)


def lane_figures(model: TwoTower, repeats: int) -> list[LaneFigure]:
    """Race every lane on the model's prompt; the middle run speaks for what is no time."""
    name, prompt = prompt_of(model)
    traces = list(race(model, prompt, tuple(LANES), settings_for(model), repeats))
    return [
        LaneFigure(
            lane=standing.lane,
            prompt=name,
            tokens=standing.middle.tokens,
            tokens_per_second=standing.tokens_per_second,
            speed_up=standing.speed_up,
            tokens_per_pass=standing.middle.tokens_per_pass,
            share_in_passes=standing.middle.share_in_passes,
        )
        for standing in standings(traces)
    ]
