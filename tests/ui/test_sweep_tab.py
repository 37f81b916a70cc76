"""The sweep tab: what it reads, what it runs, what its buttons do, and how it is wired."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from endless import Endless

from twotower import TwoTower
from twotower.errors import InputError
from twotower.examples import Example, Examples
from twotower.race import Spread
from twotower.sampling.events import Finished
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings
from twotower.sweeping.grid import Setting, SweepGrid
from twotower.sweeping.plan import SweepPlan
from twotower.sweeping.points import SweepPoint
from twotower.sweeping.run import Progress
from twotower.text import encode_prompt
from twotower.training.tasks import instances
from twotower.ui import sweep_copy
from twotower.ui.controls import DEFAULTS, SETTING_NAMES, build_controls
from twotower.ui.sweep import build_sweep
from twotower.ui.sweep_handlers import SweepHandlers
from twotower.ui.sweep_progress import SweepProgress
from twotower.ui.sweep_request import MOST_INSTANCES, RawSweep, read_plan
from twotower.ui.worker import Worker

EXAMPLES = Examples((Example("Sums", "Add: 1 + 1\nAnswer:"), Example("Open", "Once upon a time")))
SMALL: dict[str, Any] = {
    "prompts": ["0", "1"],
    "tasks": [],
    "instances": 2,
    "unmasking": ["threshold"],
    "thresholds": "0.5, 0.9",
    "factors": "1",
    "entropy_bounds": "0.1",
    "steps_per_block": "4",
    "block_sizes": "8",
    "verify": False,
    "repeats": 1,
}


def read(model: TwoTower, prompt: object = "Tom", settings: dict[str, object] | None = None, **raw: Any) -> SweepPlan:
    values = {"max_new_tokens": 12, "seed": 3, **(settings or {})}
    return read_plan(model, EXAMPLES, prompt, values, RawSweep(**(SMALL | raw)))


def inputs(prompt: object = "Tom", quality: object = "agreement", **changes: Any) -> list[Any]:
    """What Gradio hands to `prepare`: quality, the page's controls, the tab's."""
    page = {name: getattr(DEFAULTS, name) for name in SETTING_NAMES} | {"max_new_tokens": 12, "seed": 3}
    page |= {name: value for name, value in changes.items() if name in SETTING_NAMES and name not in SMALL}
    tab = SMALL | {name: value for name, value in changes.items() if name in SMALL}
    return [quality, prompt, ["diffusion"], *(page[name] for name in SETTING_NAMES), *tab.values()]


def visitor(name: str = "a") -> Any:
    return SimpleNamespace(session_hash=name)


def drawn(chart: Any) -> list[float]:
    """The speed-ups of a chart's points."""
    return [x for series in chart.data for x in series.x if x is not None]


@pytest.fixture
def handlers(embedded: TwoTower, worker: Worker) -> SweepHandlers:
    return SweepHandlers(lambda: embedded, worker, EXAMPLES)


def test_the_plan_is_what_the_boxes_say(embedded: TwoTower) -> None:
    plan = read(embedded, thresholds="0.5,0.9  0.95", steps_per_block="16, 4", block_sizes="8", repeats=2.0)
    assert plan.grid.thresholds == (0.5, 0.9, 0.95)
    assert (plan.grid.steps_per_block, plan.grid.block_sizes, plan.grid.repeats) == ((16, 4), (8,), 2)
    assert [prompt.ids for prompt in plan.prompts] == [
        tuple(encode_prompt(embedded, example.prompt)) for example in EXAMPLES.prompts
    ]
    assert plan.settings == SamplingSettings(max_new_tokens=12, seed=3)
    assert plan.runs == (6 + 1) * 2 * 2


def test_the_prompt_above_is_a_prompt_and_the_same_one_twice_is_one(embedded: TwoTower) -> None:
    assert read(embedded, "Tom", prompts=["above"]).prompts[0].ids == tuple(encode_prompt(embedded, "Tom"))
    assert len(read(embedded, EXAMPLES.prompts[0].prompt, prompts=["above", "0", "0"]).prompts) == 1


def test_tasks_bring_held_out_questions_with_their_answers(embedded: TwoTower) -> None:
    plan = read(embedded, prompts=[], tasks=["sums", "facts"], instances=3.0)
    drawn = [instances(task, 3, held_out=True) for task in ("sums", "facts")]
    asked = [next(questions) for questions in drawn for _ in range(3)]
    assert all(each.held_out for each in asked)
    assert [prompt.answer for prompt in plan.prompts] == [each.answer for each in asked]
    assert [prompt.ids for prompt in plan.prompts] == [tuple(encode_prompt(embedded, each.prompt)) for each in asked]


