"""What is asked of the journal, and what of its answer is believed; `journalctl` is a script that plays an answer."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hyperhive.containers.journal import Journal
from hyperhive.errors import ContainerError
from tests.containers.test_endings import BEGUN, LEADER_KILLED, Entry, exited, failed

INVOCATION = "0123456789abcdef0123456789abcdef"
SUPERVISOR = 111
# The fields by which journald itself says who wrote: no container can set those that begin with an underscore, and
# what it prints has the transport "stdout".
OF_SYSTEMD = ["_PID=1", f"INVOCATION_ID={INVOCATION}"]
NATIVE = ["_TRANSPORT=journal", "_UID=0", "SYSLOG_IDENTIFIER=systemd-nspawn"]
SCRIPT = """#!/bin/sh
printf '%s\\n' "$@" > {directory}/asked
cat {directory}/answer
test ! -e {directory}/later || mv {directory}/later {directory}/answer
"""


class Journalctl:
    """The script, in its directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        program = directory / "journalctl"
        program.write_text(SCRIPT.format(directory=directory))
        program.chmod(0o755)

    def answers(self, *lines: str | Entry, name: str = "answer") -> None:
        text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (self.directory / name).write_text("".join(f"{line}\n" for line in text))

    def answers_later(self, *lines: str | Entry) -> None:
        """What it answers once it has been asked."""
        self.answers(*lines, name="later")

    @property
    def asked(self) -> list[str]:
        return (self.directory / "asked").read_text().splitlines()

    @property
    def matches(self) -> list[str]:
        return [word for word in self.asked if not word.startswith("-")]


@pytest.fixture
def journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journalctl:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Journalctl(tmp_path)


@pytest.fixture
def journal() -> Journal:
    from twisted.internet import reactor

    it: Any = reactor
    return Journal(it)


async def test_only_what_systemd_and_nspawn_itself_wrote_of_that_invocation_is_asked_for(
    journal: Journal, journalctl: Journalctl
) -> None:
    journalctl.answers(*BEGUN, failed("exit-code"))
    await journal.cause(INVOCATION, SUPERVISOR, 1000)
    assert journalctl.matches == [*OF_SYSTEMD, "+", f"_PID={SUPERVISOR}", *NATIVE]
    assert "--since=@990" in journalctl.asked
    await journal.cause(INVOCATION, 0, 0)
    assert journalctl.matches == [*OF_SYSTEMD, "+", f"_SYSTEMD_INVOCATION_ID={INVOCATION}", *NATIVE]
    assert "--since=@0" in journalctl.asked
    await journal.complaint(SUPERVISOR, INVOCATION)
    assert journalctl.matches == [f"_PID={SUPERVISOR}", *NATIVE, "+", f"_SYSTEMD_INVOCATION_ID={INVOCATION}", *NATIVE]


async def test_a_cause_is_waited_for_until_systemd_has_said_its_last_word(
    journal: Journal, journalctl: Journalctl
) -> None:
    journalctl.answers(*BEGUN, LEADER_KILLED)
    journalctl.answers_later(*BEGUN, LEADER_KILLED, exited(1, "FAILURE"), failed("exit-code"))
    assert await journal.cause(INVOCATION, SUPERVISOR, 0) == "killed by SIGKILL"


async def test_without_a_last_word_the_cause_is_what_is_known_by_then(
    journal: Journal, journalctl: Journalctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperhive.containers.journal.PAUSES", (0, 0))
    journalctl.answers(*BEGUN)
    assert await journal.cause(INVOCATION, SUPERVISOR, 0) is None
    journalctl.answers(*BEGUN, LEADER_KILLED)
    assert await journal.cause(INVOCATION, SUPERVISOR, 0) == "killed by SIGKILL"


async def test_a_complaint_is_waited_for(journal: Journal, journalctl: Journalctl) -> None:
    journalctl.answers()
    journalctl.answers_later("Failed to mount it: No such file or directory")
    assert await journal.complaint(SUPERVISOR, INVOCATION) == "Failed to mount it: No such file or directory"


async def test_lines_that_are_no_entries_are_passed_over(journal: Journal, journalctl: Journalctl) -> None:
    journalctl.answers("-- Boot --", "{", "[]", "3", "", exited(3, "X"), failed("exit-code"))
    assert await journal.cause(INVOCATION, SUPERVISOR, 0) == "exited with status 3"


async def test_a_journal_that_knows_nothing_tells_nothing(
    journal: Journal, journalctl: Journalctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperhive.containers.journal.PAUSES", (0, 0))
    journalctl.answers()
    assert await journal.last_invocation("u.service") == ""
    assert await journal.complaint(SUPERVISOR, INVOCATION) == ""
    assert await journal.complaint(SUPERVISOR, "") == ""
    assert await journal.lines("u.service", 10, 0) == []


async def test_the_last_invocation_is_by_systemds_own_word(journal: Journal, journalctl: Journalctl) -> None:
    journalctl.answers({"INVOCATION_ID": INVOCATION})
    assert await journal.last_invocation("u.service") == INVOCATION
    assert journalctl.matches == ["_PID=1", "UNIT=u.service"]
    journalctl.answers({"INVOCATION_ID": ["a", "b"]})
    assert await journal.last_invocation("u.service") == ""


async def test_lines_are_as_they_were_printed_oldest_first_empty_ones_too(
    journal: Journal, journalctl: Journalctl
) -> None:
    journalctl.answers("", "two", "", "one", "")
    assert await journal.lines("u.service", 5, 17_500_000) == ["", "one", "", "two", ""]
    assert await journal.lines("u.service", 2, 17_500_000) == ["two", ""]
    assert {"--reverse", "--lines=2", "--since=@17.500000"} < set(journalctl.asked)
    assert journalctl.matches == ["_SYSTEMD_UNIT=u.service"]


@pytest.mark.parametrize("count", [0, -1])
async def test_no_lines_are_no_lines(journal: Journal, count: int) -> None:
    assert await journal.lines("u.service", count, 0) == []


async def test_a_journal_that_can_not_be_read_is_said(journal: Journal, journalctl: Journalctl) -> None:
    (journalctl.directory / "journalctl").write_text("#!/bin/sh\necho 'No journal files were found.' >&2; exit 1\n")
    with pytest.raises(ContainerError, match="'journalctl' failed: No journal files were found"):
        await journal.lines("u.service", 1, 0)
