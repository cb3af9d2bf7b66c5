"""Turns and their mail: they begin together, and end together, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyperhive.errors import HiveError, Refused
from hyperhive.services.feed import Kind
from hyperhive.store import leases
from hyperhive.store.message_states import DEAD, DONE, LEASED, QUEUED
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER
from hyperhive.wire.states import OperationKind, TurnOutcome
from hyperhive.wire.turns import Turn, Usage
from tests.bench import Bench
from tests.services.turning import NOT_DONE, begin, end, hand, messages_of, reply, row, state_of


def test_a_turn_that_ended_well_has_its_mail_done(bench: Bench) -> None:
    ids = hand(bench, "one", "two")
    turn = begin(bench, *ids, model="m")
    assert row(bench, turn) == Turn(
        id=turn, agent="bob", generation=1, runner="command", messages=tuple(ids), started_at=bench.broker.now(),
        usage=Usage(model="m"),
    )  # fmt: skip
    bench.pass_time(5)
    assert end(bench, turn, usage=Usage(output_tokens=7)) == 2
    assert bench.states() == [(1, DONE, 0, 0), (2, DONE, 0, 0)]
    ended = row(bench, turn)
    assert (ended.outcome, ended.ended_at) == (TurnOutcome.DONE, bench.broker.now())
    assert ended.usage == Usage(model="m", output_tokens=7)
    assert bench.leases.alive("bob") == 0


@pytest.mark.parametrize("outcome", NOT_DONE)
@pytest.mark.parametrize("spent", [True, False])
def test_any_other_end_puts_the_mail_back(bench: Bench, outcome: TurnOutcome, *, spent: bool) -> None:
    turn = begin(bench, *hand(bench, "one"))
    waiting = bench.receive("bob", 1, 30)
    assert end(bench, turn, outcome, error="why", spent=spent) == 1
    assert [(letter.body, letter.redelivered) for letter in bench.get(waiting).letters] == [("one", True)]
    assert state_of(bench, 1) == (LEASED, 1, int(spent))
    assert row(bench, turn).error == "why"


def test_mail_that_was_fetched_during_the_turn_belongs_to_it(bench: Bench) -> None:
    before = hand(bench, "before")
    turn = begin(bench, *hand(bench, "one"))
    hand(bench, "two")
    assert end(bench, turn) == 2
    assert [state_of(bench, id_)[0] for id_ in (*before, 2, 3)] == [LEASED, DONE, DONE]


@pytest.mark.parametrize("outcome", [TurnOutcome.DONE, TurnOutcome.FAILED])
def test_what_the_turn_never_came_to_see_goes_back_unspent(bench: Bench, outcome: TurnOutcome) -> None:
    turn = begin(bench, *hand(bench, "one"))
    hand(bench, "two", read=False)
    end(bench, turn, outcome)
    assert state_of(bench, 2) == (QUEUED, 1, 0)
    assert bench.leases.alive("bob") == 0


def test_the_last_attempt_makes_a_dead_letter_that_says_why(frugal: Bench) -> None:
    turn = begin(frugal, *hand(frugal, "one"))
    end(frugal, turn, TurnOutcome.FAILED, error="no such model")
    assert state_of(frugal, 1)[0] == DEAD
    reason = "its turn failed (no such model), 1 times"
    assert frugal.events_of("alice") == [events.Bounced(id=1, to="bob", reason=reason)]


def test_the_manager_hears_of_failed_turns_but_not_of_its_own(bench: Bench) -> None:
    end(bench, begin(bench, *hand(bench, "one")), TurnOutcome.CANCELLED)
    end(bench, begin(bench, *hand(bench)), TurnOutcome.FAILED, error="why")
    its_own = bench.get(bench.turns.begin(MANAGER, (), "claude", None))
    bench.get(bench.turns.end(MANAGER, its_own, TurnOutcome.FAILED, "why", None, spent=True))
    assert bench.events_of(MANAGER) == [
        events.TurnFailed(agent="bob", turn=2, note="why"),
    ]


def test_the_manager_hears_of_the_first_failure_over_a_message_and_of_the_one_that_gave_it_up(bench: Bench) -> None:
    most = bench.broker.limits.max_attempts
    for attempt in range(most):
        end(bench, begin(bench, *hand(bench, *(["one"] if attempt == 0 else []))), TurnOutcome.FAILED)
    assert state_of(bench, 1)[0] == DEAD
    end(bench, begin(bench, *hand(bench, "two")), TurnOutcome.FAILED)
    note = "it did not say why"
    assert bench.events_of(MANAGER) == [
        events.TurnFailed(agent="bob", turn=turn, note=note) for turn in (1, most, most + 1)
    ]


def test_the_manager_hears_of_every_failed_turn_without_mail(bench: Bench) -> None:
    for _ in range(2):
        end(bench, begin(bench), TurnOutcome.FAILED, error="no notes")
    assert [event.turn for event in bench.events_of(MANAGER) if isinstance(event, events.TurnFailed)] == [1, 2]


def test_a_turn_is_about_mail_in_the_agents_hands(bench: Bench) -> None:
    bench.send("alice", "bob", "waits")
    with pytest.raises(Refused, match="message 1 is not in the hands of 'bob'; a turn is about messages that 'recv'"):
        begin(bench, 1)
    leased_to_a_connection = bench.taken("bob")
    with pytest.raises(Refused, match="message 1 is not"):
        begin(bench, leased_to_a_connection[0].id)
    assert begin(bench) == 1  # work of its own
    assert bench.get(bench.turns.listed("alice", 10, None)) == ()


def test_a_turn_that_is_begun_again_is_the_same_one(bench: Bench) -> None:
    ids = hand(bench, "one")
    turn = begin(bench, *ids)
    assert begin(bench, *ids) == turn
    bench.do(leases.requeue_all)  # the daemon was restarted meanwhile
    assert begin(bench, *ids) == turn


@pytest.mark.parametrize("trace", ["an event", "a reply"])
def test_a_turn_of_which_something_came_is_not_begun_again(bench: Bench, trace: str) -> None:
    """A harness that was started again can have nothing of the turn before it."""
    ids = hand(bench, "one")
    turn = begin(bench, *ids)
    if trace == "an event":
        bench.get(bench.turns.hear("bob", turn, 1, ["x"]))
    else:
        reply(bench)
    again = begin(bench, *ids)
    assert again == turn + 1
    assert row(bench, turn).outcome is TurnOutcome.INTERRUPTED
    assert end(bench, again) == 1
    assert messages_of(bench, "bob") == []


def test_another_turn_interrupts_the_open_one(bench: Bench) -> None:
    one, two = hand(bench, "one", "two")
    turn = begin(bench, one)
    reply(bench)
    begin(bench, two)
    ended = row(bench, turn)
    assert (ended.outcome, ended.error) == (TurnOutcome.INTERRUPTED, "another turn began before it ended")
    assert state_of(bench, one) == (QUEUED, 1, 1)
    assert state_of(bench, two)[0] == LEASED
    with pytest.raises(Refused, match=r"turn 1 was interrupted \(another turn began before it ended\): its mail was"):
        end(bench, turn)
    assert messages_of(bench, "bob") == []


def test_an_end_that_is_told_twice_is_one(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one"))
    reply(bench)
    assert end(bench, turn) == 1
    assert end(bench, turn) == 0
    assert len(messages_of(bench, "bob")) == 1
    with pytest.raises(Refused, match="turn 1 has ended already, and not as 'failed' but as 'done'"):
        end(bench, turn, TurnOutcome.FAILED)


def test_nobody_ends_the_turn_of_another(bench: Bench) -> None:
    turn = begin(bench)
    with pytest.raises(Refused, match="turn 1 is none of 'alice'"):
        bench.get(bench.turns.end("alice", turn, TurnOutcome.DONE, None, None, spent=True))
    with pytest.raises(Refused, match="turn 1 is none of 'alice'"):
        bench.get(bench.turns.hear("alice", turn, 1, ["x"]))
    with pytest.raises(Refused, match="turn 9 is none of 'bob'"):
        end(bench, 9)


def test_a_daemons_restart_interrupts_no_turn(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one"))
    hand(bench, "fetched", sender=MANAGER)
    bench.do(leases.requeue_all)
    bench.leases.left_hands("bob", [1, 2])
    assert reply(bench) is None
    assert end(bench, turn) == 1
    assert [row.in_reply_to for row in messages_of(bench, "bob")] == [1]
    assert state_of(bench, 1)[0] == DONE
    assert state_of(bench, 2)[:2] == (QUEUED, 1)  # whether the agent has read that one is not known any more


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Bench]:
    """What a daemon finds where the one before died in bob's turn about a message, in which he fetched another."""
    dead = Bench(tmp_path)
    dead.add_agents("alice", "bob", MANAGER)
    begin(dead, *hand(dead, "one"))
    hand(dead, "fetched", sender=MANAGER)
    dead.close()
    made = Bench(tmp_path)
    made.do(leases.requeue_all)
    yield made
    made.close()