def test_a_prompt_that_is_also_a_question_keeps_its_answer(embedded: TwoTower) -> None:
    question = next(instances("sums", 3, held_out=True))
    (prompt,) = read(embedded, question.prompt, prompts=["above"], tasks=["sums"], instances=1).prompts
    assert prompt.answer == question.answer


def test_a_seed_is_drawn_once_for_the_whole_sweep(embedded: TwoTower) -> None:
    drawn = {read(embedded, settings={"seed": -1}).settings.seed for _ in range(5)}
    assert len(drawn) > 1
    assert min(drawn) >= 0


def test_a_setting_above_that_the_sweep_varies_itself_is_not_read(embedded: TwoTower) -> None:
    page = {"threshold": 7, "steps_per_block": -1, "block_size": 9999, "unmasking": "luck", "factor": -1}
    assert read(embedded, settings=page).settings == SamplingSettings(max_new_tokens=12, seed=3)


def test_what_the_sweep_does_not_vary_is_the_pages(embedded: TwoTower) -> None:
    page = {"draft_passes": 2.0, "accept_from": 0.5, "ar_anchor": True, "kl_bound": 0.5, "temperature": 0.7}
    assert read(embedded, settings=page).settings == SamplingSettings(
        max_new_tokens=12, seed=3, draft_passes=2, accept_from=0.5, ar_anchor=True, kl_bound=0.5, temperature=0.7
    )


def test_rules_are_read_with_their_own_bounds_and_no_others(embedded: TwoTower) -> None:
    boxes = {"thresholds": "half", "factors": "2, 1", "entropy_bounds": "0.5", "steps_per_block": "16, 4"}
    plan = read(embedded, unmasking=["entropy", "factor", "fixed"], verify=True, **boxes)
    assert plan.grid == SweepGrid((), (16, 4), (8,), 1, ("entropy", "factor", "fixed"), (2.0, 1.0), (0.5,), verify=True)
    assert plan.grid.points == 2 + 4 + 2 + 1
    alone = read(embedded, unmasking=[], verify=True, thresholds="", steps_per_block="none")
    assert alone.grid.settings == [Setting(None, None, None, 8)]


