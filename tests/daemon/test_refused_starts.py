"""What a daemon refuses to start on: one sentence, exit status 1, never a traceback."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.daemon.client import PATIENCE
from tests.daemon.harness import Hive, as_nobody, command

Spoil = Callable[[Hive], Sequence[str]]


def newer_database(hive: Hive) -> Sequence[str]:
    hive.state.mkdir()
    with sqlite3.connect(hive.state / "broker.sqlite") as connection:
        connection.execute("PRAGMA user_version = 999")
    return ()


def corrupt_database(hive: Hive) -> Sequence[str]:
    hive.start().terminate()
    path = hive.state / "broker.sqlite"
    content = bytearray(path.read_bytes())
    content[16:] = b"\xa5" * (len(content) - 16)
    path.write_bytes(content)
    return ()


def somebody_elses_database(hive: Hive) -> Sequence[str]:
    hive.state.mkdir()
    with sqlite3.connect(hive.state / "broker.sqlite") as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    return ()


def no_database(hive: Hive) -> Sequence[str]:
    hive.state.mkdir()
    (hive.state / "broker.sqlite").write_text("Dear diary, today I was a database. " * 100)
    return ()


def no_database_to_note_agents_in(hive: Hive) -> Sequence[str]:
    no_database(hive)
    return ("--stop-agents",)


def directory_for_a_database(hive: Hive) -> Sequence[str]:
    (hive.state / "broker.sqlite").mkdir(parents=True)
    return ()


def file_for_a_directory(hive: Hive) -> Sequence[str]:
    hive.state.write_text("")
    return ()


def file_for_a_socket(hive: Hive) -> Sequence[str]:
    hive.run.mkdir()
    (hive.run / "host.sock").write_text("")
    return ()


def agents_of_another_backend(hive: Hive) -> Sequence[str]:
    hive.start().terminate()
    with sqlite3.connect(hive.state / "broker.sqlite") as connection:
        connection.execute("UPDATE facts SET value = 'nspawn' WHERE name = 'containers'")
    return ()


def agents_of_another_backend_that_were_to_end_with_us(hive: Hive) -> Sequence[str]:
    agents_of_another_backend(hive)
    return ("--stop-agents",)


def configured(content: str) -> Spoil:
    def spoil(hive: Hive) -> Sequence[str]:
        path = hive.base / "hive.toml"
        path.write_bytes(content.encode("latin-1"))
        return ("--config", str(path))

    return spoil


def optioned(*options: str) -> Spoil:
    return lambda _: options


REFUSED: dict[str, tuple[Spoil, str]] = {
    "a newer database": (newer_database, "version 999"),
    "a corrupt database": (corrupt_database, "broker.sqlite can't be used"),
    "somebody else's database": (somebody_elses_database, "not one of hyperhive's"),
    "no database": (no_database, "broker.sqlite can't be used"),
    "no database, with agents that end with us": (no_database_to_note_agents_in, "broker.sqlite can't be used"),
    "a directory for a database": (directory_for_a_database, "broker.sqlite can't be used"),
    "a file for a directory": (file_for_a_directory, "can't be made"),
    "a file for a socket": (file_for_a_socket, "host.sock is in the way"),
    "agents of another backend": (agents_of_another_backend, "in containers of the kind 'nspawn': set that again"),
    "agents of another backend, that were to end with us": (
        agents_of_another_backend_that_were_to_end_with_us,
        "in containers of the kind 'nspawn': set that again",
    ),
    "an unknown option": (optioned("--colour", "red"), "option --colour not recognized"),
    "an option without its value": (optioned("--state-dir"), "--state-dir requires argument"),
    "a stray word": (optioned("now"), "'now'"),
    "an unknown backend": (optioned("--containers", "docker"), "--containers must be 'local' or 'nspawn'"),
    "a bad value": (optioned("--poll-interval", "soon"), "--poll-interval must be a number of seconds"),
    "bad TOML": (configured("state-dir ="), "is no TOML"),
    "an unknown key": (configured('[agent]\ncolour = "red"'), "'agent.colour' in"),
    "too long a run directory": (optioned("--run-dir", "/tmp/" + "long" * 25), "at most 58 would do"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_start_that_can_not_go_well_is_refused_in_a_sentence(hive: Hive, what: str) -> None:
    spoil, expected = REFUSED[what]
    options = spoil(hive)
    given = hive.places() if "--run-dir" not in options else hive.places()[:2]
    assert expected in refusal(command(*given, *hive.agent_command(""), *options))


@pytest.mark.skipif(os.geteuid() == 0 and Path("/run/systemd/system").is_dir(), reason="machines can run here")
def test_machines_are_refused_where_they_can_not_run(hive: Hive) -> None:
    assert "containers of the kind 'nspawn' need" in refusal(command(*hive.places(), "--containers", "nspawn"))


def test_a_run_directory_as_long_as_was_said_will_do(hive: Hive) -> None:
    hive.run = hive.base / "r".ljust(57 - len(str(hive.base)), "r")
    assert len(str(hive.run)) == 58
    hive.start()
    assert hive.host().ask("spawn", name="a" * 32)["ok"]
    assert hive.agent("a" * 32).ask("whoami")["name"] == "a" * 32


def test_a_second_daemon_on_the_same_state_is_refused_and_the_first_goes_on(hive: Hive) -> None:
    hive.start()
    host = hive.host()
    other = ("--state-dir", str(hive.state), "--run-dir", str(hive.base / "other"))
    for places in (hive.places(), other):
        assert "another hyperhive daemon runs" in refusal(command(*places, *hive.agent_command("")))
    assert host.ask("list")["agents"] == ["manager"]
    assert hive.host().ask("list")["agents"] == ["manager"]


def test_another_hives_run_directory_is_refused_and_its_sockets_go_on(hive: Hive) -> None:
    hive.start()
    places = ("--state-dir", str(hive.base / "other"), "--run-dir", str(hive.run))
    assert "another hyperhive daemon has its sockets" in refusal(command(*places, *hive.agent_command("")))
    assert hive.host().ask("list")["agents"] == ["manager"]


def test_agents_of_another_backend_run_on_when_a_start_is_refused(hive: Hive) -> None:
    options = agents_of_another_backend_that_were_to_end_with_us(hive)
    before = hive.processes()
    refusal(command(*hive.places(), *hive.agent_command(""), *options))
    assert hive.processes() == before != []
    with sqlite3.connect(hive.state / "broker.sqlite") as connection:
        assert connection.execute("SELECT wanted FROM agents").fetchall() == [("running",)]


def test_a_refused_start_leaves_a_newer_database_as_it_is(hive: Hive) -> None:
    newer_database(hive)
    before = (hive.state / "broker.sqlite").read_bytes()
    refusal(command(*hive.places(), *hive.agent_command("")))
    assert (hive.state / "broker.sqlite").read_bytes() == before


@pytest.mark.parametrize("which", ["state", "run"])
def test_a_directory_that_is_not_ours_is_refused(common: Path, hive: Hive, which: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    getattr(hive, which).mkdir()
    os.chown(getattr(hive, which), 65534, 65534)
    assert "belongs to user 65534" in refusal(command(*hive.places(), *hive.agent_command("")))


def test_a_directory_that_can_not_be_made_is_refused(hive: Hive) -> None:
    hive.base.chmod(0o555)
    words = as_nobody(*command(*hive.places(), *hive.agent_command("")))
    assert "can't be made: Permission denied" in refusal(words)


def test_a_directory_that_can_not_be_written_is_refused(common: Path, hive: Hive) -> None:
    words = as_nobody(*command(*hive.places(), *hive.agent_command("")))
    hive.state.mkdir()
    if os.geteuid() == 0:
        os.chown(hive.state, 65534, 65534)
    hive.state.chmod(0o500)
    assert "can't be written" in refusal(words)
    hive.state.chmod(0o700)


def refusal(words: Sequence[str]) -> str:
    """The one sentence with which a start fails."""
    ended = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1, ended
    assert "Traceback" not in ended.stdout + ended.stderr
    sentence, newline, rest = ended.stderr.partition("\n")
    assert (newline, rest) == ("\n", ""), ended.stderr
    assert sentence.startswith("hyperhive: ")
    return sentence
