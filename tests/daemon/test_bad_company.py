"""Peers that ask too much, say too little, or never read: they are served or told off, and nobody else notices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.daemon.client import Client, line, take_all
from tests.daemon.conftest import short_lived
from tests.daemon.harness import Hive

CONNECTIONS = 64
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def hive() -> Iterator[Hive]:
    """One hive for all of these, with the agents alice and bob."""
    with short_lived() as hive:
        hive.start()
        for name in ("alice", "bob"):
            assert hive.host().ask("spawn", name=name)["ok"]
        yield hive


@pytest.fixture(autouse=True)
def bob(hive: Hive) -> Iterator[Client]:
    """A connection of somebody else, who works undisturbed."""
    with hive.agent("bob") as bob:
        take_all(bob)
        yield bob
        assert bob.ask("send", to="bob", body="still here")["kind"] == "ok"
        assert bob.ask("recv", wait_seconds=0)["body"] == "still here"
        assert hive.daemons[-1].resident_bytes() < 200 * MEBIBYTE


def test_half_a_line_and_silence_hold_up_nobody(hive: Hive, bob: Client) -> None:
    with hive.agent("alice") as alice:
        for part in (b'{"cmd":', b'"who', b'ami"'):
            alice.write(part)
            assert bob.ask("status")["kind"] == "status"
        alice.write(b"}\n")
        assert alice.hear()["name"] == "alice"


def test_half_a_line_and_the_end_is_told_and_closed(hive: Hive) -> None:
    with hive.agent("alice") as alice:
        alice.write(line("whoami") + b'{"cmd":"send","to":"bob","body":"half')
        alice.say_no_more()
        assert alice.hear()["name"] == "alice"
        assert "newline" in alice.hear()["message"]
        assert alice.hears_the_end()


def test_half_a_line_and_nobody_there_does_nothing(hive: Hive, bob: Client) -> None:
    with hive.agent("alice") as alice:
        alice.write(b'{"cmd":"send","to":"bob","body":"half"}')
    assert bob.ask("recv", wait_seconds=0) == {"kind": "empty"}


def test_a_line_may_come_byte_by_byte(hive: Hive) -> None:
    with hive.agent("alice") as alice:
        for byte in line("whoami"):
            alice.write(bytes([byte]))
        assert alice.hear()["name"] == "alice"


def test_a_nul_and_every_character_travel_in_a_body_unchanged(hive: Hive, bob: Client) -> None:
    body = '\0\x01\x1f\u2028\ufeff\U0001f41d\r\n\t"\\</script>'
    with hive.agent("alice") as alice:
        assert alice.ask("send", to="bob", body=body)["kind"] == "ok"
    assert bob.ask("recv")["body"] == body


def test_a_thousand_requests_ahead_are_answered_in_order(hive: Hive, bob: Client) -> None:
    with hive.agent("alice") as alice:
        alice.write(b"".join(line("send", to="bob", body=str(n)) + line("whoami") + b"{}\n" for n in range(1000)))
        ids = []
        for _ in range(1000):
            ids.append(alice.hear()["id"])
            assert alice.hear()["kind"] == "identity"
            assert alice.hear()["kind"] == "err"
    rows = take_all(bob)
    assert [(row["id"], row["body"]) for row in rows] == [(id_, str(n)) for n, id_ in enumerate(ids)]


def test_who_never_reads_is_not_read_either_and_loses_nothing(hive: Hive, bob: Client) -> None:
    assert bob.ask("send", to="alice", body="x" * 100_000)["kind"] == "ok"
    request = line("recent", limit=1)
    with hive.agent("alice") as alice:
        said, quiet = bytearray(), 0
        while quiet < 50:
            # Each round the daemon had the time to answer bob, and so to read on if it would.
            written = alice.write_some((request * 2000)[len(said) % len(request) :])
            said += bytes(written)
            quiet = 0 if written else quiet + 1
            assert bob.ask("whoami")["name"] == "bob"
            assert len(said) < 4 * MEBIBYTE, "the daemon reads on and on"
        before = hive.daemons[-1].resident_bytes()
        whole = len(said) // len(request)
        for _ in range(whole):
            assert len(alice.hear()["rows"][0]["body"]) == 100_000
        assert before < 200 * MEBIBYTE
    take_all(hive.agent("alice"))


def test_a_follower_that_never_reads_holds_up_nobody(hive: Hive, bob: Client) -> None:
    with hive.host() as follower:
        assert follower.ask("subscribe")["ok"]
        for _ in range(20):
            bob.write(line("send", to="bob", body="x" * 20_000) * 50)
            for _ in range(50):
                assert bob.hear()["kind"] == "ok"
        assert hive.daemons[-1].resident_bytes() < 200 * MEBIBYTE
        assert len(take_all(bob)) == 1000
        last, seen = 0, 0
        while not (heard := follower.hear()).get("resync") and seen < 1000:
            assert heard["seq"] > last
            last, seen = heard["seq"], seen + 1


@pytest.mark.parametrize("whose", ["host", "manager", "agent"])
def test_one_connection_too_many_is_told_so(hive: Hive, whose: str) -> None:
    connect = {"host": hive.host, "manager": hive.manager, "agent": lambda: hive.agent("alice")}[whose]
    harmless = "urls" if whose == "host" else "whoami"
    with ExitStack() as stack:
        crowd: list[Client] = []
        while True:
            client = stack.enter_context(connect())
            client.say(harmless)
            answer = client.hear()
            if "64" in str(answer.get("error") or answer.get("message")):
                break
            crowd.append(client)
        assert len(crowd) <= CONNECTIONS
        assert client.hears_the_end()
        crowd[0].close()
        for _ in range(2):
            assert crowd[1].ask(harmless)
        assert "64" not in str(stack.enter_context(connect()).ask(harmless))


def test_only_their_owner_gets_to_the_sockets(hive: Hive) -> None:
    closed = [hive.run, hive.run / "agents"]
    assert [oct(path.stat().st_mode & 0o777) for path in closed] == ["0o700"] * 2
    assert oct((hive.run / "host.sock").stat().st_mode & 0o777) == "0o600"
    sockets = [hive.run / "manager/mcp.sock", hive.run / "agents/alice/mcp.sock"]
    assert [path.resolve().parent.parent for path in sockets] == [hive.run.resolve() / "agents"] * 2
