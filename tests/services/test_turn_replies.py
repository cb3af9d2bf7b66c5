"""Replies to a turn's mail: kept until it ends, sent if it ends well, and otherwise never."""

from __future__ import annotations

import pytest

from hyperhive.agent_config import MailRules, Rate
from hyperhive.errors import InboxFull, Refused, UnknownAgent
from hyperhive.limits import MOST_KEPT
from hyperhive.store import mail
from hyperhive.store.message_states import DEAD
from hyperhive.wire import events
from hyperhive.wire.names import EVERYONE, MANAGER, OPERATOR
from hyperhive.wire.states import OperationKind, TurnOutcome
from tests.bench import Bench
from tests.services.turning import NOT_DONE, begin, end, hand, messages_of, reply, state_of


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
