"""The mailroom: searches that go through all mail in short changes, with an index and without."""

from __future__ import annotations

import sqlite3

import pytest

from hyperhive.errors import Refused
from hyperhive.services import mailroom
from hyperhive.services.mailroom import Found, Mailroom
from hyperhive.store import mail_search
from hyperhive.store.mail_search import Wanted, terms_of
from tests.bench import Bench


def find(bench: Bench, query: str, before: int | None = None, most: int = 10) -> Found:
    return bench.get(Mailroom(bench.broker).find(Wanted(terms=terms_of(query)), before, most))


def test_a_search_brings_the_index_up_to_date_slice_by_slice(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_search, "SEEN_AT_ONCE", 3)
    monkeypatch.setattr(mail_search.index, "__defaults__", (2,))
    ids = [bench.send("alice", "bob", f"word {number}") for number in range(7)]
    assert [row.id for row in find(bench, "word").rows] == ids[::-1]
    later = bench.send("alice", "bob", "another word")
    found = find(bench, "word")
    assert [row.id for row in found.rows] == [later, *ids[::-1]]
    assert (found.before, found.note) == (None, None)


def test_a_search_goes_on_where_it_ended(bench: Bench) -> None:
    ids = [bench.send("alice", "bob", f"word {number}") for number in range(5)]
    seen: list[int] = []
    before: int | None = None
    for _ in range(3):
        found = find(bench, "word", before, most=2)
        seen += [row.id for row in found.rows]
        before = found.before
    assert seen == ids[::-1]


def test_where_sqlite_has_no_index_the_last_messages_are_searched_and_that_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_search, "_knows_fts5", lambda _: False)
    monkeypatch.setattr(mail_search, "SEEN_WITHOUT_INDEX", 2)
    bench.send("alice", "bob", "a word long ago")
    ids = [bench.send("alice", "bob", "a word"), bench.send("alice", "bob", "another Word")]
    found = find(bench, "word")
    assert [row.id for row in found.rows] == ids[::-1]
    assert found.before is None
    assert found.note == mailroom.NO_INDEX


@pytest.mark.parametrize("step", ["has_index", "index"])
def test_on_a_full_disk_the_last_messages_are_searched_and_that_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def no_room(_: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    id_ = bench.send("alice", "bob", "a word")
    monkeypatch.setattr(mail_search, step, no_room)
    found = find(bench, "word")
    assert [row.id for row in found.rows] == [id_]
    assert found.note == mailroom.STALE_INDEX


def test_there_is_nothing_to_open_where_there_is_no_message(bench: Bench) -> None:
    id_ = bench.send("alice", "bob", "hello")
    assert bench.get(Mailroom(bench.broker).open(id_)).message.body == "hello"
    with pytest.raises(Refused, match="there is no message 99, or it was done long ago"):
        bench.get(Mailroom(bench.broker).open(99))
