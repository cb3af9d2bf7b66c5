"""Agents that crash again and again, or can't be started, are given up, and somebody is told."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from hyperhive.errors import ContainerError
from hyperhive.limits import ON_CRASH, RestartPolicy
from hyperhive.store import agents
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER
from hyperhive.wire.states import OperationKind, OperationState
from tests.bench import Bench
from tests.fakes import NOW
from tests.services.restarting import GIVEN_UP, WHY, begun, crash, end, starts, status, told


@pytest.fixture
def said() -> Iterator[list[tuple[str, str]]]:
    """Level and text of what the log says."""
    lines: list[tuple[str, str]] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        lines.append((event["log_level"].name, formatEvent(event)))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


def test_the_pause_doubles_up_to_the_longest(tmp_path: Path) -> None:
    bench = begun(Bench(tmp_path, policy=RestartPolicy(policy=ON_CRASH, pause=2, longest_pause=5)))
    for pause in (2, 4, 5, 5):
        crash(bench)
        assert told(bench)[-1].restart_at == int(bench.clock.seconds()) + pause
        bench.pass_time(pause)
        assert status(bench).running
    end(bench)


def test_an_agent_that_crashes_again_and_again_is_given_up(kept: Bench, said: list[tuple[str, str]]) -> None:
    for pause in (1, 2, 4, 600):
        crash(kept)
        kept.pass_time(pause)
    assert told(kept) == [
        events.ContainerCrash(agent="bob", note=WHY, restart_at=NOW + 1),
        events.ContainerCrash(agent="bob", note=WHY, restart_at=NOW + 3),
        events.ContainerCrash(agent="bob", note=WHY, restart_at=NOW + 7),
        events.ContainerCrash(agent="bob", note=WHY),
        events.RestartGivenUp(agent="bob", note=GIVEN_UP),
    ]
    down = status(kept)
    assert (down.failed, down.failure, down.restart_at, down.restarts) == (True, GIVEN_UP, None, 3)
    assert len(starts(kept)) == 3
    assert ("warn", f"bob is not started again: {GIVEN_UP}") in said


def test_the_manager_that_is_given_up_finds_so_in_its_inbox_and_the_log_has_it_as_an_error(
    kept: Bench, said: list[tuple[str, str]]
) -> None:
    followed = kept.broker.feed.seq
    for pause in (1, 2, 4, 8):
        crash(kept, MANAGER)
        kept.pass_time(pause)
    assert told(kept)[-1] == events.RestartGivenUp(agent=MANAGER, note=GIVEN_UP)
    assert ("error", f"{MANAGER} is not started again: {GIVEN_UP}") in said
    assert [entry.key for entry in kept.broker.feed.after(followed) if entry.key == MANAGER]


def test_crashes_that_are_far_apart_are_not_added_up(kept: Bench) -> None:
    for _ in range(10):
        crash(kept)
        assert told(kept)[-1].restart_at is not None
        kept.pass_time(4)
        assert status(kept).running
        kept.pass_time(200)


def test_with_a_start_by_the_operator_the_count_begins_anew(kept: Bench) -> None:
    for pause in (1, 2, 4, 8):
        crash(kept)
        kept.pass_time(pause)
    kept.operate("bob", OperationKind.START)
    crash(kept)
    assert told(kept)[-1].restart_at == int(kept.clock.seconds()) + 1


def test_a_restart_that_fails_is_one_of_the_attempts_and_the_manager_is_told(kept: Bench) -> None:
    crash(kept)
    kept.containers.faults["start"] = ContainerError("'sh' can't be run")
    kept.pass_time(1)
    assert told(kept)[-1] == events.ContainerCrash(agent="bob", note="'sh' can't be run", restart_at=NOW + 3)
    assert (status(kept).failure, status(kept).restart_at) == ("'sh' can't be run", NOW + 3)
    kept.containers.faults.clear()
    kept.pass_time(2)
    assert (status(kept).running, status(kept).restarts) == (True, 1)


def test_restarts_that_fail_are_given_up_too(kept: Bench) -> None:
    crash(kept)
    kept.containers.faults["start"] = ContainerError("'sh' can't be run")
    for pause in (1, 2, 4, 600):
        kept.pass_time(pause)
    note = "'sh' can't be run; given up after 3 restarts in 10 minutes"
    assert told(kept)[-1] == events.RestartGivenUp(agent="bob", note=note)
    assert (status(kept).failed, status(kept).failure) == (True, note)
    assert len(starts(kept)) == 3
    assert kept.do(partial(agents.one, name="bob")).wanted == agents.RUNNING


def test_a_restart_of_which_nothing_can_be_seen_is_tried_again(kept: Bench) -> None:
    crash(kept)
    kept.containers.faults["running"] = ContainerError("the bus is away")
    kept.pass_time(1)
    assert [row.state for row in starts(kept)] == [OperationState.FAILED]
    kept.containers.faults.clear()
    kept.pass_time(2)
    assert status(kept).running


def test_a_start_that_the_operator_asked_for_and_that_fails_is_not_repeated(kept: Bench) -> None:
    kept.operate("bob", OperationKind.STOP)
    kept.containers.faults["start"] = ContainerError("'sh' can't be run")
    kept.operate("bob", OperationKind.START)
    kept.pass_time(600)
    assert len(starts(kept)) == 1
    assert [event for event in told(kept) if isinstance(event, events.ContainerCrash)] == []


@pytest.mark.parametrize(
    ("attempts", "window", "words"),
    [
        (1, 3600, "after 1 restart in 1 hour"),
        (1, 90, "after 1 restart in 90 seconds"),
        (1, 7.5, "after 1 restart in 7.5 seconds"),
        (2, 60, "after 2 restarts in 1 minute"),
    ],
)
def test_how_often_and_how_long_is_said_in_words(tmp_path: Path, attempts: int, window: float, words: str) -> None:
    policy = RestartPolicy(policy=ON_CRASH, attempts=attempts, window=window)
    bench = begun(Bench(tmp_path, policy=policy))
    for pause in (1, 2)[:attempts]:
        crash(bench)
        bench.pass_time(pause)
    crash(bench)
    assert told(bench)[-1].note == f"{WHY}; given up {words}"
    end(bench)


def test_no_number_of_restarts_is_too_many_for_a_pause() -> None:
    assert RestartPolicy(attempts=10**15).pause_after(10**15) == 60.0
