"""Reminders: when they come, what is refused, and what becomes of them when daemon or agent are away."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hyperhive.errors import InboxFull, Refused
from hyperhive.limits import LONGEST_TTL, MOST_REMINDERS, MailLimits
from hyperhive.services.alarm import AGAIN, LONGEST_NAP
from hyperhive.services.reminders import LARGEST_DELIVERY
from hyperhive.store import reminders as table
from hyperhive.wire.names import REMINDER
from hyperhive.wire.records import OpenThread
from hyperhive.wire.states import OperationKind
from tests.bench import Bench
from tests.fakes import NOW


@pytest.fixture(autouse=True)
def running(bench: Bench) -> Any:
    bench.reminders.startService()
    yield
    bench.reminders.stopService()


def remind(bench: Bench, message: str = "look", delay: int | None = None, at: int | None = None) -> int:
    return bench.get(bench.reminders.remind("alice", message, delay, at))


def reminded(bench: Bench, name: str = "alice") -> list[str]:
    """What is taken from the inbox, all of it reminders."""
    letters = bench.taken(name)
    assert {letter.sender for letter in letters} <= {REMINDER}
    return [letter.body for letter in letters]


def test_a_reminder_comes_when_it_is_due_to_somebody_who_waits(bench: Bench) -> None:
    assert remind(bench, "look again", delay=60) == 1
    waiting = bench.receive("alice", 1, 100)
    bench.pass_time(59)
    assert not waiting.called
    bench.pass_time(1)
    (letter,) = bench.get(waiting).letters
    assert (letter.sender, letter.body, letter.at) == (REMINDER, "look again", NOW + 60)


def test_a_reminder_can_be_for_a_time_and_one_in_the_past_is_due_at_once(bench: Bench) -> None:
    remind(bench, "later", at=NOW + 10)
    remind(bench, "long ago", at=-5)
    remind(bench, "now", delay=0)
    assert reminded(bench) == ["long ago", "now"]
    bench.pass_time(10)
    assert reminded(bench) == ["later"]


def test_reminders_come_in_the_order_in_which_they_are_due(bench: Bench) -> None:
    for seconds in (30, 10, 20):
        remind(bench, str(seconds), delay=seconds)
    bench.reminders.stopService()
    bench.pass_time(60)
    bench.reminders.startService()
    bench.settle()
    assert reminded(bench) == ["10", "20", "30"]


def test_a_reminder_that_lies_beyond_the_longest_nap_comes_too(bench: Bench) -> None:
    remind(bench, delay=int(LONGEST_NAP) + 100)
    bench.pass_time(LONGEST_NAP)
    assert reminded(bench) == []
    bench.pass_time(100)
    assert reminded(bench) == ["look"]


def test_many_that_are_due_come_in_several_deliveries(bench: Bench) -> None:
    for name in ("alice", "bob"):
        for _ in range(LARGEST_DELIVERY - 20):
            bench.get(bench.reminders.remind(name, "look", 60, None))
    bench.pass_time(60)
    assert [bench.get(bench.broker.unread(name)) for name in ("alice", "bob")] == [80, 80]


def test_an_inbox_that_has_filled_since_takes_a_reminder_and_a_full_one_no_further_request(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits=MailLimits(max_inbox=1))
    bench.add_agents("alice", "bob")
    bench.reminders.startService()
    remind(bench, delay=60)
    bench.send("bob", "alice", "one")
    bench.pass_time(60)
    assert bench.get(bench.broker.unread("alice")) == 2
    with pytest.raises(InboxFull):
        remind(bench, delay=0)
    bench.reminders.stopService()
    bench.close()


def test_a_reminder_is_due_after_a_restart_of_the_daemon(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add_agents("alice")
    bench.reminders.startService()
    remind(bench, "soon", delay=60)
    remind(bench, "later", delay=600)
    bench.reminders.stopService()
    bench.pass_time(100)
    assert bench.states() == []
    bench.close()
    again = Bench(tmp_path)
    again.clock.advance(100)
    again.reminders.startService()
    again.settle()
    assert reminded(again) == ["soon"]
    again.pass_time(500)
    assert reminded(again) == ["later"]
    again.reminders.stopService()
    again.close()


def test_what_could_not_be_delivered_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    remind(bench, delay=60)
    with monkeypatch.context() as full:
        full.setattr(table, "deliver", no_room)
        bench.pass_time(60)
    # A full disk is no fault of ours: the fixture that looks for tracebacks in the log finds none here.
    bench.pass_time(AGAIN - 1)
    assert reminded(bench) == []
    bench.pass_time(1)
    assert reminded(bench) == ["look"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"message": " \n", "delay": 1}, "'message' is empty; it must say what you are to be reminded of"),
        ({"delay": LONGEST_TTL + 1}, f"'delay_seconds' {LONGEST_TTL + 1} is too far away; a reminder lies at most"),
        ({"delay": 2**64 - 1}, "'delay_seconds' 18446744073709551615 is too far away"),
        ({"at": NOW + LONGEST_TTL + 1}, f"'at' {NOW + LONGEST_TTL + 1} is too far away"),
        ({"at": 2**63 - 1}, "'at' 9223372036854775807 is too far away"),
    ],
)
def test_what_can_be_no_reminder_is_refused(bench: Bench, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        remind(bench, **given)
    assert sentence in str(refused.value)
    assert bench.get(bench.roster.open_threads("alice")) == ()


def test_an_agent_has_only_so_many_reminders_ahead(bench: Bench) -> None:
    for _ in range(MOST_REMINDERS):
        remind(bench, delay=60)
    with pytest.raises(Refused, match="alice has 100 reminders ahead, the most there may be"):
        remind(bench, delay=60)
    bench.get(bench.reminders.remind("bob", "look", 60, None))
    bench.pass_time(60)
    remind(bench, delay=60)


def test_a_reminder_is_among_what_the_agent_owes(bench: Bench) -> None:
    id_ = remind(bench, "look again", delay=60)
    assert bench.get(bench.roster.open_threads("alice")) == (
        OpenThread(
            direction="owes", kind="reminder", id=id_, peer=REMINDER, text="look again", since=NOW, deadline_at=NOW + 60
        ),
    )
    assert bench.get(bench.roster.open_threads("bob")) == ()


def test_a_destroyed_agent_finds_its_reminders_when_it_returns(bench: Bench) -> None:
    remind(bench, "one", delay=60)
    remind(bench, "two", delay=100)
    bench.operate("alice", OperationKind.DESTROY)
    bench.pass_time(60)
    bench.operate("alice", OperationKind.SPAWN)
    assert reminded(bench) == ["one"]
    bench.pass_time(40)
    assert reminded(bench) == ["two"]


def test_a_purged_agent_has_no_reminders(bench: Bench) -> None:
    remind(bench, delay=60)
    bench.operate("alice", OperationKind.DESTROY, flag=True)
    bench.operate("alice", OperationKind.SPAWN)
    bench.pass_time(60)
    assert reminded(bench) == []
