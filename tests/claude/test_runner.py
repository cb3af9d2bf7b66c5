"""The runner with programs in the CLI's place: recordings of the real one, and such as go wrong."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from hyperhive.agent.claude import process as process_module
from hyperhive.agent.claude import runner as runner_module
from hyperhive.agent.claude.memory import SESSION, TOKEN
from hyperhive.agent.claude.process import LINE_BYTES
from hyperhive.agent.claude.turn import MOST_RUBBISH
from hyperhive.agent.runner import Cancelled, Limited, NotLoggedIn, PromptTooLong, TurnError
from hyperhive.wire.fields import EVENT_BYTES
from tests.claude import replay
from tests.claude.conftest import Log, Make, about, failure, running, unheard
from tests.claude.record import STREAMS

Program = Callable[[str], Path]
RESULT = '{"type":"result","is_error":false,"num_turns":1}'
INIT = '{"type":"system","subtype":"init","session_id":"s-1","model":"m-1"}'


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a program of a shell script."""

    def make(script: str) -> Path:
        path = tmp_path / "claude"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


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


async def test_nothing_but_rubbish_is_a_failed_turn(make: Make, program: Program, home: Path) -> None:
    heard: list[str] = []
    said = str(await failure(make(program("read x; yes nonsense")).turn(about("it"), heard.append)))
    assert said == "claude writes what is no stream of JSON events, such as 'nonsense'"
    assert len(heard) == MOST_RUBBISH
    assert running(home) == []


def longer(kind: str) -> str:
    """A script that writes an event longer than any that is read."""
    return f"""printf '{{"type":"{kind}","text":"'; head -c {LINE_BYTES + 9} /dev/zero | tr '\\0' x; echo '"}}'"""


async def test_an_event_that_is_too_long_is_cut_for_the_log_and_left_out(make: Make, program: Program) -> None:
    heard: list[str] = []
    script = f"read x; {longer('user')}; echo '{RESULT}'; read end"
    await make(program(script)).turn(about("it"), heard.append)
    assert [len(line.encode()) for line in heard] == [EVENT_BYTES, len(RESULT)]


async def test_a_result_that_is_too_long_ends_the_turn_still(make: Make, program: Program) -> None:
    said = str(await failure(make(program(f"read x; {longer('result')}; read end")).turn(about("it"), unheard)))
    assert said == "claude ended its turn with a line that is too long to be read"


async def test_it_remembers_its_session_and_resumes_it(make: Make, program: Program, tmp_path: Path) -> None:
    script = f"""echo "$*" >> {tmp_path}/calls; echo '{INIT}'; echo '{RESULT}'; read x"""
    await make(program(script)).turn(about("it"), unheard)
    await make(program(script)).turn(about("it"), unheard)
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert "--resume" not in first
    assert second.endswith("--resume s-1")
    assert (tmp_path / "state" / SESSION).read_text() == "s-1\n"


@pytest.mark.parametrize("how", [replayed("no-session", status="1").removeprefix("exec "), "exit 1"])
async def test_a_session_that_can_not_be_resumed_is_followed_by_a_new_one(
    make: Make, program: Program, tmp_path: Path, log: Log, how: str
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / SESSION).write_text("00000000-0000-4000-8000-000000000000\n")
    script = f"""case "$*" in *--resume*) {how}; exit 1;; esac; echo '{INIT}'; echo '{RESULT}'; read x; read x"""
    await make(program(script)).turn(about("it"), unheard)
    assert (tmp_path / "state" / SESSION).read_text() == "s-1\n"
    assert [line for line in log.lines if "can't be resumed" in line and "a new one begins" in line]


async def test_a_program_that_never_starts_does_not_cost_the_session(
    make: Make, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / SESSION).write_text("s-0\n")
    await failure(make(program("exit 1")).turn(about("it"), unheard))
    assert (tmp_path / "state" / SESSION).read_text() == "s-0\n"


async def test_a_renewed_session_is_not_resumed_even_if_that_came_in_a_turn(
    make: Make, program: Program, tmp_path: Path
) -> None:
    script = f"""echo "$*" >> {tmp_path}/calls; echo '{INIT}'; echo '{RESULT}'; read x; read x"""
    runner = make(program(script))
    await runner.turn(about("it"), lambda _: runner.renew_session())
    assert not (tmp_path / "state" / SESSION).exists()
    await runner.turn(about("it"), unheard)
    assert "--resume" not in (tmp_path / "calls").read_text()
    assert (tmp_path / "state" / SESSION).exists()


async def test_another_model_is_taken_from_the_next_turn_on(make: Make, program: Program, tmp_path: Path) -> None:
    script = f"""echo "$*" >> {tmp_path}/calls; echo '{INIT}'; echo '{RESULT}'; read x; read x"""
    runner = make(program(script), model="configured")
    assert runner.model == "configured"
    await runner.turn(about("it"), unheard)
    runner.use_model("chosen")
    assert runner.model == "chosen"
    await runner.turn(about("it"), unheard)
    runner.use_model(None)
    await runner.turn(about("it"), unheard)
    models = [line.partition("--model ")[2].split()[0] for line in (tmp_path / "calls").read_text().splitlines()]
    assert models == ["configured", "chosen", "configured"]


async def test_a_token_is_kept_for_its_owner_alone_and_given_to_the_next_process(
    make: Make, program: Program, tmp_path: Path
) -> None:
    script = f"""echo "$CLAUDE_CODE_OAUTH_TOKEN" >> {tmp_path}/tokens; echo '{INIT}'; echo '{RESULT}'; read x; read x"""
    runner = make(program(script))
    await runner.turn(about("it"), unheard)
    runner.use_token("secret")
    await runner.turn(about("it"), unheard)
    await make(program(script)).turn(about("it"), unheard)
    assert (tmp_path / "tokens").read_text() == "\nsecret\nsecret\n"
    kept = tmp_path / "credentials" / TOKEN
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    runner.use_token(None)
    assert not kept.exists()


async def test_what_can_not_be_kept_is_said_in_the_log_and_used_all_the_same(
    make: Make, program: Program, tmp_path: Path, log: Log
) -> None:
    (tmp_path / "state").write_text("no directory")
    runner = make(program(f"echo '{INIT}'; echo '{RESULT}'; read x; read x"))
    await runner.turn(about("it"), unheard)
    assert [line for line in log.lines if f"state/{SESSION} can't be written" in line]


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


async def test_without_a_session_there_is_nothing_to_shorten(make: Make) -> None:
    assert (await make("no-such-program").compact(unheard)).session is None
