"""What the runner remembers from one process to the next: session, model, token, and whom it has started."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hyperhive.agent.claude.memory import SESSION, TOKEN
from tests.claude.conftest import INIT, RESULT, Log, Make, Program, about, failure, running, unheard
from tests.claude.test_runner import replayed


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


async def test_what_a_program_that_was_killed_left_behind_is_ended_by_the_next(
    make: Make, program: Program, home: Path
) -> None:
    script = f"""setsid sleep 1000 & echo '{INIT}'; echo '{RESULT}'; read x; read x"""
    await make(program(script)).turn(about("it"), unheard)
    before = running(home)
    await make(program(script)).turn(about("it"), unheard)
    assert before
    assert not set(before) & set(running(home))
