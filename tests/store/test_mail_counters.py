"""Whatever happens to messages, an inbox's counters say what is in it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hyperhive.errors import HiveError
from hyperhive.limits import MailLimits
from hyperhive.store import agents, dead_letters, held, leases, mail
from hyperhive.store.mail import Post
from hyperhive.store.schema import open_database
from hyperhive.wire.names import EVERYONE

NAMES = st.sampled_from(["alice", "bob"])
IDS = st.lists(st.integers(1, 30), max_size=6)
LIMITS = MailLimits(max_inbox=6, inbox_bytes=40, max_attempts=2, thread_hops=2, thread_rate=3)


class Mail(RuleBasedStateMachine):
    """Everything that moves a message, in any order, its arguments right or wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.connection = open_database(Path(self.directory.name, "broker.sqlite"))
        self.connection.execute("PRAGMA synchronous = OFF")
        for name in ("alice", "bob"):
            agents.begin_start(self.connection, name)
            agents.is_running(self.connection, name)
        self.number = 0

    def teardown(self) -> None:
        self.connection.close()
        self.directory.cleanup()

    @rule(
        sender=NAMES,
        to=st.sampled_from(["alice", "bob", EVERYONE, "nobody"]),
        body=st.text(max_size=12),
        cause=st.none() | st.integers(1, 10),
    )
    def send(self, sender: str, to: str, body: str, cause: int | None) -> None:
        text = body.encode(errors="replace").decode()
        post = Post(sender=sender, to=to, body=text, at=1, in_reply_to=cause)
        try:
            if to == EVERYONE:
                mail.send_to_all(self.connection, post, LIMITS)
            else:
                mail.send(self.connection, post, LIMITS)
        except HiveError:
            return

    @rule(name=NAMES, most=st.integers(1, 4))
    def lease(self, name: str, most: int) -> None:
        self.number += 1
        leases.lease(self.connection, name, most, self.number)

    @rule(ids=IDS, number=st.integers(0, 20), shown=st.booleans())
    def put_back(self, ids: list[int], number: int, shown: bool) -> None:  # noqa: FBT001
        leases.put_back(self.connection, [(id_, number) for id_ in ids], shown=shown)

    @rule(ids=IDS, number=st.integers(0, 20))
    def settle(self, ids: list[int], number: int) -> None:
        leases.settle(self.connection, [(id_, number) for id_ in ids], 2)

    @rule(name=NAMES, ids=IDS)
    def acknowledge(self, name: str, ids: list[int]) -> None:
        leases.acknowledge(self.connection, name, ids, 2)

    @rule(name=NAMES, spent=st.booleans())
    def requeue(self, name: str, spent: bool) -> None:  # noqa: FBT001
        ids = leases.leased(self.connection, name)
        leases.requeue(self.connection, ids, 2, spent=spent, limits=LIMITS, why="why")

    @rule()
    def die_and_come_back(self) -> None:
        leases.requeue_all(self.connection)

    @rule(name=NAMES)
    def purge(self, name: str) -> None:
        dead_letters.bury_inbox(self.connection, name, "why", 2)
        held.bury_held(self.connection, name, "why", 2)

    @rule(id_=st.integers(1, 30))
    def revive(self, id_: int) -> None:
        try:
            dead_letters.revive(self.connection, id_, LIMITS)
        except HiveError:
            return

    @rule(thread=st.integers(1, 10))
    def release(self, thread: int) -> None:
        try:
            held.release(self.connection, thread, 2)
        except HiveError:
            return

    @rule()
    def sweep(self) -> None:
        mail.sweep(self.connection, 0, 3, 5)

    @invariant()
    def counters_are_right(self) -> None:
        counted = self.connection.execute(
            """
            SELECT name, count(messages.id), coalesce(sum(length(CAST(body AS BLOB))), 0)
            FROM agents LEFT JOIN messages ON recipient = name AND messages.state = 0 GROUP BY name ORDER BY name
            """
        ).fetchall()
        kept = self.connection.execute("SELECT name, queued, queued_bytes FROM agents ORDER BY name").fetchall()
        assert kept == counted

    @invariant()
    def what_is_held_can_be_released(self) -> None:
        threads = self.connection.execute("SELECT DISTINCT thread FROM messages WHERE state = 4 ORDER BY thread")
        assert {thread for (thread,) in threads} == {row.thread for row in held.listed(self.connection)}


TestCounters = Mail.TestCase
TestCounters.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
