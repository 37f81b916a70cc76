"""Answers worked out again from the words of the prompt, and instances that training never sees."""

from __future__ import annotations

import calendar
import json
import random
import re
from collections.abc import Callable
from itertools import islice

import pytest

from twotower.training.tasks import HELD_OUT_SHARE, TASKS, instances


def added(question: str) -> str:
    pairs = re.findall(r"(\d+) \+ (\d+)", question)
    return ", ".join(f"{a} + {b} = {int(a) + int(b)}" for a, b in pairs)


def added_after_examples(question: str) -> str:
    *examples, asked = question.split("\n\n")
    assert len(examples) == 3
    for example in examples:
        sums, answer = example.split("\nAnswer: ")
        assert answer == added(sums)
    return added(asked)


def worked_out(question: str) -> str:
    name, fruit = re.findall(r"How many (\w+) does (\w+) have", question)[0][::-1]
    had, lost, found = map(int, re.findall(r"\d+", question))
    left = had - lost
    assert left > 0
    return f"{had} - {lost} = {left}. {left} + {found} = {left + found}. {name} has {left + found} {fruit}."


def counted(question: str) -> str:
    step, start, end = map(int, re.findall(r"\d+", question))
    numbers = [*range(start, end + 1, step)]
    assert numbers[-1] == end
    return " ".join(map(str, numbers))


def in_order(question: str) -> str:
    numbers = question.removeprefix("Sort: ").split()
    return " ".join(sorted(numbers, key=int))


def back_to_front(question: str) -> str:
    return " ".join(question.removeprefix("Reverse: ").split()[::-1])


def said_again(question: str) -> str:
    return question.removeprefix("Say it again: ")


def days_months_years(question: str) -> str:
    days, day, months, month, years, year = re.findall(
        r"Which (\d) days come after (\w+), which (\d) months after (\w+), which (\d) years after (\d+)\?", question
    )[0]

    def after(names: list[str], name: str, many: str) -> str:
        following = (names * 2)[names.index(name) + 1 :]
        return ", ".join(following[: int(many)])

    written = [after(list(calendar.day_name), day, days), after(list(calendar.month_name)[1:], month, months)]
    return "; ".join([*written, ", ".join(str(int(year) + i + 1) for i in range(int(years)))]) + "."


def as_record(question: str) -> object:
    name, age, likes, has = re.findall(r"JSON: (\w+) is (\d+) years old, likes (\w+) and has a (\w+ \w+)\.", question)[
        0
    ]
    return {"name": name, "age": int(age), "likes": likes, "has": has}


def as_table(question: str) -> str:
    return "\n" + "\n".join(f"| {name} | {points} |" for name, points in re.findall(r"(\w+) (\d+)", question))


def looked_up(question: str) -> str:
    has = dict(re.findall(r"(\w+) has (a \w+ \w+)\.", question))
    assert len(has) == 4
    first, second = re.findall(r"What do (\w+) and (\w+) have\?", question)[0]
    assert first != second
    return f"{first} has {has[first]} and {second} has {has[second]}."


ANSWERS: dict[str, Callable[[str], object]] = {
    "sums": added,
    "few-shot sums": added_after_examples,
    "word problems": worked_out,
    "counting": counted,
    "sorting": in_order,
    "reversing": back_to_front,
    "copying": said_again,
    "calendar": days_months_years,
    "JSON": as_record,
    "tables": as_table,
    "facts": looked_up,
}


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_answers_are_right(task: str, held_out: bool) -> None:
    for instance in islice(instances(task, 1, held_out), 150):
        question = instance.prompt.removesuffix("\nAnswer:")
        assert question != instance.prompt
        assert instance.answer[0] == " "
        answer = instance.answer[1:]
        assert (json.loads(answer) if task == "JSON" else answer) == ANSWERS[task](question)


@pytest.mark.parametrize("task", TASKS)
def test_training_and_evaluation_share_no_instance_whatever_seed_draws_them(task: str) -> None:
    trained = {instance.prompt for seed in range(3) for instance in islice(instances(task, seed, False), 500)}
    kept = {instance.prompt for seed in range(3) for instance in islice(instances(task, seed, True), 50)}
    assert len(trained) > 500
    assert len(kept) > 50
    assert not trained & kept


@pytest.mark.parametrize("task", TASKS)
def test_about_one_in_so_many_is_held_out(task: str) -> None:
    rng = random.Random(0)
    drawn = {TASKS[task](rng) for _ in range(1600)}
    share = sum(instance.held_out for instance in drawn) / len(drawn)
    assert 0.6 / HELD_OUT_SHARE < share < 1.5 / HELD_OUT_SHARE


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_asks_the_same_and_another_one_does_not(task: str) -> None:
    first, again, other = (list(islice(instances(task, seed, False), 20)) for seed in ("a/1", "a/1", "a/2"))
    assert first == again
    assert first != other
