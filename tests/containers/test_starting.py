"""Machines that come up side by side, without a host: systemd and the journal answer when a test says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from hyperhive.boundaries import Plan
from hyperhive.containers import slots
from hyperhive.containers.starting import Starting
from hyperhive.containers.starts import Starts
from hyperhive.containers.system_bus import Unit

COLLIDING = ("a184", "a305")
"""Two names that have the same slot to themselves."""


class Bus:
    async def unit(self, name: str) -> Unit:
        return Unit(name=name, active="inactive", invocation="", main_pid=0)

    async def reset_failed(self, name: str) -> None: ...

    async def machines(self) -> dict[str, Any]:
        return {}


@define
class Journal:
    asked: list[Deferred[str]] = field(factory=list)

    def last_invocation(self, unit: str) -> Deferred[str]:
        self.asked.append(Deferred())
        return self.asked[-1]


class Network:
    kind = "nat"


class Kind:
    network = Network()

    def unit(self, name: str) -> str:
        return f"{name}.service"


@pytest.fixture
def starting(tmp_path: Path) -> tuple[Starting, Journal]:
    journal = Journal()
    outside: dict[str, Any] = {"reactor": Clock(), "bus": Bus(), "kind": Kind(), "journal": journal}
    return Starting(starts=Starts(tmp_path), grace=10.0, **outside), journal


def test_the_names_collide() -> None:
    assert len({slots.choose(name, ()) for name in COLLIDING}) == 1


async def test_machines_that_begin_at_the_same_time_have_slots_of_their_own(
    starting: tuple[Starting, Journal],
) -> None:
    it, journal = starting
    begun = [Deferred.fromCoroutine(it.begun(name, 1, Plan())) for name in COLLIDING]
    for asked in journal.asked:
        asked.callback("")
    first, second = await gatherResults(begun)
    assert first.slot != second.slot


async def test_of_a_start_that_is_over_it_stays_known_since_when_its_words_are_in_the_journal(
    starting: tuple[Starting, Journal],
) -> None:
    it, journal = starting
    begun = Deferred.fromCoroutine(it.begun("alice", 1, Plan()))
    journal.asked[0].callback("")
    over = Deferred.fromCoroutine(it.is_over("alice", start := await begun))
    journal.asked[1].callback("an invocation")
    assert await over == attrs.evolve(start, invocation="an invocation", over=1)


async def test_the_end_of_a_start_is_not_recorded_over_a_later_one(starting: tuple[Starting, Journal]) -> None:
    it, journal = starting
    begun = [Deferred.fromCoroutine(it.begun("alice", generation, Plan())) for generation in (1, 2)]
    for asked in journal.asked:
        asked.callback("")
    first, second = await gatherResults(begun)
    over = Deferred.fromCoroutine(it.is_over("alice", first))
    journal.asked[-1].callback("an invocation")
    await over
    assert it._starts.known["alice"] == second
