"""A sweep of hand-made lanes: order, seeds, progress, stopping, and numbers that can be worked out on paper."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count

import pytest
from handmade import started

from twotower.errors import InputError
from twotower.race import Spread
from twotower.sampling.events import (
    BlockOpened,
    ContextExtended,
    Denoised,
    Event,
    Finished,
    FinishReason,
    Judged,
    Prefilled,
    Proposal,
    TokenDecoded,
    Verified,
)
from twotower.sampling.settings import SamplingSettings
from twotower.sweeping.export import points_csv
from twotower.sweeping.grid import Setting, SweepGrid
from twotower.sweeping.plan import MOST_RUNS, SweepPlan, SweepPrompt
from twotower.sweeping.points import SweepPoint
from twotower.sweeping.run import BASELINE, Progress, sweep
from twotower.trace import Trace

SEEDED = SamplingSettings(seed=7)
LOW, HIGH = Setting("threshold", 0.5, 4, 2), Setting("threshold", 0.9, 4, 2)
VERIFY = Setting(None, None, None, 2)
GRID = SweepGrid((0.5, 0.9), (4,), (2,))
PROMPTS = (SweepPrompt((10,), answer="4 5"), SweepPrompt((20,)))
AR_IDS = {10: [4, 5, 2], 20: [6, 7, 8, 9]}


def ar(ids: Sequence[int], seconds: float, reason: FinishReason = "end-token") -> Trace:
    """Tokens of probability 1/2, one a pass but the first; `seconds` of decoding after a prefill of one."""
    tokens = [TokenDecoded(1.0, position, token, 0.5, (), 0.1 * bool(position)) for position, token in enumerate(ids)]
    return Trace((started(BASELINE), Prefilled(1.0, 1, 1.0), *tokens, Finished(1.0 + seconds, reason, len(ids))))


def diffusion(ids: Sequence[int], seconds: float, judged: Sequence[float] = ()) -> Trace:
    """Blocks of two, each of one denoiser pass; `judged` are the log-probabilities that AR gives the text."""
    events: list[Event] = [started("diffusion"), Prefilled(1.0, 1, 1.0)]
    for block, offset in enumerate(range(0, len(ids), 2)):
        if block > 0:
            events.append(ContextExtended(1.0, block - 1, 2, 0.1))
        slots = tuple(
            Proposal(position, token, 0.9, "threshold", ())
            for position, token in enumerate(ids[offset : offset + 2], offset)
        )
        events += [BlockOpened(1.0, block, offset, len(slots)), Denoised(1.0, block, 0, 1.0, slots, 0.1)]
        if judged:
            given = tuple(judged[offset : offset + 2])
            events.append(Judged(1.0, offset, given, tuple(ids[offset : offset + 2]), ((),) * len(given)))
    return Trace((*events, Finished(1.0 + seconds, "end-token" if ids[-1] == 2 else "length", len(ids))))


def verified(first: int, seconds: float, *rounds: tuple[Sequence[int], int, int | None]) -> Trace:
    """The first token; then rounds of one denoiser pass: what was drafted, how many stayed, what AR put behind them."""
    events: list[Event] = [started("verify"), Prefilled(1.0, 1, 1.0)]
    events += [BlockOpened(1.0, 0, 0, 1 + len(rounds[0][0])), TokenDecoded(1.0, 0, first, 0.5, (), 0.0)]
    last, offset = first, 0
    for block, (drafted, accepted, following) in enumerate(rounds):
        if block > 0:
            events.append(BlockOpened(1.0, block, offset, 1 + len(drafted)))
        slots = tuple(Proposal(at, token, 0.9, "threshold", ()) for at, token in enumerate(drafted, offset + 1))
        events.append(Denoised(1.0, block, 0, 0.5, slots, 0.1))
        events.append(Verified(1.0, block, tuple(drafted), accepted, following, 0.1))
        last = drafted[accepted - 1] if following is None else following
        offset += accepted + (following is not None)
    return Trace((*events, Finished(1.0 + seconds, "end-token" if last == 2 else "length", offset + 1)))


def lane(prompt_ids: Sequence[int], name: str, settings: SamplingSettings) -> Trace:
    """AR: 3 and 2 tokens a second. Diffusion at 0.5: 6 and 2; at 0.9: 3 and 1, and AR's own texts.

    Draft and verify, AR's own texts too: 12 and 4. Two tokens stay in one round, then one of three in two rounds.
    """
    asked = prompt_ids[0]
    if name == BASELINE:
        return ar(AR_IDS[asked], {10: 1.0, 20: 2.0}[asked])
    if name == "verify":
        return {10: verified(4, 0.25, ([5, 2], 2, None)), 20: verified(6, 1.0, ([7, 7], 1, 8), ([9], 0, 9))}[asked]
    if settings.threshold == 0.9:
        return diffusion(AR_IDS[asked], {10: 1.0, 20: 4.0}[asked], {10: (-1.0, -3.0, -5.0), 20: (-1.0,) * 4}[asked])
    return {10: diffusion([4, 4, 2], 0.5, (-0.5, -0.5, -2.0)), 20: diffusion([6, 9], 1.0)}[asked]


def decode(ids: Sequence[int]) -> str:
    return " ".join(str(each) for each in ids if each != 2)


def plan(grid: SweepGrid = GRID, prompts: tuple[SweepPrompt, ...] = PROMPTS) -> SweepPlan:
    return SweepPlan(grid, prompts, SEEDED)


def points(steps: Iterator[Progress | SweepPoint]) -> dict[Setting | None, SweepPoint]:
    return {step.setting: step for step in steps if isinstance(step, SweepPoint)}


class Watched:
    """Runs hand-made lanes and remembers them."""

    def __init__(self, run: Callable[[Sequence[int], str, SamplingSettings], Trace] = lane) -> None:
        self.runs: list[tuple[int, str, SamplingSettings]] = []
        self._run = run

    def __call__(self, prompt_ids: Sequence[int], name: str, settings: SamplingSettings) -> Trace:
        self.runs.append((prompt_ids[0], name, settings))
        return self._run(prompt_ids, name, settings)


def test_speed_up_is_the_median_over_prompts_of_the_ratio_on_the_same_prompt() -> None:
    found = points(sweep(plan(), lane, decode))
    assert found[LOW].speed_up == Spread(1.5, 1.0, 2.0)  # 6 over 3, 2 over 2
    assert found[HIGH].speed_up == Spread(0.75, 0.5, 1.0)  # 3 over 3, 1 over 2
    assert found[LOW].tokens_per_second == Spread(4.0, 2.0, 6.0)
    assert found[None].speed_up == Spread(1.0, 1.0, 1.0)


def test_tokens_per_pass_count_context_passes_and_no_prefill() -> None:
    found = points(sweep(plan(), lane, decode))
    assert found[LOW].tokens_per_pass == 5 / 4  # 3 tokens of two denoiser passes and a context pass, 2 of one
    assert found[HIGH].tokens_per_pass == 7 / 6
    assert found[None].tokens_per_pass == 7 / 5


def test_qualities_are_means_over_the_runs_that_have_them() -> None:
    low = points(sweep(plan(), lane, decode))[LOW]
    assert low.agreement == pytest.approx((2 / 3 + 1 / 2) / 2)  # 4 4 2 beside 4 5 2; 6 9 beside 6 7
    assert (low.log_probability, low.judged) == (-1.0, 1)  # AR judged the last block too; and nothing of the other text
    assert (low.accuracy, low.answered) == (0.0, 1)  # the other prompt has no right answer
    assert (low.prompts, low.runs) == (2, 2)


def test_ars_own_text_is_judged_whole_and_answers_right() -> None:
    base, high = (points(sweep(plan(), lane, decode))[setting] for setting in (None, HIGH))
    assert base.log_probability == pytest.approx(math.log(0.5))
    assert (base.agreement, base.accuracy) == (1.0, 1.0)
    assert (high.agreement, high.accuracy, high.log_probability) == (1.0, 1.0, -2.0)  # -3 and -1


def test_an_answer_that_was_cut_is_not_right() -> None:
    def cut(prompt_ids: Sequence[int], name: str, settings: SamplingSettings) -> Trace:
        return ar([4, 5], 1.0, "length") if name == BASELINE else lane(prompt_ids, name, settings)

    found = points(sweep(plan(prompts=PROMPTS[:1]), cut, decode))
    assert (found[None].accuracy, found[HIGH].accuracy) == (0.0, 1.0)


def test_what_was_not_judged_has_no_likelihood_and_without_an_answer_there_is_no_accuracy() -> None:
    low = points(sweep(plan(prompts=PROMPTS[1:]), lane, decode))[LOW]
    assert (low.log_probability, low.judged, low.accuracy, low.answered) == (None, 0, None, 0)


def test_a_text_of_the_prefills_token_alone_has_no_speed() -> None:
    found = points(sweep(plan(prompts=PROMPTS[:1]), lambda *_: ar([2], 0.1), decode))
    assert (found[LOW].speed_up, found[LOW].tokens_per_second, found[LOW].tokens_per_pass) == (None, None, None)


def test_every_run_has_the_same_seed_and_what_does_not_vary() -> None:
    watched = Watched()
    list(sweep(plan(), watched, decode))
    assert {settings.seed for _, _, settings in watched.runs} == {7}
    for _, name, settings in watched.runs:
        setting = Setting("threshold", settings.threshold, settings.steps_per_block, settings.block_size)
        assert settings == (SEEDED if name == BASELINE else setting.of(SEEDED))
        assert name == BASELINE or setting in (LOW, HIGH)


def test_the_baseline_runs_once_on_every_prompt_of_a_repeat_first_then_last() -> None:
    watched = Watched()
    list(sweep(plan(replace(GRID, repeats=2)), watched, decode))
    lanes = [name for _, name, _ in watched.runs]
    assert lanes == [BASELINE] * 2 + ["diffusion"] * 8 + [BASELINE] * 2


def test_prompts_take_turns_in_being_first() -> None:
    watched = Watched()
    list(sweep(plan(), watched, decode))
    assert [asked for asked, _, _ in watched.runs] == [10, 20, 20, 10, 10, 20]


def test_the_seed_shuffles_the_points_and_every_second_repeat_turns_them_round() -> None:
    grid = SweepGrid(tuple(number / 20 for number in range(20)), (4,), (2,), repeats=2)
    orders = {
        seed: [s for s, _ in replace(plan(grid), settings=replace(SEEDED, seed=seed)).order(0)] for seed in (1, 2)
    }
    assert orders[1] != orders[2]
    assert orders[1][1:] != grid.settings
    assert set(orders[1]) == {None, *grid.settings}
    assert [s for s, _ in replace(plan(grid), settings=replace(SEEDED, seed=1)).order(1)] == orders[1][::-1]


def test_progress_comes_after_every_run_and_a_point_after_its_last_prompt() -> None:
    steps = list(sweep(plan(), lane, decode, now=count().__next__))
    kinds = ["point" if isinstance(step, SweepPoint) else step.done for step in steps]
    assert kinds == [1, 2, "point", 3, 4, "point", 5, 6, "point"]
    ticks = [step for step in steps if isinstance(step, Progress)]
    assert [(tick.total, tick.seconds) for tick in ticks] == [(6, seconds) for seconds in range(1, 7)]


def test_time_left_goes_on_at_the_pace_so_far() -> None:
    assert Progress(3, 12, 6.0).seconds_left == 18.0
    assert Progress(12, 12, 6.0).seconds_left == 0.0
    assert Progress(0, 12, 0.0).seconds_left is None


def test_a_repeat_is_measured_against_its_own_baseline() -> None:
    """AR takes 1 s in the first repeat and 2 s in the second; diffusion 1 s in both."""
    seconds = iter((1.0, 2.0))

    def run(prompt_ids: Sequence[int], name: str, settings: SamplingSettings) -> Trace:
        return ar([4, 5, 2], next(seconds)) if name == BASELINE else diffusion([4, 5, 2], 1.0)

    one = SweepPlan(SweepGrid((0.5,), (4,), (2,), repeats=2), PROMPTS[:1], SEEDED)
    steps = [step for step in sweep(one, run, decode) if isinstance(step, SweepPoint) and step.setting == LOW]
    assert [step.speed_up for step in steps] == [Spread(1, 1, 1), Spread(1, 1, 1), Spread(1.5, 1, 2)]
    assert [step.runs for step in steps] == [1, 2, 2]


def test_stopped_between_runs_it_keeps_the_points_that_are_complete() -> None:
    watched = Watched()
    steps = list(sweep(plan(), watched, decode, should_stop=lambda: len(watched.runs) == 4))
    assert len(watched.runs) == 4
    assert len(points(iter(steps))) == 2  # the baseline and the point of runs 3 and 4
    assert isinstance(steps[-1], SweepPoint)


def test_a_cancelled_run_ends_it_and_counts_nowhere() -> None:
    watched = Watched()

    def run(prompt_ids: Sequence[int], name: str, settings: SamplingSettings) -> Trace:
        whole = watched(prompt_ids, name, settings)
        return whole if len(watched.runs) < 4 else Trace((*whole.events[:2], Finished(1.5, "cancelled", 0)))

    steps = list(sweep(plan(), run, decode))
    assert len(watched.runs) == 4
    assert list(points(iter(steps))) == [None]
    assert isinstance(steps[-1], Progress)
    assert steps[-1].done == 3


def test_draft_and_verify_runs_in_its_lane_and_is_a_point_like_the_others() -> None:
    watched = Watched(lane)
    found = points(sweep(plan(replace(GRID, verify=True)), watched, decode))
    both = found[VERIFY]
    assert [name for _, name, _ in watched.runs].count("verify") == 2
    assert both.speed_up == Spread(3.0, 2.0, 4.0)
    assert (both.agreement, both.accuracy) == (1.0, 1.0)
    assert both.tokens_per_pass == 7 / 6  # a denoiser pass and a verify pass in each of three rounds
    assert both.accepted_per_round == 1.0  # 2 + 1 + 0 in three rounds
    assert found[LOW].accepted_per_round is found[None].accepted_per_round is None


def test_a_point_sets_its_rule_and_the_bound_of_that_rule_alone() -> None:
    assert Setting("stability", 0.7, 8, 4).of(SEEDED) == replace(
        SEEDED, unmasking="stability", threshold=0.7, steps_per_block=8, block_size=4
    )
    assert Setting("factor", 2.0, 8, 4).of(SEEDED) == replace(
        SEEDED, unmasking="factor", factor=2.0, steps_per_block=8, block_size=4
    )
    assert Setting("entropy", 0.5, 8, 4).of(SEEDED) == replace(
        SEEDED, unmasking="entropy", entropy_bound=0.5, steps_per_block=8, block_size=4
    )
    assert Setting("fixed", None, 8, 4).of(SEEDED) == replace(
        SEEDED, unmasking="fixed", steps_per_block=8, block_size=4
    )
    assert VERIFY.of(SEEDED) == replace(SEEDED, block_size=2)
    assert [setting.lane for setting in (LOW, VERIFY)] == ["diffusion", "verify"]


def test_a_grid_is_every_combination_and_a_value_given_twice_counts_once() -> None:
    grid = SweepGrid((0.5, 0.5, 0.9), (16, 4), (8,))
    assert grid.points == 4
    assert grid.settings == [Setting("threshold", t, s, 8) for t in (0.5, 0.9) for s in (16, 4)]


def test_every_rule_has_its_own_bounds_and_fixed_has_none() -> None:
    grid = SweepGrid(
        thresholds=(0.5, 0.9),
        steps_per_block=(16, 4),
        block_sizes=(8,),
        unmasking=("fixed", "factor", "fixed", "stability", "entropy"),
        factors=(1.0, 1),
        entropy_bounds=(0.1,),
        verify=True,
    )
    assert grid.settings == [
        Setting("fixed", None, 16, 8),
        Setting("fixed", None, 4, 8),
        Setting("factor", 1.0, 16, 8),
        Setting("factor", 1.0, 4, 8),
        *[Setting("stability", t, s, 8) for t in (0.5, 0.9) for s in (16, 4)],
        Setting("entropy", 0.1, 16, 8),
        Setting("entropy", 0.1, 4, 8),
        Setting(None, None, None, 8),
    ]
    assert grid.points == len(set(grid.settings)) == 11


def test_draft_and_verify_is_a_point_at_every_block_size_whatever_the_rules() -> None:
    alone = SweepGrid((), (), (8, 16), unmasking=(), verify=True)
    assert alone.settings == [Setting(None, None, None, 8), Setting(None, None, None, 16)]
    assert SweepGrid((), (4,), (8,), unmasking=("fixed",)).settings == [Setting("fixed", None, 4, 8)]


@pytest.mark.parametrize(
    ("values", "field", "value"),
    [
        ({"thresholds": ()}, "thresholds", ()),
        ({"thresholds": (0.5, 1.5)}, "threshold", 1.5),
        ({"thresholds": (math.nan,)}, "threshold", math.nan),
        ({"steps_per_block": (0,)}, "steps_per_block", 0),
        ({"steps_per_block": (2.5,)}, "steps_per_block", 2.5),
        ({"block_sizes": (-1,)}, "block_size", -1),
        ({"repeats": 0}, "repeats", 0),
        ({"repeats": 10}, "repeats", 10),
        ({"repeats": True}, "repeats", True),
        ({"unmasking": ()}, "unmasking", ()),
        ({"unmasking": ("threshold", "luck")}, "unmasking", "luck"),
        ({"unmasking": ("factor",), "factors": ()}, "factors", ()),
        ({"unmasking": ("factor",), "factors": (-1.0,)}, "factor", -1.0),
        ({"unmasking": ("entropy",), "entropy_bounds": ()}, "entropy_bounds", ()),
        ({"unmasking": ("entropy",), "entropy_bounds": (101.0,)}, "entropy_bound", 101.0),
        ({"unmasking": ("stability",), "thresholds": ()}, "thresholds", ()),
        ({"unmasking": (), "verify": True, "block_sizes": ()}, "block_sizes", ()),
        ({"verify": "yes"}, "verify", "yes"),
    ],
)
def test_a_value_no_lane_can_run_with_is_named(values: dict, field: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        SweepGrid(**values)
    assert caught.value.field == field
    assert caught.value.value is value or caught.value.value == value


def test_a_sweep_has_a_prompt_a_seed_and_a_limit() -> None:
    with pytest.raises(InputError, match="prompts"):
        plan(prompts=())
    with pytest.raises(InputError, match="seed"):
        SweepPlan(GRID, PROMPTS, SamplingSettings())
    most = SweepGrid(tuple(number / 100 for number in range(99)), (4,), (2,))
    assert plan(most, PROMPTS * 2).runs == MOST_RUNS == 400
    with pytest.raises(InputError, match="runs is 500") as caught:
        plan(most, (*PROMPTS, *PROMPTS, SweepPrompt((1,))))
    assert "at most 400" in str(caught.value)
    assert "(99 points + AR) × 5 prompts × 1 repeats" in str(caught.value)
    with pytest.raises(InputError, match="runs is 404"):
        plan(replace(most, verify=True), PROMPTS * 2)


def test_the_csv_has_every_point_and_reads_back() -> None:
    found = points(sweep(plan(prompts=PROMPTS[1:]), lane, decode))
    rows = list(csv.DictReader(io.StringIO(points_csv(found.values(), {"seed": 7, "model": 'a "b", c'}))))
    assert [row["lane"] for row in rows] == [BASELINE, "diffusion", "diffusion"]
    assert [row["unmasking"] for row in rows] == ["", "threshold", "threshold"]
    by_threshold = {row["threshold"]: row for row in rows}
    low = by_threshold["0.5"]
    assert (low["steps_per_block"], low["block_size"], low["runs"]) == ("4", "2", "1")
    assert (low["speed_up"], low["speed_up_low"], low["tokens_per_second"]) == ("1", "1", "2")
    assert (low["agreement"], low["log_probability"], low["judged"], low["accuracy"]) == ("0.5", "", "0", "")
    assert by_threshold["0.9"]["log_probability"] == "-1"
    assert by_threshold[""]["speed_up"] == "1"
    assert {(row["seed"], row["model"]) for row in rows} == {("7", 'a "b", c')}
    assert points_csv([], {"seed": 7}) == ""


def test_the_csv_gives_every_rule_its_own_column_and_draft_and_verify_its_rounds() -> None:
    unmasking = ("fixed", "factor", "entropy", "stability")
    grid = SweepGrid((0.9,), (4,), (2,), 1, unmasking, (2.0,), (0.1,), verify=True)
    found = points(sweep(plan(grid, PROMPTS[1:]), lane, decode))
    rows = list(csv.DictReader(io.StringIO(points_csv(found.values(), {}))))
    names = ("threshold", "factor", "entropy_bound", "steps_per_block", "block_size", "accepted_per_round")
    assert {(row["lane"], row["unmasking"]): tuple(row[name] for name in names) for row in rows} == {
        (BASELINE, ""): ("", "", "", "", "", ""),
        ("diffusion", "fixed"): ("", "", "", "4", "2", ""),
        ("diffusion", "factor"): ("", "2.0", "", "4", "2", ""),
        ("diffusion", "entropy"): ("", "", "0.1", "4", "2", ""),
        ("diffusion", "stability"): ("0.9", "", "", "4", "2", ""),
        ("verify", ""): ("", "", "", "", "2", "0.5"),
    }
