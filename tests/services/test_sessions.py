"""Links and sessions: how they begin, and by what they end."""

from __future__ import annotations

import sqlite3

import pytest
from twisted.internet.defer import Deferred

from hyperhive.errors import DatabaseTrouble, Refused
from hyperhive.limits import LINK_SECONDS, MOST_LINKS, SESSION_IDLE, SESSION_SECONDS
from hyperhive.services.sessions import LABEL_BYTES, Sessions
from hyperhive.store import sessions as table
from tests.bench import Bench
from tests.fakes import NOW

USED = "this link was used already, or is older than a minute; 'hivectl dashboard' makes a new one"


@pytest.fixture
def sessions(bench: Bench) -> Sessions:
    return Sessions(bench.broker)


def opened(bench: Bench, sessions: Sessions, *, read_only: bool = False) -> str:
    """The key of a new session."""
    return bench.get(sessions.open(sessions.link(read_only=read_only), "a browser"))


def test_a_link_opens_one_session_and_then_none(bench: Bench, sessions: Sessions) -> None:
    word = sessions.link(read_only=False)
    key = bench.get(sessions.open(word, "a browser"))
    session = bench.get(sessions.of(key))
    assert session is not None
    assert (session.client, session.read_only, session.opened_at) == ("a browser", False, NOW)
    with pytest.raises(Refused, match=USED):
        bench.get(sessions.open(word, "another"))


def test_a_link_that_could_not_be_opened_is_still_good(
    bench: Bench, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    word = sessions.link(read_only=True)
    with monkeypatch.context() as full:
        full.setattr(table, "add", no_room)
        with pytest.raises(DatabaseTrouble, match="nothing was changed"):
            bench.get(sessions.open(word, "a browser"))
    session = bench.get(sessions.of(bench.get(sessions.open(word, "a browser"))))
    assert session is not None
    assert session.read_only


def test_the_label_of_the_consoles_name_is_made_once(bench: Bench, sessions: Sessions) -> None:
    label = bench.get(sessions.label())
    assert len(label) == 2 * LABEL_BYTES
    assert bench.get(Sessions(bench.broker).label()) == label


def test_a_label_that_cant_be_written_down_keeps_nobody_out(bench: Bench, sessions: Sessions) -> None:
    bench.do(lambda connection: connection.execute("PRAGMA query_only = ON"))
    assert len(bench.get(sessions.label())) == 2 * LABEL_BYTES


def test_of_two_who_open_a_link_at_once_one_is_let_in(bench: Bench, sessions: Sessions) -> None:
    word = sessions.link(read_only=False)
    both = [Deferred.fromCoroutine(sessions.open(word, name)) for name in ("one", "two")]
    bench.settle()
    assert bench.get(sessions.of(bench.get(both[0]))) is not None
    with pytest.raises(Refused, match=USED):
        bench.get(both[1])
    assert [session.client for session in bench.get(sessions.listed())] == ["one"]


def test_a_link_is_good_for_a_minute_and_not_longer(bench: Bench, sessions: Sessions) -> None:
    words = [sessions.link(read_only=False) for _ in range(2)]
    bench.pass_time(LINK_SECONDS - 1)
    assert bench.get(sessions.open(words[0], "a browser"))
    bench.pass_time(1)
    with pytest.raises(Refused, match=USED):
        bench.get(sessions.open(words[1], "a browser"))


def test_no_more_links_wait_than_may_and_old_ones_make_room(bench: Bench, sessions: Sessions) -> None:
    for _ in range(MOST_LINKS):
        sessions.link(read_only=False)
    with pytest.raises(Refused, match="links wait to be opened"):
        sessions.link(read_only=False)
    bench.pass_time(LINK_SECONDS)
    assert sessions.link(read_only=False)


def test_a_session_that_idles_ends(bench: Bench, sessions: Sessions) -> None:
    key = opened(bench, sessions)
    bench.pass_time(SESSION_IDLE - 1)
    assert bench.get(sessions.of(key)) is not None
    bench.pass_time(SESSION_IDLE - 1)
    assert bench.get(sessions.of(key)) is not None
    bench.pass_time(SESSION_IDLE)
    assert bench.get(sessions.of(key)) is None


def test_an_open_page_that_renews_itself_keeps_no_session_alive(bench: Bench, sessions: Sessions) -> None:
    key = opened(bench, sessions)
    for _ in range(24):
        assert bench.get(sessions.of(key, counts=False)) is not None
        bench.pass_time(SESSION_IDLE / 24)
    assert bench.get(sessions.of(key, counts=False)) is None


def test_a_session_ends_however_busy_it_is(bench: Bench, sessions: Sessions) -> None:
    key = opened(bench, sessions)
    for _ in range(SESSION_SECONDS // SESSION_IDLE * 2):
        session = bench.get(sessions.of(key))
        assert session is not None
        assert session.until <= NOW + SESSION_SECONDS
        bench.pass_time(SESSION_IDLE / 2)
    assert bench.get(sessions.of(key)) is None
    assert bench.get(sessions.listed()) == ()


def test_who_is_revoked_is_let_in_no_more_and_whoever_follows_is_told(bench: Bench, sessions: Sessions) -> None:
    ended: list[int] = []
    sessions.after_each_end(ended.append)
    keys = [opened(bench, sessions), opened(bench, sessions, read_only=True)]
    first, second = bench.get(sessions.listed())
    assert (first.read_only, second.read_only) == (False, True)
    bench.get(sessions.revoke(first.id))
    assert ended == [first.id]
    assert [bench.get(sessions.of(key)) for key in keys] == [None, second]
    with pytest.raises(Refused, match=f"there is no session {first.id}"):
        bench.get(sessions.revoke(first.id))
    assert ended == [first.id]


def test_a_session_outlives_the_daemon_and_a_link_does_not(bench: Bench, sessions: Sessions) -> None:
    key, word = opened(bench, sessions), sessions.link(read_only=False)
    another = Sessions(bench.broker)
    assert bench.get(another.of(key)) is not None
    with pytest.raises(Refused, match=USED):
        bench.get(another.open(word, "a browser"))
