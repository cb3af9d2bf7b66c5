"""SIGKILL to the daemon in the middle of work: what it promised holds, and nothing comes twice unmarked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Semaphore, Thread

import pytest

from tests.daemon.client import PATIENCE, Answer, Client, line, take_all
from tests.daemon.harness import Daemon, Hive

SENDS = 1000


class Progress:
    """Counts what several threads get done."""

    def __init__(self) -> None:
        self._done = Semaphore(0)

    def more(self, count: int = 1) -> None:
        """So many more are done."""
        self._done.release(count)

    def wait_for(self, count: int) -> None:
        """Return when so many are done."""
        for _ in range(count):
            assert self._done.acquire(timeout=PATIENCE)


def until_the_end(work: Callable[[], None]) -> Thread:
    """A thread that works until the daemon is gone."""

    def run() -> None:
        with suppress(EOFError, ConnectionError):
            work()

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread


def kill_at(daemon: Daemon, progress: Progress, count: int, threads: list[Thread]) -> None:
    """SIGKILL when so much is done; returns when all have noticed."""
    progress.wait_for(count)
    daemon.kill()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def send_one_by_one(client: Client, bodies: list[str], promised: list[str], progress: Progress) -> None:
    for body in bodies:
        assert client.ask("send", to="bob", body=body)["kind"] == "ok"
        promised.append(body)
        progress.more()


def send_ahead(client: Client, bodies: list[str], promised: list[str], progress: Progress) -> None:
    client.write(b"".join(line("send", to="bob", body=body) for body in bodies))
    for body in bodies:
        assert client.hear()["kind"] == "ok"
        promised.append(body)
        progress.more()


@pytest.mark.parametrize("done", [1, 150, 400])
def test_every_send_that_was_answered_is_delivered_once(hive: Hive, done: int) -> None:
    daemon = hive.start()
    for name in ("alice", "bob"):
        assert hive.host().ask("spawn", name=name)["ok"]
    promised: list[str] = []
    progress = Progress()
    threads = []
    for sender, how in enumerate((send_one_by_one, send_one_by_one, send_ahead, send_ahead)):
        bodies = [f"{sender} {number:03}" for number in range(SENDS // 4)]
        client = hive.agent("alice")
        threads.append(until_the_end(lambda how=how, c=client, b=bodies: how(c, b, promised, progress)))  # type: ignore[misc]
    kill_at(daemon, progress, done, threads)
    assert done <= len(promised) < SENDS

    hive.start()
    rows = take_all(hive.agent("bob"))
    delivered = Counter(row["body"] for row in rows)
    assert not set(promised) - set(delivered)
    assert max(delivered.values()) == 1
    assert not any(row["redelivered"] for row in rows)
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    for digit in "0123":
        of_sender = [row["body"] for row in rows if row["body"][0] == digit]
        assert of_sender == sorted(of_sender), "each sender's mail keeps its order"


class Taker:
    """Takes mail until the daemon is gone, and remembers what it was given and what was settled for good."""

    def __init__(self, client: Client, progress: Progress) -> None:
        self.client = client
        self.progress = progress
        self.given: list[Answer] = []
        self.settled: set[int] = set()

    def one_by_one(self) -> None:
        """The seed's form; each request settles what the last one brought."""
        while True:
            self._note(self.client.ask("recv"))

    def ahead(self) -> None:
        """The seed's form, with requests sent ahead."""
        self.client.write(line("recv") * 400)
        while True:
            self._note(self.client.hear())

    def in_batches(self) -> None:
        """Up to seven at once, acknowledged by number."""
        while True:
            self._acknowledge(self.client.ask("recv", max=7)["messages"], by_number=True)

    def in_batches_at_large(self) -> None:
        """Up to seven at once, acknowledged as what was read."""
        while True:
            self._acknowledge(self.client.ask("recv", max=7)["messages"], by_number=False)

    def _acknowledge(self, rows: list[Answer], *, by_number: bool) -> None:
        self.given += rows
        ids = [row["id"] for row in rows]
        answer = self.client.ask("ack_turn", ids=ids) if by_number else self.client.ask("ack_turn")
        assert answer["count"] >= len(rows) or not by_number
        self.settled.update(ids)
        self.progress.more(len(rows))

    def _note(self, answer: Answer) -> None:
        if answer["kind"] == "message":
            self.given.append(answer)
            self.progress.more()


