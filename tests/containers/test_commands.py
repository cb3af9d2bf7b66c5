"""Commands as real processes: what they print, what they complain of, and how they end or are ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from hyperhive.containers.commands import attempt, run
from hyperhive.errors import LONGEST_QUOTE, ContainerError
from tests.containers.telling import Told

LEAVES_A_CHILD = "sleep 1000 & echo $! > child; echo begun > told; "


@pytest.fixture
def told(reactor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Where a command says that it has begun; the commands run in its directory."""
    monkeypatch.chdir(tmp_path)
    pipe = Told(reactor, tmp_path / "told")
    yield pipe
    pipe.close()
    for left in tmp_path.glob("child"):
        os.kill(int(left.read_text()), signal.SIGKILL)


async def test_what_a_command_prints_is_given(reactor: Any) -> None:
    assert await run(reactor, "printf", r"one\ntwo") == b"one\ntwo"


async def test_a_command_reads_what_it_is_given(reactor: Any) -> None:
    assert await run(reactor, "cat", given=b"x" * 300_000) == b"x" * 300_000


async def test_a_command_that_reads_nothing_may_be_given_much(reactor: Any) -> None:
    assert await run(reactor, "echo", "done", given=b"x" * 1_000_000) == b"done\n"


async def test_of_much_output_the_last_is_kept(reactor: Any) -> None:
    assert await run(reactor, "seq", "100000", most_bytes=14) == b"\n99999\n100000\n"


async def test_a_command_has_the_path_a_plain_locale_and_what_it_is_told(
    reactor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "key")
    environment = dict(
        line.split("=", 1) for line in (await run(reactor, "env", environment={"A": "b"})).decode().splitlines()
    )
    assert environment == {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "A": "b"}


async def test_a_failure_is_told_with_the_last_line_of_its_complaint(reactor: Any) -> None:
    with pytest.raises(ContainerError) as raised:
        await run(reactor, "sh", "-c", "echo first >&2; echo 'no such thing' >&2; exit 3")
    assert str(raised.value) == "'sh' failed: no such thing"


async def test_a_failure_without_a_word_is_told_so(reactor: Any) -> None:
    with pytest.raises(ContainerError, match="'false' failed: it did not say why"):
        await run(reactor, "false")


async def test_a_command_that_is_killed_has_failed(reactor: Any) -> None:
    assert not (await attempt(reactor, "sh", "-c", "kill -9 $$")).succeeded


async def test_a_long_complaint_is_cut(reactor: Any) -> None:
    outcome = await attempt(reactor, "sh", "-c", "printf 'x%.0s' $(seq 10000) >&2; exit 1")
    assert outcome.complaint == "x" * LONGEST_QUOTE + "…"


async def test_complaints_of_a_command_that_went_well_are_no_failure(reactor: Any) -> None:
    outcome = await attempt(reactor, "sh", "-c", r"printf '\377 odd\n\n' >&2; echo fine")
    assert (outcome.succeeded, outcome.output, outcome.complaint) == (True, b"fine\n", "\ufffd odd")


async def test_a_missing_program_is_named(reactor: Any) -> None:
    for missing in ("no-such-program", "/no/such/program"):
        with pytest.raises(ContainerError, match=f"'{missing}' can't be run: No such file or directory"):
            await run(reactor, missing)


async def test_a_command_that_takes_too_long_is_killed(reactor: Any, told: Told) -> None:
    begun = told.line()
    running = Deferred.fromCoroutine(run(reactor, "sh", "-c", "echo $$ > told; exec sleep 1000", seconds=0.5))
    pid = int(await begun)
    with pytest.raises(ContainerError, match=r"'sh' did not end within 0\.5 seconds, and was killed"):
        await running
    assert ended(pid)


async def test_a_command_that_nobody_waits_for_any_more_is_killed(reactor: Any, told: Told) -> None:
    begun = told.line()
    running = Deferred.fromCoroutine(run(reactor, "sh", "-c", "echo $$ > told; exec sleep 1000"))
    pid = int(await begun)
    running.cancel()
    with pytest.raises(CancelledError):
        await running
    assert ended(pid)


async def test_what_a_command_leaves_behind_with_its_output_does_not_keep_us_waiting_for_ever(
    reactor: Any, told: Told
) -> None:
    begun = told.line()
    running = Deferred.fromCoroutine(run(reactor, "sh", "-c", LEAVES_A_CHILD + "exit 0", seconds=0.5))
    await begun
    with pytest.raises(ContainerError, match="did not end within"):
        await running
    # That nothing of it is left in the reactor, the fixture of every test makes sure of.


async def test_a_command_that_closes_its_output_is_waited_for(reactor: Any, told: Told) -> None:
    begun = told.line()
    os.mkfifo("go")
    running = Deferred.fromCoroutine(
        run(reactor, "sh", "-c", "echo said; exec >/dev/null 2>&1; echo > told; read line < go; exit 3")
    )
    await begun
    assert not running.called
    Path("go").write_text("now\n")
    with pytest.raises(ContainerError, match="'sh' failed: it did not say why"):
        await running


def ended(pid: int) -> bool:
    """Whether that process of ours ends; it was killed, and is ours to wait for, or the reactor has done so."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
