"""Crashes of real machines: each is heard at once, once, with its cause; and what is no crash is not reported."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon.client import Client, event
from tests.daemon.harness import Daemon
from tests.host.hives import NspawnHive, call
from tests.host.killing import BUS, PROGRAM, WAYS, all_ways, table

ROUNDS = 200 // len(WAYS)
AGENTS = ("alice", "bob", "carol", "dave", "erin")

Restart = Callable[[], object]


@pytest.fixture
def hive(state: Path, agent_image: Path) -> Iterator[NspawnHive]:
    it = NspawnHive(state, agent_image)
    yield it
    it.end()
    # logind ends with each bus, systemd starts it again only a few times, and one that lost its bus while it was being
    # started is waited for in vain.
    logind = "systemd-logind.service"
    for words in (("kill", "--signal=KILL", logind), ("reset-failed",), ("start", logind)):
        subprocess.run(["systemctl", *words], check=False, capture_output=True, timeout=60)


def spawn(hive: NspawnHive, *names: str) -> dict[str, int]:
    """Have those agents, and the leaders of their machines."""
    with hive.host() as host:
        for name in names:
            answer = host.ask("spawn", name=name)
            assert answer["ok"], answer
        assert host.ask("start", name="manager")["ok"]  # by then the start that the daemon began with has ended
    return leaders(hive, *names)


def leaders(hive: NspawnHive, *names: str) -> dict[str, int]:
    return {name: hive.leader(name) for name in (*names, "manager")}


def hears_nothing_but(manager: Client, *crashed: str) -> bool:
    """Whether the next that the manager hears is the crash of those agents, and nothing after it."""
    heard = [event(manager.ask("recv", wait_seconds=20)) for _ in crashed]
    assert manager.ask("recv", wait_seconds=0)["kind"] == "empty"
    return [(one["event"], one["agent"]) for one in heard] == [("container_crash", name) for name in crashed]


def forget_mail(manager: Client) -> None:
    while manager.ask("recv", wait_seconds=0)["kind"] == "message":
        pass


@pytest.mark.deadline(600)
def test_each_of_two_hundred_kills_is_reported_once_with_its_cause(hive: NspawnHive) -> None:
    hive.open(command=PROGRAM)
    reports = list(all_ways(hive, ROUNDS))
    print("\n" + table(reports))
    for report in reports:
        assert report.told == [{"event": "container_crash", "agent": "alice", "note": WAYS[report.way].cause}]
    assert Counter(report.way for report in reports) == dict.fromkeys(WAYS, ROUNDS)


def restart_service(unit: str) -> None:
    call("systemctl", "reset-failed", unit)  # systemd itself allows only a few restarts in a time
    call("systemctl", "restart", unit)


RESTARTS = {
    "daemon-reload": (200, lambda: call("systemctl", "daemon-reload")),
    "daemon-reexec": (50, lambda: call("systemctl", "daemon-reexec")),
    "machined": (50, lambda: restart_service("systemd-machined.service")),
    "bus": (20, lambda: restart_service("dbus.service")),
}


@pytest.mark.deadline(300)
@pytest.mark.parametrize("what", RESTARTS)
def test_no_restart_around_the_machines_is_taken_for_a_crash(hive: NspawnHive, what: str) -> None:
    hive.open("--poll-interval", "0.5")
    before = spawn(hive, *AGENTS)
    with hive.manager() as manager:
        forget_mail(manager)
        times, restart = RESTARTS[what]
        for _ in range(times):
            restart()
        assert leaders(hive, *AGENTS) == before
        os.kill(before["alice"], signal.SIGKILL)
        assert hears_nothing_but(manager, "alice")


@pytest.fixture
def no_bus() -> Iterator[Restart]:
    """Ends the system bus when it is called; it is back after the test."""

    def end() -> None:
        call("systemctl", "stop", *BUS)

    yield end
    call("systemctl", "start", *BUS)


def test_a_crash_is_heard_with_its_cause_while_the_bus_is_gone(hive: NspawnHive, no_bus: Restart) -> None:
    hive.open()
    leader = spawn(hive, "alice")["alice"]
    with hive.manager() as manager:
        forget_mail(manager)
        no_bus()
        os.kill(leader, signal.SIGKILL)
        told = event(manager.ask("recv", wait_seconds=20))
    assert told == {"event": "container_crash", "agent": "alice", "note": "killed by SIGKILL"}


def test_a_daemon_that_starts_without_a_bus_knows_what_runs_and_hears_its_end(
    hive: NspawnHive, no_bus: Restart
) -> None:  # fmt: skip
    first = hive.open()
    leader = spawn(hive, "alice", "bob")["alice"]
    first.kill()
    no_bus()
    second = hive.open()
    assert hive.status("alice")["running"]
    with hive.manager() as manager:
        forget_mail(manager)
        os.kill(leader, signal.SIGKILL)
        assert hears_nothing_but(manager, "alice")
    assert "the system bus is gone" in second.log
    assert hive.status("bob")["running"]


def test_what_is_asked_for_while_the_bus_is_gone_is_refused_with_a_sentence(
    hive: NspawnHive, no_bus: Restart
) -> None:  # fmt: skip
    hive.open()
    spawn(hive, "alice")
    no_bus()
    with hive.host() as host:
        answer = host.ask("stop", name="alice")
        assert "the system bus is gone" in host.ask("agent_status")["backend"]["blind"]
    assert not answer["ok"]
    assert "the system bus is gone" in answer["error"]


def test_of_a_program_that_ends_at_once_the_start_succeeds_and_its_crash_is_told(hive: NspawnHive) -> None:
    hive.open(command=("/bin/sh", "-c", "test $HIVE_AGENT = manager && sleep infinity; exit 5"))
    with hive.manager() as manager, hive.host() as host:
        assert host.ask("spawn", name="alice")["ok"]
        heard = [event(manager.ask("recv", wait_seconds=20)) for _ in range(2)]
    assert [one["event"] for one in heard] == ["spawned", "container_crash"]
    assert heard[1]["note"] == "exited with status 5"


def test_a_program_that_is_not_there_fails_the_start_or_crashes_with_a_sentence(hive: NspawnHive) -> None:
    daemon: Daemon = hive.open(command=("/nowhere/to/be/found",))
    with hive.host() as host:
        host.ask("spawn", name="alice")
        assert "/nowhere/to/be/found" in "\n".join(host.ask("logs", name="alice", lines=50)["log"])
    assert "Traceback" not in daemon.log


def test_a_start_that_systemd_nspawn_refuses_fails_with_its_own_words(hive: NspawnHive) -> None:
    hive.open()
    home = hive.state / "agents/alice"
    home.mkdir(parents=True)
    (home / "credentials").mkdir()
    call("mount", "-t", "proc", "proc", str(home / "credentials"))  # what no file system of a disk is: not to be mapped
    try:
        with hive.host() as host:
            answer = host.ask("spawn", name="alice")
    finally:
        call("umount", str(home / "credentials"))
    assert not answer["ok"]
    assert "Failed to map ids" in answer["error"]


@pytest.fixture
def no_machined() -> Iterator[Restart]:
    """Keeps machined from answering when it is called; it is back after the test."""

    def end() -> None:
        call("systemctl", "mask", "--runtime", "--now", "systemd-machined.service")

    yield end
    call("systemctl", "unmask", "--runtime", "systemd-machined.service")


def test_a_crash_is_heard_while_machined_does_not_answer_and_another_agent_is_stopped(
    hive: NspawnHive, no_machined: Restart
) -> None:  # fmt: skip
    hive.open()
    leader = spawn(hive, "alice", "bob")["alice"]
    with hive.host() as host, hive.manager() as manager:
        assert host.ask("stop", name="bob")["ok"]
        forget_mail(manager)
        no_machined()
        os.kill(leader, signal.SIGKILL)
        assert hears_nothing_but(manager, "alice")


def shim(directory: Path, program: str, script: str) -> dict[str, str]:
    """An environment in which the program of that name is the shell script."""
    path = directory / "shims" / program
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {**os.environ, "PATH": f"{path.parent}:{os.environ['PATH']}"}


def test_a_crash_is_told_where_the_journal_can_not_be_read(hive: NspawnHive) -> None:
    hive.open(environment=shim(hive.base, "journalctl", "echo broken >&2; exit 1"))
    leader = spawn(hive, "alice")["alice"]
    with hive.manager() as manager:
        forget_mail(manager)
        os.kill(leader, signal.SIGKILL)
        told = event(manager.ask("recv", wait_seconds=20))
    assert (told["event"], told["agent"]) == ("container_crash", "alice")
    assert "can't be known" in told["note"]


def test_a_command_reaches_its_machine_as_it_stands_and_the_unit_outlives_a_daemon_reload(hive: NspawnHive) -> None:
    words = "$HOME ${PATH} $$ %n 'quoted' \\\\ a  b"
    hive.open(command=("/bin/sh", "-c", 'printf "%s\\n" "$1"; exec sleep infinity', "sh", words))
    spawn(hive, "alice")
    call("systemctl", "daemon-reload")
    assert "sleep infinity" in call("systemctl", "show", hive.unit("alice"), "--property=ExecStart")
    with hive.host() as host:
        assert words in host.ask("logs", name="alice", lines=50)["log"]