@pytest.mark.parametrize(
    ("ways", "done"),
    [
        pytest.param((Taker.one_by_one, Taker.one_by_one, Taker.ahead), 1, id="one at a time, at once"),
        pytest.param((Taker.one_by_one, Taker.one_by_one, Taker.ahead), 130, id="one at a time"),
        pytest.param((Taker.in_batches, Taker.in_batches), 130, id="in batches"),
        pytest.param((Taker.in_batches_at_large,), 130, id="in batches acknowledged at large"),
        pytest.param((Taker.one_by_one, Taker.ahead, Taker.in_batches), 130, id="in both forms at once"),
    ],
)
def test_mail_that_was_being_taken_comes_again_marked(
    hive: Hive, ways: tuple[Callable[[Taker], None], ...], done: int
) -> None:
    daemon = hive.start()
    for name in ("alice", "bob"):
        assert hive.host().ask("spawn", name=name)["ok"]
    alice = hive.agent("alice")
    alice.write(b"".join(line("send", to="bob", body=str(number)) for number in range(300)))
    sent = {alice.hear()["id"] for _ in range(300)}

    progress = Progress()
    takers = [Taker(hive.agent("bob"), progress) for _ in ways]
    threads = [
        until_the_end(lambda way=way, taker=taker: way(taker))  # type: ignore[misc]
        for way, taker in zip(ways, takers, strict=True)
    ]
    kill_at(daemon, progress, done, threads)
    before = [row for taker in takers for row in taker.given]
    settled = {id_ for taker in takers for id_ in taker.settled}
    assert not any(row.get("redelivered") for row in before)
    assert len({row["id"] for row in before}) == len(before)

    hive.start()
    after = take_all(hive.agent("bob"))
    assert {row["id"] for row in before} | {row["id"] for row in after} == sent
    assert len({row["id"] for row in after}) == len(after)
    again = {row["id"] for row in before} & {row["id"] for row in after}
    assert all(row["redelivered"] for row in after if row["id"] in again)
    assert not settled & again
    assert [row["id"] for row in after] == sorted(row["id"] for row in after)


def test_after_an_orderly_end_only_what_was_not_settled_comes_again(hive: Hive) -> None:
    daemon = hive.start()
    assert hive.host().ask("spawn", name="bob")["ok"]
    for number in range(3):
        assert hive.manager().ask("send", to="bob", body=str(number))["kind"] == "ok"
    with hive.agent("bob") as bob:
        assert [bob.ask("recv")["body"] for _ in range(2)] == ["0", "1"]
        assert bob.ask("status") == {"kind": "status", "unread": 1}
        (held,) = bob.ask("recv", max=1)["messages"]
        daemon.terminate()
        assert bob.hears_the_end()
    hive.start()
    assert [(row["id"], row["redelivered"]) for row in take_all(hive.agent("bob"))] == [(held["id"], True)]


def test_a_turn_can_be_acknowledged_to_the_next_daemon_by_number(hive: Hive) -> None:
    daemon = hive.start()
    assert hive.host().ask("spawn", name="bob")["ok"]
    for number in range(4):
        assert hive.manager().ask("send", to="bob", body=str(number))["kind"] == "ok"
    held = [row["id"] for row in hive.agent("bob").ask("recv", max=3)["messages"]]
    daemon.kill()

    daemon = hive.start()
    bob = hive.agent("bob")
    assert bob.ask("status")["unread"] == 4
    assert bob.ask("ack_turn")["count"] == 0
    assert bob.ask("ack_turn", ids=held[:2]) == {"kind": "ok", "count": 2}
    daemon.kill()

    hive.start()
    rows = take_all(hive.agent("bob"))
    assert [(row["body"], row["redelivered"]) for row in rows] == [("2", True), ("3", False)]


def test_another_start_of_the_agent_can_not_acknowledge_what_the_last_one_held(hive: Hive) -> None:
    daemon = hive.start()
    host = hive.host()
    assert host.ask("spawn", name="bob")["ok"]
    assert host.ask("send", to="bob", body="for you")["ok"]
    (held,) = hive.agent("bob").ask("recv", max=1)["messages"]
    assert host.ask("restart", name="bob")["ok"]
    daemon.kill()
    hive.start()
    bob = hive.agent("bob")
    assert bob.ask("ack_turn", ids=[held["id"]])["count"] == 0
    assert [row["id"] for row in take_all(bob)] == [held["id"]]
