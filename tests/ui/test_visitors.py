"""Every open page has its own latest race."""

from __future__ import annotations

from typing import cast

from twotower.ui.race import Race
from twotower.ui.visitors import Visitors


class FakeRace:
    """Remembers whether it was stopped."""

    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True


def race() -> Race:
    return cast(Race, FakeRace())


def stopped(one: Race) -> bool:
    return cast(FakeRace, one).stopped


def test_visitors_do_not_see_each_others_races() -> None:
    visitors, one, other = Visitors(), race(), race()
    visitors.enter("a", one)
    visitors.enter("b", other)
    assert visitors.race("a") is one
    assert visitors.race("b") is other
    assert visitors.race("c") is None


def test_a_new_race_stops_the_visitors_last() -> None:
    visitors, first, second, others = Visitors(), race(), race(), race()
    visitors.enter("b", others)
    visitors.enter("a", first)
    visitors.enter("a", second)
    assert stopped(first)
    assert not stopped(second)
    assert not stopped(others)


def test_who_leaves_stops_and_is_forgotten() -> None:
    visitors, one = Visitors(), race()
    visitors.enter("a", one)
    visitors.leave("a")
    visitors.leave("a")
    assert stopped(one)
    assert visitors.race("a") is None


def test_every_page_has_its_own_stage() -> None:
    visitors = Visitors()
    visitors.visit("a").race = race()
    assert visitors.visit("a") is visitors.visit("a")
    assert visitors.visit("b").race is None
