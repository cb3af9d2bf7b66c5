"""How much mail there may be: full inboxes, mail to everyone, and who gets none."""

from __future__ import annotations

import sqlite3

import pytest
from attrs import evolve

from hyperhive.errors import InboxFull, UnknownAgent
from hyperhive.store import agents, mail, mail_views
from hyperhive.store.mail import Post
from hyperhive.store.message_states import DONE, QUEUED
from hyperhive.wire.events import Bounced
from hyperhive.wire.names import EVERYONE, OPERATOR
from tests.store.mailbag import LIMITS, lease, send, state

pytestmark = pytest.mark.usefixtures("three_agents")


def test_the_inbox_is_full_by_count(connection: sqlite3.Connection) -> None:
    post = Post(sender="alice", to="bob", body="", at=1)
    for _ in range(5):
        mail.send(connection, post, LIMITS)
    with pytest.raises(InboxFull, match="the inbox of 'bob' is full: 5 messages wait there"):
        mail.send(connection, post, LIMITS)
    lease(connection, 1)
    mail.send(connection, post, LIMITS)


def test_the_inbox_is_full_by_bytes_of_utf_8(connection: sqlite3.Connection) -> None:
    post = Post(sender="alice", to="bob", body="üüüüü\0", at=1)  # 11 bytes
    mail.send(connection, post, LIMITS)
    with pytest.raises(InboxFull):
        mail.send(connection, post, LIMITS)
    mail.send(connection, evolve(post, body="x" * 9), LIMITS)
    with pytest.raises(InboxFull):
        mail.send(connection, evolve(post, body="x"), LIMITS)


def test_an_event_is_queued_even_in_a_full_inbox(connection: sqlite3.Connection) -> None:
    for _ in range(5):
        mail.send(connection, Post(sender="alice", to="bob", body="", at=1), LIMITS)
    assert mail.tell(connection, "bob", Bounced(id=1, to="x", reason="y"), 2)
    assert mail.unread(connection, "bob") == 6


@pytest.mark.parametrize("name", ["", "nobody", "system", "reminder", "Bob", "bob "])
def test_nobody_of_that_name_is_refused(connection: sqlite3.Connection, name: str) -> None:
    with pytest.raises(UnknownAgent, match="nobody here is called"):
        send(connection, to=name)
    assert mail.tell(connection, name, Bounced(id=1, to="x", reason="y"), 2) == []


def test_a_destroyed_agent_is_nobody_and_its_mail_is_kept(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    agents.is_destroyed(connection, "bob")
    with pytest.raises(UnknownAgent):
        send(connection)
    assert state(connection, id_)[0] == QUEUED


def test_everyone_is_every_other_agent(connection: sqlite3.Connection) -> None:
    agents.is_destroyed(connection, "carol")
    agents.add_manager(connection)
    sent = mail.send_to_all(connection, Post(sender="alice", to=EVERYONE, body="hi", at=1), LIMITS)
    assert [one.to for one in sent] == ["bob", "manager"]


def test_a_full_inbox_refuses_a_message_to_everyone(connection: sqlite3.Connection) -> None:
    for _ in range(5):
        mail.send(connection, Post(sender="alice", to="carol", body="", at=1), LIMITS)
    before = connection.total_changes
    with pytest.raises(InboxFull, match="'carol'"):
        mail.send_to_all(connection, Post(sender="alice", to=EVERYONE, body="hi", at=1), LIMITS)
    assert connection.total_changes == before  # a refusal after a write would cost its whole batch


def test_an_inbox_with_too_few_bytes_left_refuses_a_message_to_everyone(connection: sqlite3.Connection) -> None:
    mail.send(connection, Post(sender="alice", to="carol", body="x" * 15, at=1), LIMITS)
    assert len(mail.send_to_all(connection, Post(sender="alice", to=EVERYONE, body="ü..", at=1), LIMITS)) == 2
    before = connection.total_changes
    with pytest.raises(InboxFull, match="'carol'"):
        mail.send_to_all(connection, Post(sender="alice", to=EVERYONE, body="ü", at=1), LIMITS)
    assert connection.total_changes == before


def test_ones_own_full_inbox_stops_no_message_to_everyone(connection: sqlite3.Connection) -> None:
    for _ in range(5):
        mail.send(connection, Post(sender="bob", to="alice", body="", at=1), LIMITS)
    assert len(mail.send_to_all(connection, Post(sender="alice", to=EVERYONE, body="hi", at=1), LIMITS)) == 2


def test_mail_to_the_operator_is_done_at_once(connection: sqlite3.Connection) -> None:
    id_ = mail.send_to_operator(connection, Post(sender="bob", to=OPERATOR, body="hi", at=7), LIMITS).id
    assert state(connection, id_)[0] == DONE
    assert [row.body for row in mail_views.recent(connection, OPERATOR, 5)] == ["hi"]
