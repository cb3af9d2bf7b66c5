"""The feed: what a browser hears of, from where it goes on, and by what it ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest

from tests.daemon.harness import Hive
from tests.dashboard.console import Console
from tests.dashboard.following import Follower

Follow = Callable[..., Follower]


@pytest.fixture
def follow(console: Console) -> Iterator[Follow]:
    """Makes followers, which hang up in the end."""
    made: list[Follower] = []

    def begin(path: str = "/events", who: Console = console, **headers: str) -> Follower:
        made.append(Follower(who, path, **headers))
        return made[-1]

    yield begin
    for follower in made:
        follower.close()


def test_a_change_is_told_by_its_kind_and_by_whose_it_is(hive: Hive, follow: Follow) -> None:
    follower = follow()
    name, data, seq = follower.hear()
    assert (name, data) == ("hello", {"seq": seq, "trouble": None})
    with hive.host() as host:
        host.ask("send", to="manager", body="hello")
    _, data, later = follower.hear_of_change("message")
    assert "manager" in data["whose"]
    assert later is not None
    assert seq is not None
    assert later > seq


def test_who_comes_back_hears_what_was_missed(hive: Hive, follow: Follow) -> None:
    first = follow()
    seq = first.hear()[2]
    first.close()
    with hive.host() as host:
        host.ask("send", to="manager", body="hello")
    for follower in (follow(**{"Last-Event-ID": str(seq)}), follow(f"/events?after={seq}")):
        assert "message" in follower.hear_of("change")[1]["kinds"]


@pytest.mark.parametrize("last", ["1", "9" * 19, "0"])
def test_who_comes_back_from_what_nobody_remembers_is_told_to_look_anew(follow: Follow, last: str) -> None:
    assert follow(**{"Last-Event-ID": last}).hear_of("resync")[1] == {}


@pytest.mark.parametrize("last", ["", "-1", "a", "²", "9" * 20, "1; drop"])
def test_a_number_that_is_none_is_as_if_it_were_not_there(follow: Follow, last: str) -> None:
    name, data, seq = follow(**{"Last-Event-ID": last}).hear()
    assert (name, data["seq"]) == ("hello", seq)


def test_the_feed_is_neither_kept_nor_gathered_on_its_way(follow: Follow) -> None:
    head = [line.lower() for line in follow().head]
    assert {"cache-control: no-store", "content-type: text/event-stream; charset=utf-8"} <= set(head)
    assert "x-accel-buffering: no" in head


def test_who_is_revoked_hears_that_it_is_over_and_the_end(hive: Hive, follow: Follow, console: Console) -> None:
    stays = Console.opened(hive)
    revoked, other = follow(), follow(who=stays)
    with hive.host() as host:
        assert host.ask("revoke", session=1)["ok"]
        assert revoked.hear_of("over")[1] == {}
        with pytest.raises(EOFError):
            revoked.hear_of("change")
        host.ask("send", to="manager", body="hello")
    assert "message" in other.hear_of_change("message")[1]["kinds"]
    assert Follower(console).head[0] == "HTTP/1.1 401 Unauthorized"


def test_who_leaves_is_let_in_no_more(console: Console, follow: Follow) -> None:
    follower = follow()
    assert "You are not let in" in console.post("/leave").text
    assert follower.hear_of("over")
    assert console.get("/").status == 401


def test_a_daemon_that_stops_ends_the_feed_and_every_connection(hive: Hive, follow: Follow) -> None:
    follower = follow()
    follower.hear()
    hive.daemons[-1].terminate()
    with pytest.raises(EOFError):
        follower.hear_of("never")


def test_a_feed_is_only_read(console: Console) -> None:
    answer = console.request("POST", "/events", b"", {"Origin": console.url})
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert console.request("HEAD", "/events").status == 405


def test_a_database_in_trouble_is_told_at_once_on_pages_and_by_the_feed(
    hive: Hive, console: Console, follow: Follow
) -> None:
    follower = follow()
    follower.hear()
    other = sqlite3.connect(next(hive.state.glob("*.sqlite")), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = console.get("/")
    assert refused.status == 503
    assert "database is locked" in refused.text
    assert "database is locked" in follower.hear_of("trouble")[1]["sentence"]
    other.execute("ROLLBACK")
    other.close()
    for path in ("/", "/agents/manager", "/agents/manager/configuration"):
        assert "database is locked" in console.get(path).part("trouble")
    with hive.host() as host:
        assert host.ask("send", to="manager", body="hello")["ok"]
    assert follower.hear_of("trouble")[1] == {"sentence": None}
    assert console.get("/").part("trouble") == ""
