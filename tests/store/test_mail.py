"""The table of messages: order, leases, who may settle what, attempts, bounds, and what is forgotten when."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from attrs import evolve

from hyperhive.errors import InboxFull, Refused, UnknownAgent
from hyperhive.limits import MailLimits
from hyperhive.store import agents, dead_letters, leases, mail, mail_views
from hyperhive.store.mail import DEAD, DONE, LEASED, QUEUED, Post
from hyperhive.wire.codec import event_of_body
from hyperhive.wire.events import Bounced
from hyperhive.wire.names import EVERYONE, OPERATOR
from hyperhive.wire.states import MessageState

LIMITS = MailLimits(max_inbox=5, inbox_bytes=20, max_attempts=2)


@pytest.fixture(autouse=True)
def hive(connection: sqlite3.Connection) -> None:
    for name in ("alice", "bob", "carol"):
        agents.begin_start(connection, name)
        agents.is_running(connection, name)


def send(connection: sqlite3.Connection, body: str = "hi", to: str = "bob", sender: str = "alice") -> int:
    return mail.send(connection, Post(sender=sender, to=to, body=body, at=100), MailLimits()).id


def lease(connection: sqlite3.Connection, most: int = 9, number: int = 1) -> list[int]:
    return [letter.id for letter in leases.lease(connection, "bob", most, number)]


def state(connection: sqlite3.Connection, id_: int) -> tuple[int, bool, int]:
    row = connection.execute("SELECT state, redelivered, attempts FROM messages WHERE id = ?", (id_,)).fetchone()
    return row[0], bool(row[1]), row[2]


def bounces(connection: sqlite3.Connection, name: str) -> list[Bounced]:
    rows = connection.execute(
        "SELECT body FROM messages WHERE recipient = ? AND sender = 'system' ORDER BY id", (name,)
    )  # fmt: skip
    return [event for (body,) in rows if isinstance(event := event_of_body(body), Bounced)]


def requeue(connection: sqlite3.Connection, ids: list[int], *, spent: bool) -> list[tuple[int, str]]:
    return leases.requeue(connection, ids, 200, spent=spent, limits=LIMITS, why="it was put back")


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


def test_each_attempt_is_counted_and_the_last_makes_a_dead_letter(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    assert requeue(connection, [id_], spent=True) == []
    assert state(connection, id_) == (QUEUED, True, 1)
    lease(connection)
    ((told, whom),) = requeue(connection, [id_], spent=True)
    assert state(connection, id_) == (DEAD, True, 2)
    assert whom == "alice"
    assert told > id_
    assert bounces(connection, "alice") == [Bounced(id=id_, to="bob", reason="it was put back, 2 times")]
    assert lease(connection) == []


def test_what_is_put_back_unspent_never_dies(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    for number in range(5):
        lease(connection, number=number)
        assert requeue(connection, [id_], spent=False) == []
    assert state(connection, id_) == (QUEUED, True, 0)


@pytest.mark.parametrize("sender", [OPERATOR, "system", "reminder", "gone"])
def test_nobody_is_told_of_a_bounce_where_nobody_has_an_inbox(connection: sqlite3.Connection, sender: str) -> None:
    id_ = send(connection, sender=sender)
    assert dead_letters.bury(connection, [id_], "why", 200) == []
    assert state(connection, id_)[0] == DEAD


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


def test_a_dead_letter_is_queued_again_with_its_attempts_forgotten(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    requeue(connection, [id_], spent=True)
    dead_letters.bury(connection, [id_], "why", 200)
    assert dead_letters.revive(connection, id_, LIMITS) == "bob"
    assert state(connection, id_) == (QUEUED, True, 0)
    assert lease(connection) == [id_]


def kill(connection: sqlite3.Connection) -> int:
    id_ = send(connection, "x" * 15)
    dead_letters.bury(connection, [id_], "why", 200)
    return id_


def test_what_is_no_dead_letter_is_not_queued_again(connection: sqlite3.Connection) -> None:
    for id_ in (send(connection), 99):
        with pytest.raises(Refused, match=f"message {id_} is no dead letter"):
            dead_letters.revive(connection, id_, LIMITS)


def test_a_dead_letter_to_a_destroyed_agent_stays_one(connection: sqlite3.Connection) -> None:
    id_ = kill(connection)
    agents.is_destroyed(connection, "bob")
    with pytest.raises(UnknownAgent):
        dead_letters.revive(connection, id_, LIMITS)


@pytest.mark.parametrize("bodies", [[""] * 5, ["x" * 6]])
def test_a_dead_letter_is_not_queued_again_into_a_full_inbox(connection: sqlite3.Connection, bodies: list[str]) -> None:
    id_ = kill(connection)
    for body in bodies:
        send(connection, body)
    with pytest.raises(InboxFull):
        dead_letters.revive(connection, id_, LIMITS)


def test_a_purge_makes_everything_undone_a_dead_letter(connection: sqlite3.Connection) -> None:
    ids = [send(connection, str(number)) for number in range(4)]
    leases.lease(connection, "bob", 2, 1)
    leases.settle(connection, [(ids[0], 1)], 150)
    other = send(connection, to="carol")
    told = dead_letters.bury_inbox(connection, "bob", "'bob' was purged", 200)
    assert [state(connection, id_)[0] for id_ in ids] == [DONE, DEAD, DEAD, DEAD]
    assert state(connection, other)[0] == QUEUED
    assert {name for _, name in told} == {"alice"}
    assert {bounce.id for bounce in bounces(connection, "alice")} == set(ids[1:])


def test_a_late_settlement_does_not_wake_the_dead(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    dead_letters.bury(connection, [id_], "why", 200)
    leases.settle(connection, [(id_, 1)], 201)
    leases.put_back(connection, [(id_, 1)], shown=True)
    assert leases.acknowledge(connection, "bob", [id_], 201) == []
    assert state(connection, id_)[0] == DEAD


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
