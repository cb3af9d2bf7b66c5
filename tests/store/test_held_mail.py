"""What becomes of a conversation that is held: how much it takes in, who releases it, and who has left meanwhile."""

from __future__ import annotations

import sqlite3

import pytest

from hyperhive.errors import InboxFull, Refused
from hyperhive.limits import MOST_HELD, MailLimits
from hyperhive.store import agents, dead_letters, held, mail, mail_views
from hyperhive.store.message_states import HELD, QUEUED
from hyperhive.wire.codec import event_of_body
from hyperhive.wire.events import Bounced
from hyperhive.wire.names import OPERATOR
from tests.store.conversing import LIMITS, post, send, stands, talk

pytestmark = pytest.mark.usefixtures("manager", "three_agents")


def test_a_held_conversation_takes_in_only_so_many(connection: sqlite3.Connection) -> None:
    *_, last = talk(connection, 5)
    for _ in range(MOST_HELD - 1):
        send(connection, "bob", "alice", last.id)
    before = connection.total_changes
    with pytest.raises(Refused, match="conversation 1 is held, and 100 of its messages wait already"):
        send(connection, "bob", "alice", last.id)
    assert connection.total_changes == before  # a refusal after a write would cost its whole batch
    send(connection, "bob", "alice")
    mail.send_to_operator(connection, post("bob", OPERATOR, last.id), LIMITS)


def test_a_held_message_needs_its_recipient_and_room_as_any_other(connection: sqlite3.Connection) -> None:
    said = talk(connection, 5)
    with pytest.raises(InboxFull):
        mail.send(connection, post("alice", "bob", said[-1].id), MailLimits(max_inbox=1))


def test_nobody_holds_a_conversation_that_is_not_theirs(connection: sqlite3.Connection) -> None:
    first, *_ = talk(connection, 1)
    for _ in range(9):
        assert stands(connection, send(connection, "carol", "bob", first.id)) == (None, 0, QUEUED)


def test_what_is_released_is_queued_in_its_order_and_counted_anew(connection: sqlite3.Connection) -> None:
    said = talk(connection, 7)
    released = held.release(connection, said[0].id, 300)
    assert released.told == [(said[5].id, "alice"), (said[6].id, "bob"), (said[7].id, "alice")]
    assert [stands(connection, sent)[1:] for sent in said] == [(0, QUEUED)] * 8
    assert mail.unread(connection, "alice") == 4
    assert held.listed(connection) == ()
    again = [send(connection, "bob", "alice", said[-1].id, 100) for _ in range(5)]
    assert [stands(connection, sent)[1:] for sent in again] == [(1, QUEUED)] * 4 + [(1, HELD)]
    assert len(again[-1].told) == 2


@pytest.mark.parametrize("thread", [-1, 1, 99])
def test_only_what_is_held_is_released(connection: sqlite3.Connection, thread: int) -> None:
    talk(connection, 2)
    with pytest.raises(Refused, match=f"conversation {thread} is not held; 'held' lists those that are"):
        held.release(connection, thread, 300)


def test_released_mail_to_somebody_who_left_bounces(connection: sqlite3.Connection) -> None:
    said = talk(connection, 6)
    agents.is_destroyed(connection, "alice")
    released = held.release(connection, said[0].id, 300)
    assert released.buried == [(said[5].id, "alice")]
    assert [to for _, to in released.told] == ["bob", "bob"]
    (body,) = connection.execute("SELECT body FROM messages WHERE id = ?", (released.told[1][0],)).fetchone()
    assert event_of_body(body) == Bounced(id=said[5].id, to="alice", reason="its recipient is no longer in the hive")


def test_who_is_gone_for_good_holds_no_conversation(connection: sqlite3.Connection) -> None:
    talk(connection, 6)
    told = held.bury_held(connection, "alice", "'alice' was purged", 300)
    assert [to for _, to in told] == ["bob"]
    assert len(held.listed(connection)) == 1  # something for bob waits
    held.bury_held(connection, "bob", "'bob' was purged", 300)
    assert held.listed(connection) == ()
    assert len(mail_views.dead_letters(connection)) == 2


def test_a_held_letter_that_was_given_up_can_be_queued_again(connection: sqlite3.Connection) -> None:
    said = talk(connection, 5)
    held.bury_held(connection, "alice", "why", 300)
    assert dead_letters.revive(connection, said[-1].id, LIMITS) == "alice"
    assert stands(connection, said[-1])[2] == QUEUED
