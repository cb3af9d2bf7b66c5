"""Turns and their mail: they begin together, and end together, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hyperhive.agent_config import MailRules, Rate
from hyperhive.errors import HiveError, InboxFull, Refused, UnknownAgent
from hyperhive.limits import MOST_KEPT, MailLimits
from hyperhive.services.changes import Changes
from hyperhive.services.feed import Kind
from hyperhive.services.turns import SOON
from hyperhive.store import leases, mail
from hyperhive.store.database import Connection
from hyperhive.store.mail import DEAD, DONE, LEASED, QUEUED, Post
from hyperhive.wire import events
from hyperhive.wire.names import EVERYONE, MANAGER, OPERATOR
from hyperhive.wire.records import Change, MessageRow
from hyperhive.wire.states import HarnessState, OperationKind, TurnOutcome
from hyperhive.wire.turns import Harness, Turn, Usage
from tests.fakes import Bench

NOT_DONE = [outcome for outcome in TurnOutcome if outcome is not TurnOutcome.DONE]


def hand(bench: Bench, *bodies: str, sender: str = "alice", read: bool = True) -> list[int]:
    """Send messages to bob and put them into his hands; their ids."""
    for body in bodies:
        bench.send(sender, "bob", body)
    take = bench.get(bench.receive("bob", 32))
    bench.leases.hand("bob", take, lambda: None).read = read
    return [letter.id for letter in take.letters]


def begin(bench: Bench, *ids: int, model: str | None = None) -> int:
    return bench.get(bench.turns.begin("bob", ids, "command", model))


def end(bench: Bench, turn: int, outcome: TurnOutcome = TurnOutcome.DONE, **more: Any) -> int:
    given = {"error": None, "usage": None, "spent": True, **more}
    return bench.get(bench.turns.end("bob", turn, outcome, **given))


def reply(bench: Bench, body: str = "yes", to: str = "alice", in_reply_to: int | None = None) -> Sequence[int] | None:
    post = Post(sender="bob", to=to, body=body, at=bench.broker.now(), in_reply_to=in_reply_to)
    return bench.get(bench.turns.send(post))


def state_of(bench: Bench, id_: int) -> tuple[int, int, int]:
    """State, mark and attempts of a message."""
    return next(row[1:] for row in bench.states() if row[0] == id_)


def messages_of(bench: Bench, sender: str) -> list[MessageRow]:
    """What somebody sent, oldest first."""
    rows = bench.get(bench.broker.messages(sender, 100, None))
    return [row for row in reversed(rows) if row.sender == sender]


def row(bench: Bench, turn: int) -> Turn:
    return bench.get(bench.turns.log(turn, 0))[0]


@pytest.fixture
def frugal(tmp_path: Path) -> Iterator[Bench]:
    """A hive with tiny inboxes, in which a message has one try."""
    made = Bench(tmp_path, MailLimits(max_inbox=1, max_attempts=1))
    made.add_agents("alice", "bob", "manager")
    made.turns.startService()
    yield made
    made.turns.stopService()
    made.close()


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


def test_a_purge_forgets_the_agents_turns_with_all_that_hangs_on_them(bench: Bench) -> None:
    for _ in range(2):  # one that has ended, and one that goes on
        turn = begin(bench, *hand(bench, "one"))
        bench.get(bench.turns.hear("bob", turn, 1, ["x"]))
        reply(bench)
        if turn == 1:
            end(bench, turn)
    other = bench.get(bench.turns.begin("alice", (), "command", None))
    bench.get(bench.harnesses.report("bob", Harness(state=HarnessState.READY)))
    bench.operate("bob", OperationKind.DESTROY, flag=True)
    assert [row.id for row in bench.get(bench.turns.listed(None, 9, None))] == [other]
    for table in "turn_events", "kept_replies", "harnesses":
        assert bench.do(partial(rows_of, table=table)) == []


def rows_of(connection: Connection, table: str) -> list[Any]:
    """What stands in a table."""
    return connection.execute(f"SELECT * FROM {table}").fetchall()


def test_a_destroyed_agents_turns_are_kept(bench: Bench) -> None:
    turn = begin(bench)
    bench.operate("bob", OperationKind.DESTROY)
    assert [row.id for row in bench.get(bench.turns.listed("bob", 9, None))] == [turn]


def test_turns_of_somebody_who_never_was_are_refused(bench: Bench) -> None:
    with pytest.raises(UnknownAgent, match="there is no agent 'zzz' in this hive; 'list' names those there are"):
        bench.get(bench.turns.listed("zzz", 9, None))


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


def test_a_reply_to_the_turns_mail_waits_for_its_end(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one", "two"))
    assert reply(bench) is None
    assert messages_of(bench, "bob") == []
    waiting = bench.receive("alice", 1, 30)
    end(bench, turn)
    (letter,) = bench.get(waiting).letters
    assert (letter.sender, letter.body, letter.in_reply_to) == ("bob", "yes", 2)


@pytest.mark.parametrize("outcome", NOT_DONE)
def test_no_reply_is_sent_by_a_turn_that_did_not_end_well(bench: Bench, outcome: TurnOutcome) -> None:
    turn = begin(bench, *hand(bench, "one"))
    assert reply(bench) is None
    end(bench, turn, outcome)
    end(bench, begin(bench, *hand(bench)))
    assert messages_of(bench, "bob") == []


def test_a_reply_answers_the_message_that_it_names(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one", "two"))
    assert reply(bench, in_reply_to=1) is None
    assert reply(bench, to=MANAGER, in_reply_to=2) is None
    end(bench, turn)
    assert [(row.recipient, row.in_reply_to) for row in messages_of(bench, "bob")] == [("alice", 1), (MANAGER, 2)]


def test_what_answers_nothing_in_hand_is_sent_at_once(bench: Bench) -> None:
    old = bench.send("alice", "bob", "old")
    end(bench, begin(bench, *hand(bench)))
    begin(bench, *hand(bench, "one"))
    assert reply(bench, to=MANAGER)
    assert reply(bench, to=OPERATOR)
    assert reply(bench, in_reply_to=old)
    assert len(reply(bench, to=EVERYONE) or ()) == 2
    with pytest.raises(UnknownAgent):
        reply(bench, to="nobody")


def test_outside_a_turn_everything_is_sent_at_once(bench: Bench) -> None:
    ids = hand(bench, "one")
    assert reply(bench, in_reply_to=ids[0])


def test_a_reply_that_is_repeated_is_kept_once(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one"))
    assert [reply(bench), reply(bench), reply(bench, "no")] == [None] * 3
    end(bench, turn)
    assert [row.body for row in messages_of(bench, "bob")] == ["yes", "no"]


def test_a_turn_keeps_so_many_replies(bench: Bench) -> None:
    begin(bench, *hand(bench, "one"))
    for number in range(MOST_KEPT):
        reply(bench, str(number))
    with pytest.raises(Refused, match=f"turn 1 keeps {MOST_KEPT} replies for its end"):
        reply(bench)


def test_a_reply_to_the_operator_is_kept_too(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one", sender=OPERATOR))
    assert reply(bench, to=OPERATOR) is None
    assert bench.get(bench.broker.recent(OPERATOR, 9)) == ()
    end(bench, turn)
    assert [row.body for row in bench.get(bench.broker.recent(OPERATOR, 9))] == ["yes"]


def test_a_full_inbox_refuses_at_the_door_and_not_at_the_end(frugal: Bench) -> None:
    ids = hand(frugal, "one")
    turn = begin(frugal, *ids)
    frugal.send(MANAGER, "alice", "fills it")
    with pytest.raises(InboxFull):
        reply(frugal)
    frugal.taken("alice")
    assert reply(frugal) is None
    frugal.send(MANAGER, "alice", "fills it again")
    end(frugal, turn)
    assert [row.body for row in messages_of(frugal, "bob")] == ["yes"]


def test_the_rules_of_mail_hold_at_the_door(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one"))
    bench.broker.obey("bob", MailRules(recipients=("alice",), rate=Rate(messages=2, seconds=60)))
    with pytest.raises(Refused, match="'bob' may not write to 'manager'"):
        reply(bench, to=MANAGER, in_reply_to=1)
    reply(bench, "one")
    reply(bench, "two")
    with pytest.raises(Refused, match="'bob' may send 2 messages within 60 seconds"):
        reply(bench, "three")
    assert end(bench, turn) == 1
    assert len(messages_of(bench, "bob")) == 2


def test_a_reply_to_somebody_who_has_left_bounces(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one"))
    reply(bench)
    bench.operate("alice", OperationKind.DESTROY)
    assert end(bench, turn) == 1
    (lost,) = messages_of(bench, "bob")
    (bounced,) = [event for event in bench.events_of("bob") if isinstance(event, events.Bounced)]
    assert (bounced.id, bounced.to) == (lost.id, "alice")
    assert bounced.reason == "'alice' has left the hive before the turn ended in which this was written"
    assert state_of(bench, lost.id)[0] == DEAD


def test_a_reply_that_is_refused_at_the_end_bounces_and_undoes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Refused("not that any more")

    turn = begin(bench, *hand(bench, "one"))
    reply(bench)
    monkeypatch.setattr(mail, "send", refuse)
    assert end(bench, turn) == 1
    (bounced,) = bench.events_of("bob")
    assert (bounced.to, bounced.reason) == ("alice", "not that any more")


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


def test_events_are_kept_once_whatever_is_repeated(bench: Bench) -> None:
    turn = begin(bench)
    assert bench.get(bench.turns.hear("bob", turn, 1, ["a", "b"])) == 2
    assert bench.get(bench.turns.hear("bob", turn, 1, ["a", "b"])) == 0
    assert bench.get(bench.turns.hear("bob", turn, 2, ["b", "c"])) == 1
    found, kept = bench.get(bench.turns.log(turn, 1))
    assert found.events == 3
    assert [(event.seq, event.event) for event in kept] == [(2, "b"), (3, "c")]
    end(bench, turn)
    assert bench.get(bench.turns.hear("bob", turn, 2, ["b", "c"])) == 0
    with pytest.raises(Refused, match="turn 1 has ended, as 'done'; it keeps no more events"):
        bench.get(bench.turns.hear("bob", turn, 3, ["c", "d"]))
    with pytest.raises(Refused, match="'first' must be at least 1"):
        bench.get(bench.turns.hear("bob", turn, 0, ["x"]))


def test_followers_hear_of_beginning_and_end_at_once_and_of_events_soon(bench: Bench) -> None:
    seen = bench.broker.feed.seq

    def told() -> int:
        nonlocal seen
        fresh = list(bench.broker.feed.after(seen))
        seen = bench.broker.feed.seq
        return sum(entry.kind is Kind.TURN for entry in fresh)

    turn = begin(bench)
    assert told() == 1
    for first in range(1, 10):
        bench.get(bench.turns.hear("bob", turn, first, ["x"]))
    assert told() == 0
    bench.pass_time(SOON)
    assert told() == 1
    end(bench, turn)
    assert told() == 1


def test_a_turn_stands_in_the_agents_status_while_it_goes_on(bench: Bench) -> None:
    def shown() -> int | None:
        return next(status.turn for status in bench.get(bench.roster.statuses()) if status.name == "bob")

    turn = begin(bench)
    assert shown() == turn
    end(bench, turn)
    assert shown() is None


def test_nothing_of_a_refused_turn_stays(bench: Bench) -> None:
    turn = begin(bench, *hand(bench, "one"))
    with pytest.raises(HiveError):
        begin(bench, 99)
    assert row(bench, turn).outcome is None
    assert end(bench, turn) == 1


def test_a_change_of_a_turn_is_told_with_its_row(bench: Bench) -> None:
    seen = bench.broker.feed.seq
    turn = begin(bench)
    (entry,) = bench.broker.feed.after(seen)
    (change,) = bench.get(Changes(bench.broker, bench.roster).rows([entry]))
    assert change == Change(kind="turn", turn=row(bench, turn))


def test_mail_that_is_leased_to_a_connection_is_none_of_the_turns(bench: Bench) -> None:
    turn = begin(bench)
    bench.send("alice", "bob", "by plain recv")
    (letter,) = bench.taken("bob")
    assert end(bench, turn) == 0
    assert state_of(bench, letter.id)[0] == LEASED


def test_what_is_sent_in_a_turn_to_somebody_else_belongs_to_the_conversation_of_its_mail(bench: Bench) -> None:
    bench.add_agents("carol")
    (first,) = hand(bench, "pass it on")
    begin(bench, first)
    (sent,) = reply(bench, "here", to="carol") or ()
    (row,) = bench.get(bench.broker.messages("carol", 9, None))
    assert (row.id, row.thread, row.in_reply_to) == (sent, first, None)


def test_a_reply_in_a_turn_goes_to_one_and_not_to_everyone(bench: Bench) -> None:
    (first,) = hand(bench, "well?")
    begin(bench, first)
    with pytest.raises(Refused, match=f"a reply to message {first} goes to one"):
        reply(bench, "to all", to=EVERYONE, in_reply_to=first)


def test_a_turn_that_has_fetched_mail_is_not_begun_a_second_time(bench: Bench) -> None:
    turn = begin(bench)
    assert begin(bench) == turn
    hand(bench, "more")
    assert begin(bench) != turn
    assert bench.get(bench.turns.begin("bob", (), "claude", None)) != begin(bench)
