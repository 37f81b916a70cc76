"""Text with a ground truth: small tasks a visitor enjoys, whose answers can be checked letter by letter.

An instance is a prompt and the one right answer. Whether an instance is held out follows from its own text, so that
training and evaluation never share one, whatever seed draws them.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HELD_OUT_SHARE = 16  # one instance in so many is never trained on

NAMES = ("Lily", "Tom", "Max", "Anna", "Ben", "Mia", "Sam", "Sue", "Tim", "Lucy", "Jack", "Emma")
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "pink", "brown")
THINGS = ("ball", "hat", "car", "book", "doll", "kite", "box", "cup", "boat", "bike", "toy", "coat")
FRUITS = ("apples", "pears", "plums", "cookies", "stones", "shells", "flowers", "eggs")
WORDS = ("cat", "dog", "sun", "tree", "ball", "bird", "fish", "moon", "star", "house", "river", "frog", "bear", "cake")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class Instance:
    """A prompt, and the text that answers it."""

    prompt: str
    answer: str

    @property
    def held_out(self) -> bool:
        """Whether it is kept for evaluation."""
        return zlib.crc32(self.prompt.encode()) % HELD_OUT_SHARE == 0


def _asked(question: str, answer: str) -> Instance:
    return Instance(f"{question}\nAnswer:", f" {answer}")


def sums(rng: random.Random, count: int = 3) -> Instance:
    """A few sums of numbers up to 99."""
    pairs = [(rng.randint(1, 99), rng.randint(1, 99)) for _ in range(count)]
    return _asked(
        "Add: " + ", ".join(f"{a} + {b}" for a, b in pairs), ", ".join(f"{a} + {b} = {a + b}" for a, b in pairs)
    )


def few_shot_sums(rng: random.Random) -> Instance:
    """A sum, after three that are worked out."""
    examples = [sums(rng, 1) for _ in range(3)]
    asked = sums(rng, 1)
    solved = "".join(f"{example.prompt}{example.answer}\n\n" for example in examples)
    return Instance(solved + asked.prompt, asked.answer)


def word_problem(rng: random.Random) -> Instance:
    """Something lost and something found, worked out in two steps."""
    name, fruit = rng.choice(NAMES), rng.choice(FRUITS)
    had = rng.randint(5, 40)
    lost, found = rng.randint(1, had - 1), rng.randint(1, 40)
    left = had - lost
    return _asked(
        f"{name} had {had} {fruit}. {name} lost {lost} and found {found}. How many {fruit} does {name} have?",
        f"{had} - {lost} = {left}. {left} + {found} = {left + found}. {name} has {left + found} {fruit}.",
    )


def counting(rng: random.Random) -> Instance:
    """Counting on, by ones or more."""
    start, step, many = rng.randint(1, 400), rng.randint(1, 9), rng.randint(6, 9)
    numbers = [start + step * i for i in range(many + 1)]
    return _asked(f"Count by {step} from {start} to {numbers[-1]}.", " ".join(map(str, numbers)))


def sorting(rng: random.Random) -> Instance:
    """Five to seven numbers in order."""
    numbers = rng.sample(range(10, 100), rng.randint(5, 7))
    return _asked("Sort: " + " ".join(map(str, numbers)), " ".join(map(str, sorted(numbers))))


def reversing(rng: random.Random) -> Instance:
    """Words back to front."""
    words = rng.sample(WORDS, rng.randint(5, 8))
    return _asked("Reverse: " + " ".join(words), " ".join(reversed(words)))


def copying(rng: random.Random) -> Instance:
    """A sentence said again."""
    giver, taker = rng.sample(NAMES, 2)
    things = [f"a {rng.choice(COLOURS)} {thing}" for thing in rng.sample(THINGS, 3)]
    sentence = f"{giver} gave {taker} {things[0]}, {things[1]} and {things[2]}."
    return _asked(f"Say it again: {sentence}", sentence)


def calendar(rng: random.Random) -> Instance:
    """The days, months and years that follow."""
    day, days = rng.randrange(7), rng.randint(3, 6)
    month, months = rng.randrange(12), rng.randint(3, 6)
    year = rng.randint(1900, 2040)
    after_day = [DAYS[(day + 1 + i) % 7] for i in range(days)]
    after_month = [MONTHS[(month + 1 + i) % 12] for i in range(months)]
    return _asked(
        f"Which {days} days come after {DAYS[day]}, which {months} months after {MONTHS[month]}, "
        f"which 2 years after {year}?",
        ", ".join(after_day) + "; " + ", ".join(after_month) + f"; {year + 1}, {year + 2}.",
    )


def json_record(rng: random.Random) -> Instance:
    """A sentence as a record."""
    name, age, fruit, colour = rng.choice(NAMES), rng.randint(2, 99), rng.choice(FRUITS), rng.choice(COLOURS)
    thing = rng.choice(THINGS)
    return _asked(
        f"Write as JSON: {name} is {age} years old, likes {fruit} and has a {colour} {thing}.",
        f'{{"name": "{name}", "age": {age}, "likes": "{fruit}", "has": "{colour} {thing}"}}',
    )


def table(rng: random.Random) -> Instance:
    """Names and numbers as the rows of a table."""
    rows = [(name, rng.randint(1, 99)) for name in rng.sample(NAMES, rng.randint(3, 4))]
    return _asked(
        "Make a table: " + ", ".join(f"{name} {points}" for name, points in rows),
        "\n" + "\n".join(f"| {name} | {points} |" for name, points in rows),
    )


def facts(rng: random.Random) -> Instance:
    """Who has what, found in the prompt."""
    names = rng.sample(NAMES, 4)
    things = [f"a {rng.choice(COLOURS)} {thing}" for thing in rng.sample(THINGS, 4)]
    story = " ".join(f"{name} has {thing}." for name, thing in zip(names, things))
    first, second = rng.sample(range(4), 2)
    return _asked(
        f"{story} What do {names[first]} and {names[second]} have?",
        f"{names[first]} has {things[first]} and {names[second]} has {things[second]}.",
    )


TASKS: dict[str, Callable[[random.Random], Instance]] = {
    "sums": sums,
    "few-shot sums": few_shot_sums,
    "word problems": word_problem,
    "counting": counting,
    "sorting": sorting,
    "reversing": reversing,
    "copying": copying,
    "calendar": calendar,
    "JSON": json_record,
    "tables": table,
    "facts": facts,
}

# What takes a tower longest to learn comes up more often in its training: the context tower, finding things in the
# prompt; the denoiser, numbers that follow from one another and are to be written at once.
CONTEXT_TURNS = (*TASKS, *2 * ("sums", "word problems", "sorting", "copying", "facts"))
DENOISER_TURNS = (*TASKS, *5 * ("counting",), *2 * ("sums", "sorting", "calendar"), "few-shot sums", "JSON", "tables")


def instances(task: str, seed: int | str, held_out: bool) -> Iterator[Instance]:
    """Endless instances of a task, all of them held out or none, the same for the same seed."""
    rng = random.Random(f"{task}/{seed}")
    while True:
        instance = TASKS[task](rng)
        if instance.held_out == held_out:
            yield instance
