"""The tables, from rows written by hand."""

from __future__ import annotations

from dataclasses import replace

from twotower.evaluation.evaluate import STORIES
from twotower.evaluation.summary import ALL_TASKS, Row
from twotower.evaluation.table import as_markdown, as_text, by_task, overviews

AR = Row(
    subject=ALL_TASKS,
    arm="AR",
    prompts=7,
    tokens_per_second=81.26,
    speed_up=1.0,
    speed_up_quartiles=(1.0, 1.0),
    tokens_per_pass=1.04,
    tokens_per_denoiser_pass=None,
    passes_per_token=0.96,
    accepted_per_round=None,
    same_as_ar=1.0,
    accuracy=0.5,
    kept=1.0,
    log_likelihood=None,
    distinct_3=None,
    stutter=None,
)
FAST = replace(
    AR,
    arm="γ=0.8",
    tokens_per_second=200.4,
    speed_up=2.468,
    speed_up_quartiles=(1.5, 3.25),
    tokens_per_pass=4.0,
    tokens_per_denoiser_pass=5.125,
    passes_per_token=0.25,
    same_as_ar=0.3333,
    accuracy=0.4286,
    kept=0.857,
)
DRAFTED = replace(FAST, arm="verify", same_as_ar=1.0, accepted_per_round=6.666)
TASKS = [AR, FAST]
BY_TASK = [
    replace(AR, subject="sums", accuracy=0.0, speed_up=1.0),
    replace(FAST, subject="sums", accuracy=1.0, speed_up=3.0, tokens_per_pass=6.0),
    replace(AR, subject="facts", accuracy=1.0, speed_up=1.0),
    replace(FAST, subject="facts", accuracy=0.25, speed_up=0.5, tokens_per_pass=2.0),
]
STORY = replace(
    FAST, subject=STORIES, prompts=2, accuracy=None, kept=None, log_likelihood=-1.234, distinct_3=0.87, stutter=0.021
)


def test_all_tasks_by_arm() -> None:
    ((header, lines),) = overviews([*TASKS, DRAFTED])
    assert header == (
        "All tasks (7 prompts)",
        "right",
        "of AR's",
        "same text as AR",
        "speed-up (quartiles)",
        "tokens/s",
        "tokens/pass",
        "tokens/denoiser pass",
        "passes/token",
        "accepted/round",
    )
    assert lines == [
        ("AR", "50.0 %", "100.0 %", "100.0 %", "1.00× (1.00 to 1.00)", "81", "1.04", "–", "0.96", "–"),
        ("γ=0.8", "42.9 %", "85.7 %", "33.3 %", "2.47× (1.50 to 3.25)", "200", "4.00", "5.12", "0.25", "–"),
        ("verify", "42.9 %", "85.7 %", "100.0 %", "2.47× (1.50 to 3.25)", "200", "4.00", "5.12", "0.25", "6.67"),
    ]


def test_stories_by_arm_have_scores_and_no_right_answers() -> None:
    ((header, lines),) = overviews([STORY])
    assert header[0] == "Stories (2 prompts)"
    assert header[-3:] == ("AR log-likelihood", "distinct 3-grams", "stutter")
    assert "right" not in header
    scores = ("0.25", "–", "-1.23", "0.87", "2.1 %")
    assert lines == [("γ=0.8", "33.3 %", "2.47× (1.50 to 3.25)", "200", "4.00", "5.12", *scores)]


def test_every_task_is_a_column_and_every_arm_a_line() -> None:
    right, speed, per_pass = by_task([*TASKS, *BY_TASK])
    assert right == (("Right, %", "sums", "facts"), [("AR", "0.0", "100.0"), ("γ=0.8", "100.0", "25.0")])
    assert speed == (("Speed-up", "sums", "facts"), [("AR", "1.00", "1.00"), ("γ=0.8", "3.00", "0.50")])
    assert per_pass == (("Tokens per pass", "sums", "facts"), [("AR", "1.04", "1.04"), ("γ=0.8", "6.00", "2.00")])


def test_there_is_no_table_of_what_was_not_asked() -> None:
    titles = [header[0] for header, _ in overviews([*TASKS, *BY_TASK, STORY])]
    assert titles == ["All tasks (7 prompts)", "Stories (2 prompts)"]
    assert overviews([]) == by_task([]) == by_task([STORY]) == []


def test_what_is_missing_is_a_dash() -> None:
    bare = replace(AR, speed_up=None, speed_up_quartiles=None, tokens_per_pass=None, accuracy=None, kept=None)
    bare = replace(bare, passes_per_token=None, same_as_ar=None)
    ((_, lines),) = overviews([bare])
    assert lines == [("AR", "–", "–", "–", "–", "81", "–", "–", "–", "–")]
    ((_, lines),) = overviews([replace(bare, subject=STORIES)])
    assert lines == [("AR", "–", "–", "81", "–", "–", "–", "–", "–", "–", "–")]


def test_one_prompt_has_a_speed_up_without_quartiles() -> None:
    ((_, lines),) = overviews([replace(FAST, speed_up_quartiles=None)])
    assert lines[0][4] == "2.47×"


def test_text_stands_in_columns() -> None:
    first, second = as_text([*TASKS, STORY]).split("\n\n")[:2]
    header, *lines = first.split("\n")
    assert len({len(line) for line in (header, *lines)}) == 1
    assert header.startswith("All tasks (7 prompts)  ")
    assert lines[1].startswith("γ=0.8 ")
    for word in ("right", "tokens/s"):
        end = header.index(word) + len(word)
        assert all(line[end - 1] != " " and line[end : end + 2].strip() == "" for line in lines)
    assert second.startswith("Stories (2 prompts)")


def test_markdown_has_a_rule_and_a_bar_round_every_cell() -> None:
    header, rule, first, second = as_markdown(TASKS).split("\n")
    assert header.startswith("| All tasks (7 prompts) | right | of AR's |")
    assert rule == "|---|" + "---:|" * 9
    assert first == "| AR | 50.0 % | 100.0 % | 100.0 % | 1.00× (1.00 to 1.00) | 81 | 1.04 | – | 0.96 | – |"
    assert header.count("|") == rule.count("|") == first.count("|") == second.count("|")
    assert len(as_markdown([*TASKS, STORY]).split("\n\n")) == 2


def test_markdown_folds_the_tasks_one_by_one_away() -> None:
    blocks = as_markdown([*TASKS, *BY_TASK, STORY]).split("\n\n")  # Markdown inside HTML needs the empty lines
    assert [block.split("\n")[0].split(" | ")[0] for block in blocks] == [
        "| All tasks (7 prompts)",
        "| Stories (2 prompts)",
        "<details>",
        "| Right, %",
        "| Speed-up",
        "| Tokens per pass",
        "</details>",
    ]
    assert blocks[2].endswith("<summary>Task by task</summary>")
