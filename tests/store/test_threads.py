"""Conversations: where a message stands, and what goes too far."""

from __future__ import annotations

import re
import sqlite3

import pytest

from hyperhive.errors import Refused
from hyperhive.limits import MailLimits
from hyperhive.store import agents, held, leases, mail, mail_views
from hyperhive.store.mail import Post
from hyperhive.store.message_states import HELD, LEASED, QUEUED
from hyperhive.wire.codec import event_of_body
from hyperhive.wire.events import Held
from hyperhive.wire.names import EVERYONE, MANAGER, OPERATOR, SYSTEM
from hyperhive.wire.states import MessageState
from tests.store.conversing import LIMITS, SLOW, post, send, stands, talk

pytestmark = pytest.mark.usefixtures("manager", "three_agents")


def test_a_message_without_a_cause_begins_a_conversation(connection: sqlite3.Connection) -> None:
    first, second = send(connection, "alice", "bob"), send(connection, "alice", "bob")
    assert [stands(connection, sent) for sent in (first, second)] == [(None, 0, QUEUED)] * 2


def test_a_reply_is_one_hop_further_than_its_cause(connection: sqlite3.Connection) -> None:
    first, *replies = talk(connection, 3)
    assert [stands(connection, sent) for sent in replies] == [(first.id, hops, QUEUED) for hops in (1, 2, 3)]
    assert mail_views.message(connection, replies[-1].id).thread == first.id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("sender", "to", "belongs"),
    [
        ("bob", "alice", True),
        ("alice", "bob", True),
        ("alice", "carol", True),
        ("carol", "bob", False),
        ("manager", "carol", False),
    ],
)
def test_a_cause_counts_where_its_sender_had_to_do_with_it(
    connection: sqlite3.Connection, sender: str, to: str, belongs: bool  # noqa: FBT001
) -> None:  # fmt: skip
    cause = send(connection, "alice", "bob")
    expected = (cause.id, 1, QUEUED) if belongs else (None, 0, QUEUED)
    assert stands(connection, send(connection, sender, to, cause.id)) == expected


@pytest.mark.parametrize("cause", [-1, 0, 99, 2**63 - 1])
def test_a_cause_that_is_not_there_begins_a_conversation(connection: sqlite3.Connection, cause: int) -> None:
    assert stands(connection, send(connection, "alice", "bob", cause)) == (None, 0, QUEUED)


@pytest.mark.parametrize(("sender", "to"), [("alice", OPERATOR), (OPERATOR, "alice")])
def test_with_the_operator_on_one_side_a_reply_is_no_hop(
    connection: sqlite3.Connection, sender: str, to: str
) -> None:  # fmt: skip
    first, *_, last = talk(connection, 3)
    send_ = mail.send_to_operator if to == OPERATOR else mail.send
    sent = send_(connection, post(sender, to, last.id), LIMITS)
    assert stands(connection, sent)[:2] == (first.id, 0)


def test_a_word_of_the_operators_has_the_conversation_counted_anew(connection: sqlite3.Connection) -> None:
    *_, last = talk(connection, 3)
    send(connection, OPERATOR, "alice", last.id)
    assert stands(connection, send(connection, "alice", "bob", last.id))[1] == 1
    assert connection.execute("SELECT count(*) FROM messages WHERE hops > 0").fetchone() == (1,)


def test_a_word_to_the_operator_lets_nobody_off(connection: sqlite3.Connection) -> None:
    said = talk(connection, 4)
    mail.send_to_operator(connection, post("alice", OPERATOR, said[-1].id), LIMITS)
    assert stands(connection, send(connection, "alice", "bob", said[-1].id))[2] == HELD


def test_a_reply_beyond_the_rate_is_held_and_counts_in_no_inbox(connection: sqlite3.Connection) -> None:
    said = talk(connection, 5)
    assert [stands(connection, sent)[2] for sent in said] == [QUEUED] * 5 + [HELD]
    assert mail.unread(connection, "alice") == 2
    assert mail_views.message(connection, said[-1].id).state is MessageState.HELD  # type: ignore[union-attr]
    assert [letter.id for letter in leases.lease(connection, "alice", 9, 1)] == [said[1].id, said[3].id]


def test_a_held_message_is_not_shown_to_whom_it_is_for(connection: sqlite3.Connection) -> None:
    said = talk(connection, 5)
    assert [row.id for row in mail_views.recent(connection, "alice", 9)] == [said[3].id, said[1].id]


def test_the_rate_is_of_replies_within_its_span(connection: sqlite3.Connection) -> None:
    *_, last = talk(connection, 4, at=100)
    assert stands(connection, send(connection, "alice", "bob", last.id, 160))[2] == QUEUED
    again = talk(connection, 4, at=200)
    assert stands(connection, send(connection, "alice", "bob", again[-1].id, 259))[2] == HELD


def test_a_clock_that_was_set_back_holds_nobody(connection: sqlite3.Connection) -> None:
    *_, last = talk(connection, 4, at=5000)
    assert stands(connection, send(connection, "alice", "bob", last.id, 100))[2] == QUEUED


def test_a_reply_beyond_the_hops_is_held_however_slowly_they_came(connection: sqlite3.Connection) -> None:
    said = talk(connection, 7, step=86_400)
    assert [stands(connection, sent)[2] for sent in said] == [QUEUED] * 7 + [HELD]


def test_many_replies_to_one_message_are_no_hops(connection: sqlite3.Connection) -> None:
    cause = send(connection, "alice", "bob")
    replies = [send(connection, "bob", "alice", cause.id, 100 + number, limits=SLOW) for number in range(9)]
    assert {stands(connection, sent)[1:] for sent in replies} == {(1, QUEUED)}