def test_who_goes_on_with_a_turn_has_in_hand_what_that_began_with_and_no_more(left: Bench) -> None:
    assert left.get(left.turns.hear("bob", 1, 1, ["x"])) == 1
    assert [state_of(left, id_) for id_ in (1, 2)] == [(LEASED, 1, 0), (QUEUED, 1, 0)]
    assert left.leases.in_hand("bob") == ([1], [])
    assert end(left, 1, TurnOutcome.FAILED) == 1
    assert state_of(left, 1) == (QUEUED, 1, 1)


def test_what_goes_on_is_taken_in_hand_once_and_what_is_put_back_after_that_stays_so(left: Bench) -> None:
    left.get(left.turns.goes_on("bob"))
    left.get(left.leases.requeue("bob", [1], spent=False))
    left.get(left.turns.goes_on("bob"))
    assert state_of(left, 1) == (QUEUED, 1, 0)


def test_what_another_has_taken_since_stays_with_that_one(left: Bench) -> None:
    taken = left.taken("bob")
    left.get(left.turns.goes_on("bob"))
    assert left.leases.in_hand("bob") == ([], [])
    assert [letter.id for letter in taken] == [1, 2]


def test_mail_of_a_turn_whose_agent_falls_silent_after_the_daemons_death_comes_back(left: Bench) -> None:
    left.leases.startService()
    left.get(left.turns.goes_on("bob"))
    left.pass_time(2 * left.broker.limits.lease_seconds)
    left.settle()
    assert state_of(left, 1) == (QUEUED, 1, 1)
    left.leases.stopService()


