"""Restarts that a daemon owes and the next one makes, once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from hyperhive.errors import ContainerError
from hyperhive.limits import NO, ON_CRASH, RestartPolicy
from hyperhive.store import agents
from hyperhive.wire import events
from hyperhive.wire.states import OperationState
from tests.bench import Bench
from tests.fakes import NOW
from tests.services.restarting import GIVEN_UP, WHY, begun, crash, end, next_daemon, starts, status, told


def test_what_came_due_while_no_daemon_ran_is_done_at_the_start(kept: Bench) -> None:
    crash(kept)
    after = next_daemon(kept, seconds=3600)
    assert len(starts(after)) == 1
    assert (status(after).running, status(after).restarts) == (True, 1)
    end(after)


def test_what_is_not_yet_due_when_the_daemon_starts_is_waited_for(tmp_path: Path) -> None:
    policy = RestartPolicy(policy=ON_CRASH, pause=30)
    bench = begun(Bench(tmp_path, policy=policy))
    crash(bench)
    after = next_daemon(bench, 10, policy)
    assert status(after).restart_at == NOW + 30
    after.pass_time(19)
    assert starts(after) == []
    after.pass_time(1)
    assert len(starts(after)) == 1
    end(after)
    end(bench)


def test_what_happened_before_counts_with_the_next_daemon(kept: Bench) -> None:
    for pause in (1, 2):
        crash(kept)
        kept.pass_time(pause)
    kept.containers.crash("bob", WHY)
    after = next_daemon(kept)
    assert told(after)[-1].restart_at == NOW + 3 + 4
    after.pass_time(4)
    crash(after)
    assert told(after)[-1] == events.RestartGivenUp(agent="bob", note=GIVEN_UP)
    end(after)


@pytest.mark.parametrize("verb", ["running", "start"])
def test_a_daemon_that_ends_during_a_restart_leaves_it_to_the_next_which_makes_no_second(
    kept: Bench, verb: str
) -> None:
    crash(kept)
    kept.containers.hold(verb)
    kept.pass_time(1)
    assert [row.state for row in starts(kept)] != [OperationState.SUCCEEDED]
    kept.containers.held.clear()
    after = next_daemon(kept, seconds=5)
    after.pass_time(600)
    assert [row.state for row in starts(after)] == [OperationState.SUCCEEDED]
    assert (status(after).generation, status(after).restarts) == (2, 1)
    end(after)


def test_a_policy_that_the_next_daemon_no_longer_has_starts_nobody(kept: Bench) -> None:
    crash(kept)
    after = next_daemon(kept, 3600, RestartPolicy(manager=NO))
    after.pass_time(600)
    assert starts(after) == []
    assert (status(after).failed, status(after).restart_at) == (True, None)
    end(after)


def test_a_start_of_the_next_daemon_that_fails_is_tried_again(kept: Bench) -> None:
    kept.do(partial(agents.is_stopped, name="bob", wanted=agents.RESUME))
    del kept.containers.runs["bob"]
    kept.containers.faults["start"] = ContainerError("'sh' can't be run")
    after = next_daemon(kept)
    assert told(after) == [events.ContainerCrash(agent="bob", note="'sh' can't be run", restart_at=NOW + 1)]
    kept.containers.faults.clear()
    after.pass_time(1)
    assert status(after).running
    end(after)


def test_a_clock_that_is_set_back_puts_no_restart_off(kept: Bench) -> None:
    crash(kept)
    after = next_daemon(kept, seconds=-86400)
    assert len(starts(after)) == 1
    end(after)
