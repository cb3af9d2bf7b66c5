"""Who gets which message, when several wait, some leave, and time runs out."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from hyperhive.errors import DatabaseTrouble, InboxFull, UnknownAgent
from hyperhive.limits import MailLimits
from hyperhive.services.inboxes import Take
from hyperhive.store.mail import Post
from tests.bench import Bench
from tests.fakes import HandWorker


def bodies(taken: Deferred[Take]) -> list[str] | None:
    """The messages that a receiver got; None while it waits."""
    found: list[Take] = []

    def keep(take: Take) -> Take:
        found.append(take)
        return take

    taken.addCallback(keep)
    return [letter.body for letter in found[0].letters] if found else None


class Cranked:
    """Services whose database is cranked by hand."""

    def __init__(self, path: Path) -> None:
        self.worker = HandWorker()
        self.bench = Bench(path)
        self.bench.add_agents("alice", "bob")
        self.bench.database._worker = self.worker

    def send(self, body: str) -> None:
        self.bench.broker.send(Post(sender="alice", to="bob", body=body, at=1))

    def crank(self) -> None:
        self.bench.settle()
        while self.worker.jobs:
            self.worker.step()
            self.bench.settle()


@pytest.fixture
def cranked(tmp_path: Path) -> Cranked:
    return Cranked(tmp_path)


def test_mail_that_waits_is_handed_out_at_once(bench: Bench) -> None:
    bench.send("alice", "bob", "one")
    assert [letter.body for letter in bench.taken("bob")] == ["one"]


def test_a_receiver_is_woken_by_the_next_send(bench: Bench) -> None:
    waiting = bench.receive("bob", 1, 30)
    bench.settle()
    assert bodies(waiting) is None
    bench.send("alice", "bob", "one")
    assert bodies(waiting) == ["one"]
    assert len(bench.clock.getDelayedCalls()) == 1  # the leases' own


def test_two_receivers_and_one_message(bench: Bench) -> None:
    first, second = bench.receive("bob", 1, 30), bench.receive("bob", 1, 40)
    bench.settle()
    bench.send("alice", "bob", "one")
    assert (bodies(first), bodies(second)) == (["one"], None)
    bench.pass_time(39)
    assert bodies(second) is None
    bench.pass_time(1)
    assert bodies(second) == []


def test_receivers_are_served_in_the_order_of_asking(bench: Bench) -> None:
    receivers = [bench.receive("bob", most, 30) for most in (1, 2, 5)]
    for number in range(5):
        bench.broker.send(Post(sender="alice", to="bob", body=str(number), at=1))
    bench.settle()
    assert [bodies(receiver) for receiver in receivers] == [["0"], ["1", "2"], ["3", "4"]]


def test_a_receiver_that_can_not_wait_is_answered_with_nothing(bench: Bench) -> None:
    assert bench.taken("bob") == []
    empty = bench.receive("bob", 1, 0)
    assert bodies(empty) == []


def test_a_receiver_that_can_not_wait_still_gets_what_is_there(cranked: Cranked) -> None:
    cranked.send("one")
    now = cranked.bench.receive("bob", 1, 0)
    assert bodies(now) is None
    cranked.crank()
    assert bodies(now) == ["one"]


def test_who_leaves_while_waiting_frees_the_place(bench: Bench) -> None:
    gone, here = bench.receive("bob", 1, 30), bench.receive("bob", 1, 30)
    bench.settle()
    gone.cancel()
    gone.addErrback(lambda reason: reason.trap(CancelledError))
    bench.send("alice", "bob", "one")
    assert bodies(here) == ["one"]


def test_who_leaves_in_the_middle_of_a_take_loses_nothing(cranked: Cranked) -> None:
    cranked.send("one")
    gone = cranked.bench.receive("bob", 1, 30)
    cranked.bench.settle()
    gone.cancel()
    gone.addErrback(lambda reason: reason.trap(CancelledError))
    cranked.crank()
    again = cranked.bench.receive("bob", 1, 0)
    cranked.crank()
    assert bodies(again) == ["one"]


def test_what_was_leased_for_who_left_in_the_middle_of_a_take_is_not_marked(cranked: Cranked) -> None:
    cranked.send("one")
    gone = cranked.bench.receive("bob", 1, 30)
    cranked.bench.settle()
    gone.cancel()
    gone.addErrback(lambda reason: reason.trap(CancelledError))
    cranked.crank()
    again = cranked.bench.receive("bob", 1, 0)
    cranked.crank()
    take: Take = again.result  # type: ignore[assignment]
    assert [(letter.body, letter.redelivered) for letter in take.letters] == [("one", False)]


@pytest.mark.parametrize("seconds", [0, 30])
def test_where_batches_do_not_fit_order_holds_and_nobody_is_skipped(cranked: Cranked, seconds: int) -> None:
    for number in range(8):
        cranked.send(str(number))
    receivers = [
        cranked.bench.broker.inboxes.receive("bob", most, seconds, lambda letters: min(len(letters), 3))[1]
        for most in (4, 4, 8)
    ]
    cranked.crank()
    taken: list[Take] = [receiver.result for receiver in receivers]  # type: ignore[misc]
    # The first take is for the first receiver alone, and the fourth message is what it had no room for.
    assert [[letter.body for letter in take.letters] for take in taken] == [["0", "1", "2"], ["3"], ["4", "5", "6"]]
    assert not any(letter.redelivered for take in taken for letter in take.letters)


@pytest.mark.parametrize("seconds", [0, 30])
def test_what_fits_nobodys_batch_waits_for_the_next_in_its_place(cranked: Cranked, seconds: int) -> None:
    for number in range(5):
        cranked.send(str(number))
    heard: list[str] = []
    while len(heard) < 5:
        _, taken = cranked.bench.broker.inboxes.receive("bob", 4, seconds, lambda letters: min(len(letters), 2))
        cranked.crank()
        take: Take = taken.result  # type: ignore[assignment]
        assert take.letters
        assert not any(letter.redelivered for letter in take.letters)
        heard += [letter.body for letter in take.letters]
    assert heard == ["0", "1", "2", "3", "4"]


def test_order_holds_for_who_leaves_in_the_middle_and_asks_again_at_once(cranked: Cranked) -> None:
    for body in ("one", "two", "three"):
        cranked.send(body)
    gone = cranked.bench.receive("bob", 2, 30)
    cranked.bench.settle()
    gone.cancel()
    gone.addErrback(lambda reason: reason.trap(CancelledError))
    again = cranked.bench.receive("bob", 1, 30)
    cranked.send("four")
    cranked.crank()
    rest = cranked.bench.receive("bob", 9, 0)
    cranked.crank()
    assert (bodies(again), bodies(rest)) == (["one"], ["two", "three", "four"])


def test_order_holds_for_who_asks_while_mail_is_put_back(cranked: Cranked) -> None:
    for body in ("one", "two"):
        cranked.send(body)
    first = cranked.bench.receive("bob", 1, 30)
    cranked.crank()
    take: Take = first.result  # type: ignore[assignment]
    again = cranked.bench.receive("bob", 1, 30)
    cranked.bench.broker.inboxes.put_back("bob", take.held, shown=True)
    cranked.crank()
    rest = cranked.bench.receive("bob", 9, 0)
    cranked.crank()
    assert (bodies(again), bodies(rest)) == (["one"], ["two"])


def test_a_message_that_comes_during_a_take_is_not_forgotten(cranked: Cranked) -> None:
    waiting = cranked.bench.receive("bob", 1, 30)
    cranked.bench.settle()
    cranked.send("one")
    cranked.crank()
    assert bodies(waiting) == ["one"]


def test_time_that_runs_out_during_a_take_costs_no_message(cranked: Cranked) -> None:
    waiting = cranked.bench.receive("bob", 1, 5)
    cranked.crank()
    cranked.send("one")
    cranked.bench.settle()
    cranked.bench.clock.advance(5)
    assert bodies(waiting) is None
    cranked.crank()
    assert bodies(waiting) == ["one"]


def test_a_hurried_receiver_gets_what_a_take_under_way_brings(cranked: Cranked) -> None:
    cranked.send("one")
    receiver, waiting = cranked.bench.broker.inboxes.receive("bob", 1, 30)
    cranked.bench.settle()
    cranked.bench.broker.inboxes.hurry("bob", receiver)
    assert bodies(waiting) is None
    cranked.crank()
    assert bodies(waiting) == ["one"]


def test_a_hurried_receiver_is_answered_with_nothing(bench: Bench) -> None:
    receiver, waiting = bench.broker.inboxes.receive("bob", 1, 30)
    bench.settle()
    bench.broker.inboxes.hurry("bob", receiver)
    assert bodies(waiting) == []
    bench.broker.inboxes.hurry("bob", receiver)


def test_a_take_that_fails_is_told_and_the_next_goes_through(cranked: Cranked) -> None:
    cranked.send("one")
    cranked.crank()
    cranked.bench.database._connection.execute("ALTER TABLE messages RENAME TO away")
    waiting = cranked.bench.receive("bob", 1, 30)
    failures: list[Failure] = []
    waiting.addErrback(failures.append)
    cranked.crank()
    assert failures[0].check(DatabaseTrouble)
    cranked.bench.database._connection.execute("ALTER TABLE away RENAME TO messages")
    again = cranked.bench.receive("bob", 1, 30)
    cranked.crank()
    assert bodies(again) == ["one"]


def test_what_can_not_be_put_back_is_tried_again(cranked: Cranked, logged: list[Failure]) -> None:
    cranked.send("one")
    taken = cranked.bench.receive("bob", 1, 30)
    cranked.crank()
    take: Take = taken.result  # type: ignore[assignment]
    cranked.bench.database._connection.execute("ALTER TABLE messages RENAME TO away")
    cranked.bench.broker.inboxes.put_back("bob", take.held, shown=True)
    cranked.crank()
    assert logged.pop().check(DatabaseTrouble)
    cranked.bench.database._connection.execute("ALTER TABLE away RENAME TO messages")
    cranked.bench.broker.inboxes.try_again()
    again = cranked.bench.receive("bob", 1, 30)
    cranked.crank()
    assert bodies(again) == ["one"]


def test_a_refused_message_leaves_its_recipient_waiting(bench: Bench) -> None:
    waiting = bench.receive("bob", 1, 30)
    with pytest.raises(UnknownAgent):
        bench.send("alice", "nobody", "one")
    assert bodies(waiting) is None
    waiting.cancel()
    waiting.addErrback(lambda reason: reason.trap(CancelledError))


def test_a_message_to_everyone_is_sent_to_all_or_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path, MailLimits(max_inbox=1))
    bench.add_agents("alice", "bob", "carol")
    waiting = bench.receive("bob", 9, 30)
    bench.send("alice", "carol", "full")
    with pytest.raises(InboxFull):
        bench.send("alice", "*", "hello")
    assert bodies(waiting) is None
    assert len(bench.states()) == 1
    bench.taken("carol")
    ids = bench.get(bench.broker.send(Post(sender="alice", to="*", body="hello", at=1)))
    assert len(ids) == 2
    assert bodies(waiting) == ["hello"]
    bench.close()


def test_the_sender_hears_of_it_before_the_recipient_has_it(bench: Bench) -> None:
    order: list[str] = []
    bench.receive("bob", 1, 30).addCallback(lambda _: order.append("received"))
    bench.broker.send(Post(sender="alice", to="bob", body="", at=1)).addCallback(lambda _: order.append("sent"))
    bench.settle()
    assert order == ["sent", "received"]


def test_the_mail_of_a_paused_agent_waits_for_it_to_go_on(bench: Bench) -> None:
    bench.get(bench.roster.set_paused("bob", paused=True))
    bench.send("alice", "bob", "one")
    waiting = bench.receive("bob", 1, 30)
    bench.settle()
    assert bodies(waiting) is None
    assert bench.get(bench.broker.unread("bob")) == 1
    bench.get(bench.roster.set_paused("bob", paused=False))
    assert bodies(waiting) == ["one"]


def test_who_waits_while_paused_is_answered_with_nothing_in_time(bench: Bench) -> None:
    bench.get(bench.roster.set_paused("bob", paused=True))
    bench.send("alice", "bob", "one")
    waiting = bench.receive("bob", 1, 30)
    bench.settle()
    bench.pass_time(30)
    assert bodies(waiting) == []
