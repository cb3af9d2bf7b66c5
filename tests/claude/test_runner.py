"""The runner with programs in the CLI's place: recordings of the real one, and such as go wrong."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError, Deferred
from zope.interface.verify import verifyObject

from hyperhive.agent.claude import process as process_module
from hyperhive.agent.claude import runner as runner_module
from hyperhive.agent.claude.process import LINE_BYTES
from hyperhive.agent.claude.turn import MOST_RUBBISH
from hyperhive.agent.runner import Cancelled, IRunner, Limited, NotLoggedIn, NotShortened, PromptTooLong, TurnError
from tests.claude import replay
from tests.claude.conftest import INIT, RESULT, Log, Make, Program, about, failure, running, unheard
from tests.claude.record import STREAMS


def replayed(name: str, piece: int = 4096, status: str = "stay") -> str:
    """A script that replays a recording."""
    words = [sys.executable, "-I", "-S", str(replay.__file__), str(STREAMS / f"{name}.jsonl"), str(piece), status]
    return f"exec {shlex.join(words)}"


@pytest.mark.parametrize("piece", [1, 7, 4096, 1_000_000])
async def test_the_stream_is_read_line_by_line_whatever_its_pieces(make: Make, program: Program, piece: int) -> None:
    heard: list[str] = []
    result = await make(program(replayed("good", piece))).turn(about("it"), heard.append)
    recorded = (STREAMS / "good.jsonl").read_text().splitlines()
    assert heard == recorded[: len(heard)]
    assert '"type":"result"' in heard[-1]
    assert (result.reply, result.usage.output_tokens) == (None, 14)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("key-refused", NotLoggedIn),
        ("token-refused", NotLoggedIn),
        ("not-logged-in", NotLoggedIn),
        ("rate-limited", Limited),
        ("used-up", Limited),
        ("too-long", PromptTooLong),
        ("overloaded", TurnError),
    ],
)
async def test_a_failed_turn_raises_what_it_failed_of(
    make: Make, program: Program, name: str, kind: type[TurnError]
) -> None:
    assert type(await failure(make(program(replayed(name))).turn(about("it"), unheard))) is kind


async def test_who_is_not_logged_in_has_no_process_left_to_try_again(make: Make, program: Program, home: Path) -> None:
    runner = make(program(replayed("key-refused")))
    await failure(runner.turn(about("it"), unheard))
    assert running(home) == []


@pytest.mark.parametrize("name", ["/nowhere/claude", "no-such-program"])
async def test_a_program_that_is_missing_is_named(make: Make, name: str) -> None:
    said = str(await failure(make(name).turn(about("it"), unheard)))
    assert said == f"claude is not there: PATH leads to no program '{name}' that may be run"


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("read x; echo first >&2; echo 'the reason' >&2; exit 3", "exited with status 3: the reason"),
        ("exit 0", "exited with status 0"),
        ("read x; kill -SEGV $$", "was killed by SIGSEGV"),
    ],
)
async def test_one_that_dies_in_its_turn_says_how_and_why(make: Make, program: Program, script: str, how: str) -> None:
    said = str(await failure(make(program(script)).turn(about("it"), unheard)))
    assert said == f"claude {how} in the middle of the turn"


async def test_one_that_dies_between_its_turns_is_started_anew(make: Make, program: Program, log: Log) -> None:
    runner = make(program(replayed("resumed", status="-9")))
    await runner.turn(about("it"), unheard)
    await log.until("claude was killed by SIGKILL between two turns")
    await runner.turn(about("it"), unheard)


async def test_one_that_hangs_is_killed_with_all_that_it_started(
    make: Make, program: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "GRACE", 0.2)
    script = "trap '' TERM; (trap '' TERM; setsid sleep 1000) & read x; while :; do sleep 1000; done"
    runner = make(program(script), turn_seconds=0.3)
    said = str(await failure(runner.turn(about("it"), unheard)))
    assert said == "claude did not end its turn within 0.3 seconds"
    assert running(home) == []


async def test_a_cancelled_turn_ends_though_nobody_listens(
    make: Make, program: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "INTERRUPT_GRACE", 0.1)
    runner = make(program(f"echo '{INIT}'; sleep 1000"))
    begun: Deferred[str] = Deferred()
    turn = Deferred.fromCoroutine(failure(runner.turn(about("it"), begun.callback)))
    await begun
    runner.cancel()
    runner.cancel()
    assert type(await turn) is Cancelled
    assert running(home) == []


async def test_without_a_turn_there_is_nothing_to_cancel(make: Make, program: Program) -> None:
    runner = make(program(replayed("resumed")))
    runner.cancel()
    await runner.turn(about("it"), unheard)
    runner.cancel()


async def test_a_turn_that_ends_well_though_it_was_cancelled_was_cancelled(make: Make, program: Program) -> None:
    script = f"echo '{INIT}'; read said; read interrupt; echo '{RESULT}'; read end"
    runner = make(program(script))
    turn = Deferred.fromCoroutine(failure(runner.turn(about("it"), lambda _: runner.cancel())))
    assert type(await turn) is Cancelled


async def test_rubbish_between_the_events_is_heard_and_does_no_harm(make: Make, program: Program) -> None:
    heard: list[str] = []
    script = f"""printf 'warning\\n\\377\\n[1]\\n\\n'; echo '{INIT}'; echo '{RESULT}'; read x; read end"""
    runner = make(program(script))
    await runner.turn(about("it"), heard.append)
    assert heard == ["warning", "\ufffd", "[1]", INIT, RESULT]


async def test_an_event_that_holds_half_a_character_is_one(make: Make, program: Program) -> None:
    cut = RESULT.replace("}", r',"result":"cut in \ud83d"}')
    script = f"""echo '{INIT}'; printf '%s\\n' '{cut}'; read x; read end"""
    outcome = await make(program(script)).turn(about("it"), lambda _: None)
    assert outcome.usage.model == "m-1"


async def test_nothing_but_rubbish_is_a_failed_turn(make: Make, program: Program, home: Path) -> None:
    heard: list[str] = []
    said = str(await failure(make(program("read x; yes nonsense")).turn(about("it"), heard.append)))
    assert said == "claude writes what is no stream of JSON events, such as 'nonsense'"
    assert len(heard) == MOST_RUBBISH
    assert running(home) == []


def longer(kind: str) -> str:
    """A script that writes an event longer than any that is read."""
    return f"""printf '{{"type":"{kind}","text":"'; head -c {LINE_BYTES + 9} /dev/zero | tr '\\0' x; echo '"}}'"""


async def test_an_event_that_is_too_long_is_left_out(make: Make, program: Program) -> None:
    heard: list[str] = []
    script = f"read x; {longer('user')}; echo '{RESULT}'; read end"
    await make(program(script)).turn(about("it"), heard.append)
    assert len(heard) == 2
    assert heard[1] == RESULT


async def test_a_result_that_is_too_long_ends_the_turn_still(make: Make, program: Program) -> None:
    said = str(await failure(make(program(f"read x; {longer('result')}; read end")).turn(about("it"), unheard)))
    assert said == "claude ended its turn with a line that is too long to be read"


async def test_closing_leaves_no_process(make: Make, program: Program, home: Path) -> None:
    runner = make(program(replayed("good")))
    await runner.turn(about("it"), unheard)
    assert running(home)
    await runner.close()
    assert running(home) == []
    await runner.close()


async def test_its_session_is_not_the_one_of_the_hive_s_own_program(make: Make, program: Program, home: Path) -> None:
    await make(program(replayed("good"))).turn(about("it"), unheard)
    (pid,) = running(home)
    assert os.getsid(pid) == pid


async def test_a_turn_that_nobody_waits_for_any_more_is_ended(make: Make, program: Program, home: Path) -> None:
    begun: Deferred[str] = Deferred()
    turn = Deferred.fromCoroutine(make(program(f"echo '{INIT}'; sleep 1000")).turn(about("it"), begun.callback))
    await begun
    turn.cancel()
    with pytest.raises(CancelledError):
        await turn
    assert running(home) == []


def test_it_is_a_runner(make: Make) -> None:
    assert verifyObject(IRunner, make("claude"))


async def test_without_a_session_there_is_nothing_to_shorten(make: Make) -> None:
    assert (await make("no-such-program").compact(unheard)).session is None


async def test_a_second_end_of_a_turn_does_not_end_the_next_one(make: Make, program: Program) -> None:
    script = f"while read x; do echo '{INIT}'; echo '{RESULT}'; echo '{RESULT}'; done"
    heard: list[str] = []
    runner = make(program(script))
    for _ in range(3):
        del heard[:]
        await runner.turn(about("it"), heard.append)
        assert heard[-2:] == [INIT, RESULT]


async def test_a_compaction_that_claude_does_not_say_it_made_was_none(make: Make, program: Program) -> None:
    runner = make(program(f"while read x; do echo '{INIT}'; echo '{RESULT}'; done"))
    await runner.turn(about("it"), unheard)
    error = await failure(runner.compact(unheard))
    assert type(error) is NotShortened
    assert str(error) == "the context was not shortened: claude ended without saying that it was"
    assert error.usage.session == "s-1"
