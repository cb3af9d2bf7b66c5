"""Notices: told once of what comes to need somebody, tried again for a while, and never with anybody's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperhive.services.changes import Changes
from hyperhive.services.feed import Kind
from hyperhive.services.notices import MOST_WAITING, SOON, TRIES, Notice, Notices, NotSent
from hyperhive.store import agents
from hyperhive.wire.names import MANAGER, SYSTEM
from hyperhive.wire.states import OperationKind
from tests.bench import Bench


class Phone:
    """Where notices go; it takes none while it is `off`."""

    def __init__(self) -> None:
        self.off = False
        self.tried = 0
        self.told: list[Notice] = []

    async def take(self, notice: Notice) -> None:
        self.tried += 1
        if self.off:
            raise NotSent("nobody listens")
        self.told.append(notice)


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A hive whose operator is elsewhere."""
    made = Bench(tmp_path)
    made.add_agents("alice", "bob", MANAGER)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def notices(bench: Bench, phone: Phone) -> Iterator[Notices]:
    notices = Notices(Changes(bench.broker, bench.roster), bench.clock, phone.take)
    notices.startService()
    yield notices
    if notices.running:
        bench.get(notices.stopService())


def ask(bench: Bench, text: str = "a secret?") -> int:
    return bench.get(bench.questions.ask("alice", None, text, (), None, multi=False))


def test_a_question_is_told_once_and_without_its_words(bench: Bench, phone: Phone) -> None:
    id_ = ask(bench)
    assert phone.told == []
    bench.pass_time(SOON)
    assert phone.told == [Notice("A question waits", "alice asks", f"/questions/{id_}")]
    bench.broker.feed.publish(Kind.QUESTION, id_)
    bench.pass_time(SOON)
    assert len(phone.told) == 1


def test_what_is_settled_before_anybody_looked_is_not_told(bench: Bench, phone: Phone) -> None:
    id_ = ask(bench)
    bench.get(bench.questions.answer(id_, "operator", "yes", None, None))
    bench.pass_time(SOON)
    assert phone.told == []


def test_an_approval_is_told(bench: Bench, phone: Phone) -> None:
    approval = bench.get(bench.approvals.request_spawn("carol", "to look", MANAGER))
    bench.pass_time(SOON)
    assert phone.told == [Notice("An approval waits", "spawn of carol waits for a yes or no", f"/approvals/{approval}")]


def test_a_question_between_agents_needs_no_operator(bench: Bench, phone: Phone) -> None:
    bench.get(bench.questions.ask("alice", "bob", "well?", (), None, multi=False))
    bench.pass_time(SOON)
    assert phone.told == []


def test_an_agent_that_is_being_started_again_is_not_told_of(bench: Bench, phone: Phone) -> None:
    bench.do(lambda connection: agents.start_failed(connection, "bob", "exited with status 3", agents.RUNNING))
    bench.containers.crash("bob", "exited with status 3")
    started = bench.containers.hold("start bob")
    bench.get(bench.lifecycle.request("bob", OperationKind.START, SYSTEM))
    bench.broker.feed.publish(Kind.AGENT, "bob", "bob")
    bench.pass_time(SOON)
    assert phone.told == []
    started.callback(None)
    bench.settle()


def test_an_agent_that_has_failed_and_is_not_started_again_is_told_of(bench: Bench, phone: Phone) -> None:
    bench.do(lambda connection: agents.start_failed(connection, "bob", "exited with status 3", agents.RUNNING))
    bench.containers.crash("bob", "exited with status 3")
    bench.broker.feed.publish(Kind.AGENT, "bob", "bob")
    bench.pass_time(SOON)
    assert phone.told == [Notice("An agent is down", "bob has failed", "/agents/bob")]


def test_what_was_not_taken_is_tried_again_and_then_given_up(bench: Bench, phone: Phone) -> None:
    phone.off = True
    ask(bench)
    bench.pass_time(SOON)
    assert phone.tried == 1
    bench.pass_time(2)
    assert phone.tried == 2
    for _ in range(TRIES):
        bench.pass_time(300)
    assert phone.tried == TRIES
    phone.off = False
    id_ = ask(bench)
    bench.pass_time(SOON)
    assert [notice.path for notice in phone.told] == [f"/questions/{id_}"]


def test_only_so_many_wait_while_nobody_takes_them(bench: Bench, phone: Phone) -> None:
    phone.off = True
    for _ in range(MOST_WAITING + 50):
        id_ = ask(bench)
        bench.get(bench.questions.cancel(id_ - 1, "operator")) if id_ > 1 else None
        bench.pass_time(SOON)
    phone.off = False
    for _ in range(TRIES):
        bench.pass_time(300)
    assert 0 < len(phone.told) <= MOST_WAITING + 1


@pytest.mark.parametrize("tried", [0, 1])
def test_a_daemon_that_ends_tells_no_more(bench: Bench, phone: Phone, notices: Notices, tried: int) -> None:
    """Neither what it was about to tell nor what it was about to try again."""
    phone.off = True
    ask(bench)
    ask(bench)
    bench.pass_time(SOON * tried)
    assert phone.tried == tried
    bench.get(notices.stopService())
    phone.off = False
    ask(bench)
    for _ in range(TRIES):
        bench.pass_time(300)
    assert (phone.tried, phone.told) == (tried, [])
