"""The table of messages: order, leases, who may settle what, and what is forgotten when."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from hyperhive.errors import UnknownAgent
from hyperhive.limits import MailLimits
from hyperhive.store import agents, dead_letters, leases, mail, mail_views
from hyperhive.store.mail import Post
from hyperhive.store.message_states import DONE, LEASED, QUEUED
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.states import MessageState
from tests.store.mailbag import LIMITS, kill, lease, send, state

pytestmark = pytest.mark.usefixtures("three_agents")


def test_mail_is_leased_in_the_order_of_its_ids(connection: sqlite3.Connection) -> None:
    ids = [send(connection, str(number)) for number in range(5)]
    assert lease(connection, 2) == ids[:2]
    assert lease(connection, 9) == ids[2:]
    assert lease(connection) == []


def test_what_was_put_back_can_not_be_acknowledged_any_more(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    leases.put_back(connection, [(id_, 1)], shown=False)
    assert leases.acknowledge(connection, "bob", [id_], 200) == []
    assert state(connection, id_)[0] == QUEUED


def test_mail_that_was_put_back_comes_first(connection: sqlite3.Connection) -> None:
    ids = [send(connection) for _ in range(3)]
    lease(connection, 2, number=1)
    leases.put_back(connection, [(ids[0], 1)], shown=False)
    assert lease(connection, 2, number=2) == [ids[0], ids[2]]


def test_a_letter_says_all_that_is_known(connection: sqlite3.Connection) -> None:
    post = Post(sender="alice", to="bob", body="ü\0", at=7, in_reply_to=3, via="self")
    mail.send(connection, post, LIMITS)
    (letter,) = leases.lease(connection, "bob", 1, 1)
    assert (letter.sender, letter.body, letter.at, letter.in_reply_to, letter.via) == ("alice", "ü\0", 7, 3, "self")
    assert letter.redelivered is False


@pytest.mark.parametrize(("shown", "marked"), [(True, True), (False, False)])
def test_only_what_somebody_may_have_read_is_marked(
    connection: sqlite3.Connection,
    shown: bool,  # noqa: FBT001
    marked: bool,  # noqa: FBT001
) -> None:
    id_ = send(connection)
    lease(connection)
    leases.put_back(connection, [(id_, 1)], shown=shown)
    assert state(connection, id_) == (QUEUED, marked, 0)
    lease(connection, number=2)
    leases.put_back(connection, [(id_, 2)], shown=False)
    assert state(connection, id_)[1] is marked


def test_only_the_take_that_holds_a_message_can_settle_it(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection, number=1)
    leases.put_back(connection, [(id_, 1)], shown=True)
    lease(connection, number=2)
    leases.settle(connection, [(id_, 1)], 200)
    assert state(connection, id_)[0] == LEASED
    leases.settle(connection, [(id_, 2)], 200)
    assert state(connection, id_)[0] == DONE


def test_only_the_take_that_holds_a_message_can_put_it_back(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection, number=1)
    leases.put_back(connection, [(id_, 7)], shown=True)
    assert state(connection, id_)[0] == LEASED


def test_the_recipient_acknowledges_what_this_start_of_it_had(connection: sqlite3.Connection) -> None:
    ids = [send(connection), send(connection, to="carol")]
    lease(connection)
    assert leases.acknowledge(connection, "bob", ids, 200) == ids[:1]
    assert leases.acknowledge(connection, "bob", ids, 200) == []
    assert leases.acknowledge(connection, "carol", ids, 200) == []  # it was never handed to carol


def test_an_acknowledgement_reaches_what_was_queued_again(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    assert leases.requeue_all(connection) == 1
    assert state(connection, id_) == (QUEUED, True, 0)
    assert leases.acknowledge(connection, "bob", [id_], 200) == [id_]
    assert state(connection, id_)[0] == DONE
    assert mail.unread(connection, "bob") == 0


def test_a_later_start_can_not_acknowledge_what_an_earlier_one_had(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    leases.requeue_all(connection)
    agents.begin_start(connection, "bob")
    assert leases.acknowledge(connection, "bob", [id_], 200) == []
    assert state(connection, id_)[0] == QUEUED


def sweep_all(connection: sqlite3.Connection, before: int, most: int) -> list[int]:
    after: int | None = 0
    stops = []
    while after is not None:
        after = mail.sweep(connection, after, before, most)
        if after is not None:
            stops.append(after)
    return stops


def done_at(connection: sqlite3.Connection, sent_at: int, settled_at: int) -> int:
    id_ = mail.send(connection, Post(sender="alice", to="bob", body="", at=sent_at), MailLimits()).id
    leases.lease(connection, "bob", 1, 1)
    leases.settle(connection, [(id_, 1)], settled_at)
    return id_


def test_a_sweep_forgets_what_was_done_long_ago_and_nothing_else(connection: sqlite3.Connection) -> None:
    old = done_at(connection, 10, 20)
    late = done_at(connection, 10, 120)
    dead = kill(connection)
    leased = send(connection)
    lease(connection)
    queued = send(connection)
    young = done_at(connection, 110, 110)
    sweep_all(connection, 100, 10)
    left = [id_ for (id_,) in connection.execute("SELECT id FROM messages WHERE recipient = 'bob' ORDER BY id")]
    assert old not in left
    assert left == [late, dead, leased, queued, young]


def test_a_sweep_goes_slice_by_slice_and_stops_at_the_young(connection: sqlite3.Connection) -> None:
    old = [done_at(connection, 10, 20) for _ in range(7)]
    for _ in range(7):
        done_at(connection, 110, 120)
    stops = sweep_all(connection, 100, 3)
    assert stops == [old[2], old[5], old[6] + 2]
    assert connection.execute("SELECT count(*) FROM messages").fetchone() == (7,)


def test_a_sweep_of_nothing_ends(connection: sqlite3.Connection) -> None:
    assert mail.sweep(connection, 0, 100, 10) is None


@pytest.mark.parametrize(
    ("move", "shown"),
    [
        (lambda _connection, _id: None, MessageState.QUEUED),
        (lambda connection, _id: lease(connection), MessageState.LEASED),
        (lambda connection, id_: dead_letters.bury(connection, [id_], "why", 1), MessageState.DEAD),
    ],
)
def test_the_operator_sees_where_a_message_stands(
    connection: sqlite3.Connection, move: Callable[[sqlite3.Connection, int], object], shown: MessageState
) -> None:
    id_ = send(connection)
    move(connection, id_)
    row = mail_views.message(connection, id_)
    assert row is not None
    assert row.state is shown


def test_mail_of_an_agent_that_never_was_is_refused_and_that_of_one_that_was_is_not(
    connection: sqlite3.Connection,
) -> None:
    with pytest.raises(UnknownAgent, match="there is no agent 'nobody' in this hive"):
        mail_views.messages(connection, "nobody", 10, None)
    assert mail_views.messages(connection, OPERATOR, 10, None) == ()
    agents.is_destroyed(connection, "bob")
    assert mail_views.messages(connection, "bob", 10, None) == ()


def test_messages_are_shown_newest_first_from_both_sides(connection: sqlite3.Connection) -> None:
    ids = [send(connection), send(connection, to="alice", sender="bob"), send(connection, to="carol", sender="alice")]
    to_self = send(connection, to="bob", sender="bob")
    assert [row.id for row in mail_views.messages(connection, "bob", 10, None)] == [to_self, ids[1], ids[0]]
    assert [row.id for row in mail_views.messages(connection, None, 2, None)] == [to_self, ids[2]]
    assert [row.id for row in mail_views.messages(connection, None, 10, ids[2])] == [ids[1], ids[0]]
    assert [row.id for row in mail_views.messages(connection, "bob", 10, ids[1])] == [ids[0]]
    assert mail_views.messages(connection, "bob", 0, None) == ()


def test_a_list_of_large_messages_is_cut_at_what_a_line_carries(connection: sqlite3.Connection) -> None:
    for _ in range(9):
        send(connection, "x" * 250_000)
    assert 1 <= len(mail_views.recent(connection, "bob", 9)) < 9