def test_the_manager_and_the_operator_are_told_once(connection: sqlite3.Connection) -> None:
    said = talk(connection, 7)
    events = [
        (to, event_of_body(body))
        for to, body in connection.execute(
            "SELECT recipient, body FROM messages WHERE sender = ? ORDER BY recipient", (SYSTEM,)
        )
    ]
    event = Held(
        thread=said[0].id,
        agents=("alice", "bob"),
        note=(
            "4 messages went between alice and bob within 60 seconds; 'hivectl messages' shows what they say, "
            "'hivectl release 1' lets them go on"
        ),
    )
    assert events == [(MANAGER, event), (OPERATOR, event)]
    assert [to for _, to in said[5].told] == [MANAGER, OPERATOR]
    assert not said[6].told
    (row,) = held.listed(connection)
    assert (row.thread, row.agents, row.since, row.messages, row.note) == (1, ("alice", "bob"), 100, 3, event.note)


def test_a_reply_to_somebody_who_waits_is_leased_with_its_place_or_held(connection: sqlite3.Connection) -> None:
    first = send(connection, "alice", "bob")
    reply, letter = mail.send_leased(connection, post("bob", "carol", first.id), 7, LIMITS)
    assert letter is not None
    assert stands(connection, reply) == (first.id, 1, LEASED)
    for _ in range(3):
        send(connection, "bob", "alice", first.id)
    send(connection, "bob", "alice", first.id)
    beyond, letter = mail.send_leased(connection, post("bob", "alice", first.id), 8, LIMITS)
    assert letter is None
    assert stands(connection, beyond) == (first.id, 1, HELD)
    assert [to for _, to in beyond.told] == [MANAGER, OPERATOR]


def test_a_reply_to_everyone_counts_for_each(connection: sqlite3.Connection) -> None:
    first = send(connection, "alice", "bob")
    for _ in range(4):
        send(connection, "bob", "alice", first.id)
    sent = mail.send_to_all(connection, post("bob", EVERYONE, first.id), LIMITS)
    assert [stands(connection, one)[2] for one in sent] == [HELD, HELD, HELD]


def test_who_passes_a_message_on_to_many_that_answer_once_is_not_held(connection: sqlite3.Connection) -> None:
    names = [f"worker-{number}" for number in range(50)]
    for name in names:
        agents.begin_start(connection, name)
        agents.is_running(connection, name)
    first = send(connection, "alice", MANAGER)
    passed_on = [send(connection, MANAGER, name, first.id) for name in names]
    answers = [send(connection, name, MANAGER, one.id) for name, one in zip(names, passed_on, strict=True)]
    assert {stands(connection, sent) for sent in passed_on} == {(first.id, 1, QUEUED)}
    assert {stands(connection, sent) for sent in answers} == {(first.id, 2, QUEUED)}


@pytest.mark.parametrize("ring", [("alice", "bob", "carol"), ("alice", "bob", "carol", MANAGER)])
def test_a_ring_of_agents_that_pass_a_message_round_is_held(
    connection: sqlite3.Connection, ring: tuple[str, ...]
) -> None:
    limits = MailLimits(thread_rate=4)
    said = [send(connection, ring[0], ring[1])]
    while stands(connection, said[-1])[2] == QUEUED and len(said) < 99:
        sender, to = ring[len(said) % len(ring)], ring[(len(said) + 1) % len(ring)]
        said.append(mail.send(connection, Post(sender=sender, to=to, body="hi", at=100, cause=said[-1].id), limits))
    assert len(said) == 4 * len(ring) + 2  # the first was no hop


def test_a_receipt_says_where_a_message_stands_and_since_when(connection: sqlite3.Connection) -> None:
    said = talk(connection, 5)
    leases.lease(connection, "bob", 1, 1)
    leases.settle(connection, [(said[0].id, 1)], 150)
    receipts = [mail_views.receipt(connection, "alice", said[number].id) for number in (0, 2)]
    receipts.append(mail_views.receipt(connection, "bob", said[5].id))
    assert [(one.id, one.state, one.attempts, one.at) for one in receipts] == [
        (1, MessageState.DONE, 0, 150), (3, MessageState.QUEUED, 0, 100), (6, MessageState.HELD, 0, 100)
    ]  # fmt: skip


def test_a_receipt_does_not_tell_whether_a_message_of_another_exists(connection: sqlite3.Connection) -> None:
    sent = send(connection, "alice", "bob")
    sentences = []
    for id_ in (sent.id, 7):
        with pytest.raises(Refused) as refused:
            mail_views.receipt(connection, "bob", id_)
        sentences.append(str(refused.value).replace(str(id_), "N"))
    assert sentences[0] == sentences[1]


def test_a_message_without_a_cause_costs_no_query_more(connection: sqlite3.Connection) -> None:
    said: list[str] = []
    connection.set_trace_callback(said.append)
    send(connection, "alice", "bob")
    connection.set_trace_callback(None)
    assert {line.split()[0] for line in said if not line.startswith("--")} == {"INSERT"}  # its trigger says it again


def test_no_conversation_is_read_from_its_beginning(connection: sqlite3.Connection) -> None:
    said: list[str] = []
    connection.set_trace_callback(said.append)
    talk(connection, 7)
    held.release(connection, 1, 300)
    connection.set_trace_callback(None)
    asked = {line for line in said if re.search(r"\bmessages\b", line) and re.search(r"\bthread = \d", line)}
    assert {line.split()[0] for line in asked} == {"SELECT", "UPDATE"}
    for line in asked:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {line}")]
        read = [step for step in plan if re.match(r"(SCAN|SEARCH) messages\b", step)]
        assert read, plan
        assert [step for step in read if not re.search(r"USING (COVERING )?INDEX messages_(hops|held) ", step)] == [], (
            line
        )
