"""What one peer can make the daemon hold in memory is bounded."""

from __future__ import annotations

from pathlib import Path

from tests.daemon.client import line
from tests.daemon.harness import Hive

MEBIBYTE = 1024 * 1024


def peak_bytes(hive: Hive) -> int:
    """The most memory that the daemon ever held."""
    status = Path(f"/proc/{hive.daemons[-1].process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_large_answers_asked_for_ahead_are_not_all_made_at_once(hive: Hive) -> None:
    hive.start()
    assert hive.host().ask("spawn", name="alice")["ok"]
    alice = hive.agent("alice")
    for _ in range(5):
        assert alice.ask("send", to="alice", body="x" * 200_000)["kind"] == "ok"
    before = peak_bytes(hive)
    alice.write(line("recent", limit=1000) * 500)
    for _ in range(500):
        assert len(alice.hear()["rows"]) == 5
    assert peak_bytes(hive) - before < 128 * MEBIBYTE


def test_large_messages_sent_ahead_are_not_all_held_at_once(hive: Hive) -> None:
    hive.start()
    assert hive.host().ask("spawn", name="alice")["ok"]
    alice = hive.agent("alice")
    before = peak_bytes(hive)
    for _ in range(20):
        alice.write(line("send", to="operator", body="x" * 250_000) * 20)
        for _ in range(20):
            assert alice.hear()["kind"] == "ok"
    assert peak_bytes(hive) - before < 128 * MEBIBYTE