def test_who_answered_a_message_has_read_it_whatever_the_daemon_forgot(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one"))
    hand(bench, "fetched", sender=MANAGER)
    reply(bench, to=MANAGER)
    bench.do(leases.requeue_all)
    bench.leases.left_hands("bob", [1, 2])
    assert end(bench, turn) == 2
    assert [state_of(bench, id_)[0] for id_ in (1, 2)] == [DONE, DONE]


@pytest.mark.parametrize("how", [OperationKind.STOP, OperationKind.RESTART, OperationKind.DESTROY, "crash"])
def test_a_turn_ends_with_its_container(bench: Bench, how: Any) -> None:
    turn = begin(bench, *hand(bench, "one"))
    reply(bench)
    seen = bench.broker.feed.seq
    if how == "crash":
        bench.containers.crash("bob", "it was killed")
        bench.get(bench.crash_watch._crashes.look())
    else:
        bench.operate("bob", how)
    ended = row(bench, turn)
    said = "the agent crashed in the middle of it" if how == "crash" else "the agent was stopped in the middle of it"
    assert (ended.outcome, ended.error) == (TurnOutcome.INTERRUPTED, said)
    assert state_of(bench, 1) == (QUEUED, 1, int(how == "crash"))
    assert messages_of(bench, "bob") == []
    assert Kind.TURN in [entry.kind for entry in bench.broker.feed.after(seen)]
    with pytest.raises(Refused, match="turn 1 was interrupted"):
        end(bench, turn)


def test_nothing_of_a_refused_turn_stays(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one"))
    with pytest.raises(HiveError):
        begin(bench, 99)
    assert row(bench, turn).outcome is None
    assert end(bench, turn) == 1


def test_mail_that_is_leased_to_a_connection_is_none_of_the_turns(bench: Bench) -> None:
    turn = begin(bench)
    bench.send("alice", "bob", "by plain recv")
    (letter,) = bench.taken("bob")
    assert end(bench, turn) == 0
    assert state_of(bench, letter.id)[0] == LEASED


def test_a_turn_that_has_fetched_mail_is_not_begun_a_second_time(bench: Bench) -> None:
    turn = begin(bench)
    assert begin(bench) == turn
    hand(bench, "more")
    assert begin(bench) != turn
    assert bench.get(bench.turns.begin("bob", (), "claude", None)) != begin(bench)
