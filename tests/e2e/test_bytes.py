"""Characters split over tokens: whole once all their bytes are committed, never a replacement sign on the way."""

from __future__ import annotations

from playwright.sync_api import Page
from visitor import prose, stand_still, upload

from twotower import DEFAULT_MODEL, TwoTower
from twotower.recording import Recording
from twotower.sampling.events import BlockOpened, Denoised, Event, Finished, Prefilled, Proposal, Started
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

TEXT = "Ein 🐕 und ein Mädchen: 日本"


def recording() -> Recording:
    """The text, its tokens committed one a pass, every second one first."""
    model = TwoTower.from_pretrained(DEFAULT_MODEL)
    ids = model.tokenizer.encode(TEXT, add_special_tokens=False)
    assert any("\N{REPLACEMENT CHARACTER}" in model.tokenizer.decode([token]) for token in ids)  # some are split
    settings = SamplingSettings(max_new_tokens=len(ids), block_size=len(ids), steps_per_block=len(ids), seed=0)
    started = Started(
        0.0,
        "diffusion",
        (1,),
        settings.to_json(),
        0,
        model.name,
        "cpu",
        "float32",
        2,
        model.config.mask_token_id,
        (2,),
        (),
    )
    events: list[Event] = [started, Prefilled(0.1, 1, 0.1), BlockOpened(0.1, 0, 0, len(ids))]
    order = [*range(0, len(ids), 2), *range(1, len(ids), 2)]
    for step, position in enumerate(order):
        proposal = Proposal(position, ids[position], 0.9, "minimum", ((ids[position], 0.9),))
        events.append(Denoised(0.2 + step / 10, 0, step, 1 - step / len(ids), (proposal,), 0.1))
    events.append(Finished(events[-1].time, "length", len(ids)))
    return Recording.of("bytes", "", [Trace(tuple(events))], model.tokenizer)


def test_split_characters_are_whole_or_not_there(page: Page) -> None:
    upload(page, recording().to_json().encode())
    page.wait_for_function("document.querySelector('.tt-stage').stage.run.startsWith('opened')")
    stand_still(page)
    assert prose(page, "diffusion") == TEXT
    seen = page.evaluate(
        """() => {
          const { player, lanes } = document.querySelector(".tt-stage").stage;
          const lane = lanes.get("diffusion");
          return lane.timeline.times.map((time) => {
            player.seek(time);
            return [lane.prose.textContent, lane.grid.cells.map((cell) => cell.textContent).join("")];
          });
        }"""
    )
    assert len({text for text, _ in seen}) > 10
    for text, cells in seen:
        assert "\N{REPLACEMENT CHARACTER}" not in text + cells
        assert set(text) <= set(TEXT)
    for character in "🐕ä日本":
        assert [character in text for text, _ in seen] == sorted(character in text for text, _ in seen), character