@pytest.mark.parametrize(
    ("raw", "field", "value"),
    [
        ({"thresholds": "0.5, half"}, "thresholds", "half"),
        ({"thresholds": ""}, "thresholds", ()),
        ({"thresholds": None}, "thresholds", None),
        ({"thresholds": "1.5"}, "threshold", 1.5),
        ({"unmasking": ["luck"]}, "unmasking", "luck"),
        ({"unmasking": "threshold"}, "unmasking", "threshold"),
        ({"unmasking": []}, "unmasking", ()),
        ({"unmasking": ["factor"], "factors": "one"}, "factors", "one"),
        ({"unmasking": ["factor"], "factors": ""}, "factors", ()),
        ({"unmasking": ["factor"], "factors": "101"}, "factor", 101.0),
        ({"unmasking": ["entropy"], "entropy_bounds": "-1"}, "entropy_bound", -1.0),
        ({"unmasking": ["stability"], "thresholds": "1.5"}, "threshold", 1.5),
        ({"verify": "yes"}, "verify", "yes"),
        ({"settings": {"accept_from": 2}}, "accept_from", 2),
        ({"steps_per_block": "2.5"}, "steps_per_block", "2.5"),
        ({"block_sizes": "65"}, "block_size", 65),
        ({"repeats": 1.5}, "repeats", 1.5),
        ({"prompts": ["7"]}, "prompts", "7"),
        ({"prompts": None}, "prompts", None),
        ({"prompts": []}, "prompts", []),
        ({"tasks": ["poems"]}, "tasks", "poems"),
        ({"tasks": ["sums"], "instances": MOST_INSTANCES + 1}, "instances", MOST_INSTANCES + 1),
        ({"tasks": ["sums"], "instances": True}, "instances", True),
        ({"settings": {"max_new_tokens": 0}}, "max_new_tokens", 0),
        ({"prompt": "a <mask> b", "prompts": ["above"]}, "prompt", "a <mask> b"),
        ({"prompt": 7}, "prompt", 7),
    ],
)
def test_what_cannot_be_swept_is_named(embedded: TwoTower, raw: dict, field: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        read(embedded, **raw)
    assert caught.value.field == field
    assert caught.value.value == value


def test_too_many_runs_are_refused_before_one_of_them(embedded: TwoTower) -> None:
    with pytest.raises(InputError, match="at most 400"):
        read(embedded, tasks=["sums", "facts", "JSON"], instances=20, thresholds="0.1 0.2 0.3 0.4 0.5 0.6 0.7")


def test_a_sweep_gives_the_bar_after_every_run_and_the_chart_after_every_point(handlers: SweepHandlers) -> None:
    seed, run, stop, waiting = handlers.prepare(visitor(), *inputs())
    assert (seed, run["interactive"], stop["interactive"]) == ("3", False, True)
    assert (waiting["done"], waiting["total"], waiting["text"]) == (0, 6, sweep_copy.WAITING)
    shown = list(handlers.sweep(visitor()))
    assert [bar["done"] for bar, _ in shown] == [1, 2, 2, 3, 4, 4, 5, 6, 6]
    charts = [chart for _, chart in shown if chart != gr.skip()]
    assert [len(drawn(chart)) for chart in charts] == [1, 2, 3]
    assert "left" in shown[0][0]["text"]


def test_what_stands_there_at_the_end_is_what_ran(handlers: SweepHandlers, embedded: TwoTower) -> None:
    handlers.prepare(visitor(), *inputs(prompts=[], tasks=["JSON"], instances=2, max_new_tokens=48))
    list(handlers.sweep(visitor()))
    run, stop, bar, chart, summary, download = handlers.settle(visitor())
    assert (run["interactive"], stop["interactive"]) == (True, False)
    assert bar["text"].startswith("6 runs in")
    assert "×" in summary["verdict"]
    rows = list(csv.DictReader(Path(download["value"]).read_text(encoding="utf-8").splitlines()))
    assert download["interactive"] is True
    assert [row["lane"] for row in rows].count("autoregressive") == 1
    assert {row["threshold"] for row in rows} == {"", "0.5", "0.9"}
    assert {row["seed"] for row in rows} == {"3"}
    assert {row["max_new_tokens"] for row in rows} == {"48"}
    assert {row["model"] for row in rows} == {embedded.name}
    assert sorted(f"{x:.6g}" for x in drawn(chart)) == sorted(row["speed_up"] for row in rows)


def test_draft_and_verify_is_ars_text_and_every_text_is_judged_to_its_end(handlers: SweepHandlers) -> None:
    changes: dict[str, Any] = {
        "unmasking": ["fixed", "entropy"],
        "verify": True,
        "max_new_tokens": 8,
        "draft_passes": 1,
    }
    handlers.prepare(visitor(), *inputs(quality="log_probability", **changes))
    list(handlers.sweep(visitor()))
    *_, chart, summary, download = handlers.settle(visitor())
    text = Path(download["value"]).read_text(encoding="utf-8")
    rows = {row["unmasking"] or row["lane"]: row for row in csv.DictReader(text.splitlines())}
    assert set(rows) == {"autoregressive", "fixed", "entropy", "verify"}
    assert (rows["verify"]["agreement"], rows["verify"]["draft_passes"]) == ("1", "1")
    assert float(rows["verify"]["accepted_per_round"]) > 0
    assert rows["fixed"]["accepted_per_round"] == rows["fixed"]["threshold"] == ""
    assert {row["judged"] for row in rows.values()} == {"2"}  # texts of one block, which is their last
    assert len(drawn(chart)) == 4
    assert "AR log-probability" in summary["verdict"]


def test_another_quality_is_drawn_of_the_same_runs_and_while_they_run(handlers: SweepHandlers) -> None:
    handlers.prepare(visitor(), *inputs(tasks=["sums"], instances=1))
    shown = handlers.sweep(visitor())
    next(shown)
    handlers.look_at(visitor(), "accuracy")
    chart = [chart for _, chart in shown if chart != gr.skip()][-1]
    assert chart.layout.yaxis.title.text == "tasks answered right"
    again, summary = handlers.look_at(visitor(), "agreement")
    assert again.layout.yaxis.title.text != chart.layout.yaxis.title.text
    assert "Agreement" in summary["verdict"]
    with pytest.raises(gr.Error, match="quality"):
        handlers.look_at(visitor(), "beauty")


def test_stopped_before_it_began_nothing_runs_and_there_is_nothing_to_download(handlers: SweepHandlers) -> None:
    handlers.prepare(visitor(), *inputs())
    handlers.stop(visitor())
    assert list(handlers.sweep(visitor())) == []
    run, stop, bar, _, summary, download = handlers.settle(visitor())
    assert (run["interactive"], stop["interactive"]) == (True, False)
    assert bar["text"].startswith("Ended after 0 of 6")
    assert (summary["verdict"], download["value"], download["interactive"]) == ("", None, False)


def test_stop_keeps_the_points_that_are_complete(handlers: SweepHandlers) -> None:
    handlers.prepare(visitor(), *inputs())
    for bar, _ in handlers.sweep(visitor()):
        if bar["done"] == 4:
            handlers.stop(visitor())
    *_, chart, summary, download = handlers.settle(visitor())
    assert len(drawn(chart)) == 2
    assert summary["verdict"]
    assert len(Path(download["value"]).read_text(encoding="utf-8").splitlines()) == 3


def test_a_bad_value_is_said_and_leaves_the_last_sweep_alone(handlers: SweepHandlers) -> None:
    handlers.prepare(visitor(), *inputs())
    list(handlers.sweep(visitor()))
    with pytest.raises(gr.Error, match="thresholds") as caught:
        handlers.prepare(visitor(), *inputs(thresholds="<b>"))
    assert "<b>" not in caught.value.message
    assert handlers.settle(visitor())[5]["interactive"] is True


def test_visitors_have_sweeps_of_their_own(handlers: SweepHandlers) -> None:
    handlers.prepare(visitor("a"), *inputs())
    handlers.prepare(visitor("b"), *inputs())
    handlers.stop(visitor("a"))
    assert list(handlers.sweep(visitor("a"))) == []
    assert len(list(handlers.sweep(visitor("b")))) == 9
    handlers.leave(visitor("b"))
    assert list(handlers.sweep(visitor("b"))) == []


def test_who_was_never_here_gets_nothing_and_no_error(handlers: SweepHandlers) -> None:
    handlers.stop(visitor("nobody"))
    handlers.leave(visitor("nobody"))
    assert list(handlers.sweep(visitor("nobody"))) == []
    assert handlers.settle(visitor("nobody"))[2:] == (gr.skip(),) * 4
    assert handlers.look_at(visitor("nobody"), "agreement") == (gr.skip(), gr.skip())


def test_stop_and_leaving_free_the_thread_in_the_middle_of_a_lane(embedded: TwoTower) -> None:
    endless = Endless()
    worker = Worker(lambda: endless)
    handlers = SweepHandlers(lambda: embedded, worker, EXAMPLES)
    for end in (handlers.stop, handlers.leave):
        handlers.prepare(visitor(), *inputs())
        sweep = handlers._of(visitor())
        assert sweep is not None
        submit = worker.submit

        def submitted(*what: Any, submit: Any = submit, end: Any = end) -> Any:
            run = submit(*what)
            end(visitor())
            return run

        worker.submit = submitted  # type: ignore[method-assign]
        assert list(handlers.sweep(visitor())) == []
        worker.submit = submit  # type: ignore[method-assign]
        run = worker.submit([1], "mock-ar", SamplingSettings(max_new_tokens=1, seed=0))
        assert isinstance([event for batch in run.batches(seconds=0) for event in batch][-1], Finished)
    assert endless.ended == ["autoregressive: cancelled", "mock-ar: length"] * 2


def test_a_lane_that_breaks_ends_the_sweep_and_keeps_the_points(embedded: TwoTower, worker: Worker) -> None:
    handlers = SweepHandlers(lambda: embedded, worker, EXAMPLES)
    handlers.prepare(visitor(), *inputs())
    submit, asked = worker.submit, []

    def breaking(*what: Any) -> Any:
        asked.append(what)
        if len(asked) == 4:
            raise RuntimeError("out of memory")
        return submit(*what)

    worker.submit = breaking  # type: ignore[method-assign]
    try:
        with pytest.raises(RuntimeError, match="out of memory"):
            list(handlers.sweep(visitor()))
    finally:
        worker.submit = submit  # type: ignore[method-assign]
    assert handlers.settle(visitor())[2]["text"].startswith("Ended after 3 of 6")


def test_the_bar_says_how_long_it_takes() -> None:
    assert sweep_copy.running(Progress(0, 6, 0.0)) == "0 of 6 runs"
    assert sweep_copy.running(Progress(2, 6, 60.0)) == "2 of 6 runs · about 2 min 0 s left"
    assert sweep_copy.ended(Progress(6, 6, 9.4)) == "6 runs in 9 s"
    assert sweep_copy.ended(Progress(2, 6, 9.4)).startswith("Ended after 2 of 6 runs")


def point(threshold: float, speed_up: float, agreement: float) -> SweepPoint:
    spread = Spread(speed_up, speed_up, speed_up)
    setting = Setting("threshold", threshold, 16, 16)
    return SweepPoint(setting, 1, 1, spread, spread, 2.0, None, agreement, None, 0, None, 0)


def test_the_summary_names_the_fastest_point_and_the_best() -> None:
    points = [point(0.5, 2.5, 0.5), point(0.9, 2.0, 0.95), point(0.95, 1.5, 0.95)]
    assert sweep_copy.summary(points, "agreement") == (
        "Fastest: 2.50× with threshold 0.5, 16 steps, block 16 (Agreement with AR 50 %). "
        "Best: 2.00× with threshold 0.9, 16 steps, block 16 (Agreement with AR 95 %)."
    )
    assert sweep_copy.summary(points[1:2], "agreement").startswith("Fastest and best: 2.00×")
    assert sweep_copy.summary([], "agreement") == sweep_copy.summary(points, "accuracy") == ""


def test_the_summary_says_where_ar_was_faster_than_every_point() -> None:
    said = sweep_copy.summary([point(0.5, 0.9, 0.5), point(0.9, 0.5, 0.75)], "agreement")
    assert said.startswith("AR was faster than every point. Fastest: 0.90×")
    assert sweep_copy.summary([point(0.5, 0.98, 0.5)], "agreement").startswith("Fastest and best")  # even


def never() -> TwoTower:
    raise AssertionError("the model is not there yet")


@pytest.fixture
def demo(worker: Worker) -> gr.Blocks:
    with gr.Blocks() as made:
        controls = build_controls(16, tuple(LANES), EXAMPLES, "Tom")
        with gr.Tab("Sweep"):
            build_sweep(never, worker, controls, EXAMPLES, 16, {"concurrency_id": "sweep", "concurrency_limit": 1})
    return made


def named(demo: gr.Blocks, elem_id: str) -> Any:
    (found,) = [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == elem_id]
    return found


def wired(demo: gr.Blocks) -> dict[str, Any]:
    return {each.fn.__name__: each for each in demo.fns.values() if each.fn is not None}


def test_the_tab_is_built_without_a_model_and_its_first_values_can_run(demo: gr.Blocks, embedded: TwoTower) -> None:
    handed = [block.value for block in wired(demo)["prepare"].inputs]
    made = SweepHandlers(lambda: embedded, Worker(lambda: Endless()), EXAMPLES)
    _, _, _, bar = made.prepare(visitor(), *handed)
    # Five thresholds by two numbers of steps, draft and verify, and AR; on both examples, twice.
    assert bar["total"] == (5 * 2 + 1 + 1) * 2 * 2


def test_what_runs_the_model_waits_in_the_line_it_was_given_and_the_rest_waits_for_nobody(demo: gr.Blocks) -> None:
    events = wired(demo)
    assert (events["sweep"].concurrency_id, events["sweep"].concurrency_limit) == ("sweep", 1)
    assert events["prepare"].concurrency_limit is None
    assert events["stop"].queue is events["settle"].queue is events["look_at"].queue is False
    for name in ("prepare", "sweep", "settle", "stop", "look_at"):
        assert events[name].api_visibility == "private", name
        assert events[name].show_progress == "hidden", name


def test_a_sweep_writes_to_its_bar_and_chart_alone(demo: gr.Blocks) -> None:
    assert [block.elem_id for block in wired(demo)["sweep"].outputs] == ["sweep-progress", "sweep-chart"]


def test_everything_can_be_held_on_to(demo: gr.Blocks) -> None:
    for part in ("run", "stop", "prompts", "tasks", "instances", "repeats", "unmasking", "verify"):
        assert named(demo, f"sweep-{part}")
    for part in ("thresholds", "factors", "entropy-bounds", "steps", "block-sizes"):
        assert named(demo, f"sweep-{part}")
    for part in ("seed-used", "progress", "quality", "chart", "summary", "download"):
        assert named(demo, f"sweep-{part}")
    assert named(demo, "sweep-stop").interactive is named(demo, "sweep-download").interactive is False


def test_the_bar_travels_as_json() -> None:
    value = {"label": "x", "done": 1, "total": 2, "text": "</script><img onerror=x>"}
    assert json.loads(str(SweepProgress(None).postprocess(value))) == value
    assert "onerror" not in SweepProgress.TEMPLATE
