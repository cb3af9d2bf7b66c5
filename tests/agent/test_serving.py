"""`hive-agent serve` over a real socket with real commands."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, DeferredQueue
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from hyperhive.agent import command, program, runners
from hyperhive.agent.command import Command
from hyperhive.agent.command_runner import CommandRunner
from hyperhive.agent.link import Link
from hyperhive.agent.login_watch import LoginWatch
from hyperhive.agent.loop import Loop
from hyperhive.agent.program import NO_RUNNER, Agent
from hyperhive.agent.prompting import Prompts
from hyperhive.agent.setbacks import Setbacks
from hyperhive.agent.settings import CONTEXT_TOKENS, Settings
from hyperhive.agent.stream import DELAY
from hyperhive.agent.turn import LONGEST_TURN, RENEWAL
from hyperhive.agent.working import Working
from hyperhive.wire.agent_requests import Recv, Renew, Send, SetStatus, Whoami
from hyperhive.wire.fields import BODY_BYTES
from hyperhive.wire.states import HarnessState, OrderKind, TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn
from hyperhive.wire.turns import Order
from tests.agent.conftest import Gate
from tests.agent.small_hive import SmallHive

Serve = Callable[..., Agent]


class RecordingClock(Clock):
    """A clock that tells what is put into it, a turn later, when whoever put it there holds it."""

    def __init__(self, reactor: Any) -> None:
        super().__init__()
        self._reactor = reactor
        self.scheduled: DeferredQueue[float] = DeferredQueue()

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> IDelayedCall:  # noqa: A002
        call: IDelayedCall = super().callLater(delay, callable, *args, **kw)
        self._reactor.callLater(0, self.scheduled.put, delay)
        return call

    async def next_pause(self) -> float:
        """The next delay between two turns."""
        while (delay := await self.scheduled.get()) in {RENEWAL, LONGEST_TURN, DELAY}:
            pass
        return delay

    async def next_renewal(self) -> float:
        """The next delay that is a renewal's."""
        while (delay := await self.scheduled.get()) != RENEWAL:
            pass
        return delay


def shell(script: str) -> Settings:
    """A command that is a shell script."""
    return Settings(kind="command", command=("sh", "-c", script))


@pytest.fixture
def serve(reactor: Any, hive: SmallHive) -> Generator[Serve]:
    """Starts an agent that gives its mail to a shell script."""
    agents: list[Agent] = []

    def start(script: str | None) -> Agent:
        agents.append(Agent(reactor, hive.path, shell(script) if script else Settings(), {}))
        agents[-1].start()
        return agents[-1]

    yield start
    for agent in agents:
        pytest_twisted.blockon(Deferred.fromCoroutine(agent.stop()))


async def test_what_the_command_writes_becomes_the_reply_and_then_the_message_is_done(
    hive: SmallHive, serve: Serve
) -> None:
    number = hive.deliver("bob", "two\nlines, ünïcode")
    serve('printf "%s, you said: " "$HIVE_FROM"; cat; echo')
    await hive.until(lambda: hive.done == [number])
    assert hive.sent == [Send("bob", "bob, you said: two\nlines, ünïcode", number)]
    kinds = [type(request) for request in hive.asked if isinstance(request, Recv | Send | BeginTurn | EndTurn)]
    assert kinds[:4] == [Recv, BeginTurn, Send, EndTurn]
    assert hive.turns == [BeginTurn((number,), "command")]


async def test_a_body_larger_than_a_pipe_reaches_the_command_whole(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("bob", "\0" + "x" * (BODY_BYTES - 1))
    serve("wc -c | tr -d ' '")
    await hive.until(lambda: hive.done)
    assert [reply.body for reply in hive.sent] == [str(BODY_BYTES)]


async def test_a_command_that_does_not_read_its_message_may_still_succeed(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("bob", "x" * BODY_BYTES)
    serve("echo whatever")
    await hive.until(lambda: hive.done)
    assert [reply.body for reply in hive.sent] == ["whatever"]


async def test_the_environment_says_whose_message_it_is_and_whether_it_was_here_before(
    hive: SmallHive, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIVE_REDELIVERED", "1")
    monkeypatch.setenv("HIVE_AGENT", "alice")
    told = tmp_path / "told"
    hive.deliver("bob", "")
    hive.deliver("carol", "", in_reply_to=-4)
    serve(
        'echo "$HIVE_AGENT $HIVE_FROM $HIVE_MESSAGE_ID ${HIVE_REDELIVERED-new} ${HIVE_IN_REPLY_TO-none}"'
        f' >> {told}; test "$HIVE_FROM" != bob || test -n "$HIVE_REDELIVERED"'
    )
    await hive.until(lambda: hive.done == [1, 2])
    assert told.read_text().splitlines() == ["alice bob 1 new none", "alice bob 1 1 none", "alice carol 2 new -4"]


@pytest.mark.parametrize(("sender", "in_reply_to"), [("system", None), ("reminder", None), ("bob", 3), ("operator", 3)])
async def test_who_must_not_be_replied_to_is_not(
    hive: SmallHive, serve: Serve, sender: str, in_reply_to: int | None
) -> None:
    number = hive.deliver(sender, "thank you", in_reply_to)
    serve("echo no, thank YOU")
    await hive.until(lambda: hive.done == [number])
    assert hive.sent == []


@pytest.mark.parametrize("output", ["", "\\n", " \\t\\n\\n"])
async def test_an_output_of_white_space_is_no_reply(hive: SmallHive, serve: Serve, output: str) -> None:
    number = hive.deliver("bob", "hello")
    serve(f"printf '{output}'")
    await hive.until(lambda: hive.done == [number])
    assert hive.sent == []


async def test_two_agents_with_a_talkative_command_exchange_one_reply(hive: SmallHive, serve: Serve) -> None:
    serve("echo thank you")
    await hive.until(hive.parked)
    hive.deliver("bob", "hello")
    await hive.until(lambda: hive.done == [1])
    reply = hive.sent[0]
    hive.deliver("bob", reply.body, in_reply_to=reply.in_reply_to)
    await hive.until(lambda: hive.done == [1, 3])
    assert hive.sent == [reply]


async def test_the_operator_gets_a_reply(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("operator", "are you there?")
    serve("echo yes")
    await hive.until(lambda: hive.done)
    assert hive.sent == [Send("operator", "yes", 1)]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo half a reply; exit 3", "the command exited with status 3"),
        ("kill -KILL $$", "the command was killed by SIGKILL"),
        ("kill -35 $$", "the command was killed by signal 35"),
        ("printf '\\377'", "the command wrote what is not UTF-8"),
        ("yes", f"the command wrote more than the {BODY_BYTES} bytes that a message holds"),
    ],
)
async def test_a_message_whose_command_failed_is_put_back(
    hive: SmallHive, serve: Serve, said: list[str], script: str, reason: str
) -> None:
    bad = hive.deliver("bob", "bad")
    serve(script)
    await hive.until(lambda: hive.stands(HarnessState.WAITING))
    assert hive.put_back == [(bad, True)]
    assert hive.sent == []
    assert f"message 1 from bob: put back, as {reason}" in said


async def test_a_program_that_is_not_there_puts_the_message_back(
    reactor: Any, hive: SmallHive, said: list[str]
) -> None:
    agent = Agent(reactor, hive.path, Settings(kind="command", command=("/nowhere/runner",)), {})
    agent.start()
    hive.deliver("bob", "hello")
    await hive.until(lambda: hive.stands(HarnessState.WAITING))
    await agent.stop()
    assert hive.put_back == [(1, True)]
    assert "message 1 from bob: put back, as the command '/nowhere/runner' is not there, or may not be run" in said


class Impatience:
    """Tries to connect without a pause; `fifth` fires after the fifth failure in a row."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.fifth: Deferred[None] = Deferred()

    def __call__(self, failures: int) -> float:
        if failures == 5:
            self._reactor.callLater(0, self.fifth.callback, None)
        return 0.0


def when_cancelled(failure: Failure) -> None:
    """That it was cancelled is how it ends."""
    failure.trap(CancelledError)


@pytest.fixture
def clock(reactor: Any) -> RecordingClock:
    return RecordingClock(reactor)


@pytest.fixture
def serve_by_clock(reactor: Any, hive: SmallHive, clock: RecordingClock) -> Generator[Callable[[str], None]]:
    """Starts an agent whose pauses and renewals go by `clock`."""
    links = Link(reactor, hive.path), Link(reactor, hive.path, silent=True)
    parts: list[tuple[Loop, Deferred[None]]] = []

    def start(script: str) -> None:
        runner = CommandRunner(Command(reactor, ["sh", "-c", script]))
        loop = Loop(
            clock,
            links[0],
            links[1],
            runner,
            Working(links[0], runner, Prompts(places={})),
            setbacks=Setbacks(clock, lambda: 0.0),
            login=LoginWatch(clock, None),
            context_tokens=CONTEXT_TOKENS,
        )
        for link in links:
            link.start()
        parts.append((loop, Deferred.fromCoroutine(loop.serve())))

    yield start
    for loop, served in parts:
        loop.stop(0)
        pytest_twisted.blockon(served.addErrback(when_cancelled))
    for link in links:
        pytest_twisted.blockon(link.stop())


async def test_after_failures_no_mail_is_taken_for_one_two_four_seconds(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock
) -> None:
    hive.deliver("bob", "hello")
    serve_by_clock("exit 1")
    pauses = []
    for _ in range(5):
        pauses.append(await clock.next_pause())
        assert not hive.parked()
        clock.advance(pauses[-1])
    await hive.until(hive.parked)
    assert pauses == [1, 2, 4, 8, 16]
    assert hive.dead == [1]


async def test_a_message_that_fails_is_not_overtaken_until_it_is_given_up(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, tmp_path: Path
) -> None:
    bad, good = hive.deliver("bob", "bad"), hive.deliver("bob", "good")
    order = tmp_path / "order"
    serve_by_clock(f'echo $HIVE_MESSAGE_ID >> {order}; test "$(cat)" = good')
    for _ in range(5):
        clock.advance(await clock.next_pause())
    await hive.until(lambda: hive.done)
    assert (hive.dead, hive.done) == ([bad], [good])
    assert order.read_text().split() == ["1", "1", "1", "1", "1", "2"]


async def test_a_message_without_a_failure_ends_the_pauses(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock
) -> None:
    hive.deliver("bob", "bad")
    serve_by_clock('test -n "$HIVE_REDELIVERED"')
    clock.advance(await clock.next_pause())
    await hive.until(hive.parked)
    hive.deliver("bob", "bad again")
    assert await clock.next_pause() == 1


async def test_while_a_command_runs_its_message_is_kept(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, gate: Gate
) -> None:
    hive.deliver("bob", "hello")
    serve_by_clock(gate.script)
    for renewals in 1, 2:
        await clock.next_renewal()
        clock.advance(RENEWAL)
        await hive.until(partial(renewed, hive, renewals))
    gate.open()
    await hive.until(hive.parked)
    assert clock.getDelayedCalls() == []


def renewed(hive: SmallHive, times: int) -> bool:
    return hive.asked.count(Renew()) == times


async def test_a_renewal_that_is_refused_is_said_and_tried_again(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, gate: Gate, said: list[str]
) -> None:
    hive.refusals[Renew] = "not now"
    hive.deliver("bob", "hello")
    serve_by_clock(gate.script)
    for renewals in 1, 2:
        await clock.next_renewal()
        clock.advance(RENEWAL)
        await hive.until(partial(renewed, hive, renewals))
    gate.open()
    await hive.until(lambda: hive.done)
    assert said.count("the messages in hand could not be kept longer: not now") == 2


async def test_a_refused_reply_is_sent_again_and_not_worked_out_again(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, tmp_path: Path, said: list[str]
) -> None:
    hive.refusals[Send] = "'bob' is not in the hive"
    hive.deliver("bob", "hello")
    serve_by_clock(f"echo ran >> {tmp_path / 'runs'}; echo reply")
    pause = await clock.next_pause()
    assert hive.put_back == [(1, True)]
    assert "message 1 from bob: put back, as its reply was refused: 'bob' is not in the hive" in said
    del hive.refusals[Send]
    clock.advance(pause)
    await hive.until(lambda: hive.done)
    assert hive.sent == [Send("bob", "reply", 1)]
    assert (tmp_path / "runs").read_text() == "ran\n"


async def test_a_hive_that_hands_out_no_mail_is_asked_again_after_a_pause(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, said: list[str]
) -> None:
    hive.refusals[Recv] = "the hive is closing"
    serve_by_clock("cat")
    pause = await clock.next_pause()
    del hive.refusals[Recv]
    clock.advance(pause)
    await hive.until(hive.parked)
    assert "no mail was handed out: the hive is closing" in said


async def test_a_message_under_way_when_the_daemon_goes_is_answered_and_done_when_it_is_back(
    hive: SmallHive, serve: Serve, gate: Gate, tmp_path: Path
) -> None:
    hive.deliver("bob", "hello")
    hive.deliver("carol", "hello")
    serve(f'echo ran >> {tmp_path / "runs"}; test "$HIVE_FROM" != bob || {{ {gate.script}; }}; echo "$HIVE_FROM"')
    await gate.reached()
    await hive.close()
    gate.open()
    hive.open()
    await hive.until(lambda: hive.done == [1, 2])
    await hive.until(hive.parked)
    assert hive.sent == [Send("bob", "bob", 1), Send("carol", "carol", 2)]
    assert (tmp_path / "runs").read_text() == "ran\nran\n"


async def test_a_reply_whose_acceptance_was_never_heard_is_sent_again(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("bob", "hello")
    hive.until(lambda: hive.kept).addCallback(lambda _: hive.drop())
    serve("echo reply")
    await hive.until(lambda: hive.done == [1])
    assert hive.sent == [Send("bob", "reply", 1)] * 2


async def test_an_outage_is_logged_once_and_its_end_too(reactor: Any, hive: SmallHive, said: list[str]) -> None:
    retry = Impatience(reactor)
    link = Link(reactor, hive.path, retry)
    link.start()
    await link.ask(Renew())
    await hive.close()
    await retry.fifth
    hive.open()
    await link.ask(Renew())
    await link.stop()
    assert said == [
        "connected as alice (agent) of testhive, start 3",
        "the daemon closed the connection; trying until it is back",
        "connected as alice (agent) of testhive, start 3",
    ]


async def test_a_missing_daemon_is_logged_once_with_its_path(reactor: Any, said: list[str], tmp_path: Path) -> None:
    retry = Impatience(reactor)
    link = Link(reactor, str(tmp_path / "none"), retry)
    link.start()
    await retry.fifth
    await link.stop()
    assert said == [f"no daemon answers at {tmp_path / 'none'}: No such file or directory; trying until it works"]


async def test_a_link_that_is_stopped_while_it_connects_is_stopped(reactor: Any, hive: SmallHive) -> None:
    link = Link(reactor, hive.path)
    over = link.start()  # a Unix socket is connected in the reactor's next turn
    await link.stop()
    await over


async def test_a_daemon_that_does_not_say_who_we_are_is_tried_again(
    reactor: Any, hive: SmallHive, said: list[str]
) -> None:
    hive.refusals[Whoami] = "64 connections are open on this socket"
    link = Link(reactor, hive.path, Impatience(reactor))
    link.start()
    await hive.until(lambda: hive.asked.count(Whoami()) == 3)
    del hive.refusals[Whoami]
    await link.ask(Renew())
    await link.stop()
    assert said[0] == "64 connections are open on this socket; trying until it works"
    assert len(said) == 2


async def test_without_a_runner_mail_stays_where_it_is_and_the_log_says_why(
    hive: SmallHive, serve: Serve, said: list[str]
) -> None:
    hive.deliver("bob", "hello")
    serve(None)
    await hive.until(lambda: Whoami() in hive.asked)
    assert said[0] == NO_RUNNER
    assert hive.unread() == 1


async def test_stopping_ends_the_command_and_puts_its_message_back_at_no_cost(
    hive: SmallHive, serve: Serve, gate: Gate, said: list[str]
) -> None:
    for body in "one", "two", "three":
        hive.deliver("bob", body)
    agent = serve(gate.script)
    await gate.reached()
    await agent.stop()
    assert hive.put_back == [(1, False)]
    assert hive.unread() == 3
    assert said[-1] == "message 1 from bob: put back, as hive-agent is stopping"


async def test_a_command_that_ends_well_when_told_to_stop_has_done_its_work(
    hive: SmallHive, serve: Serve, gate: Gate
) -> None:
    hive.deliver("bob", "one")
    agent = serve(f"trap 'echo in haste; exit 0' TERM; {gate.script}")
    await gate.reached()
    await agent.stop()
    assert hive.sent == [Send("bob", "in haste", 1)]
    assert hive.done == [1]


async def test_a_command_that_ignores_being_told_is_killed_with_all_its_children(
    hive: SmallHive, serve: Serve, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "GRACE", 0.1)
    hive.deliver("bob", "one")
    agent = serve(f"trap '' TERM; {gate.knock} stays & {gate.script}")
    await gate.reached()
    await hive.until(lambda: SetStatus("stays") in hive.asked)
    await agent.stop()
    assert hive.put_back == [(1, False)]
    await hive.until(lambda: not hive.connections)


async def test_what_a_command_left_behind_does_not_hold_up_its_reply(
    hive: SmallHive, serve: Serve, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.setattr(command, "GRACE", 0.1)
    hive.deliver("bob", "one")
    serve(f"echo reply; ({gate.script}) &")
    await hive.until(lambda: hive.done)
    assert hive.sent == [Send("bob", "reply", 1)]
    gate.open()


async def test_a_stopped_agent_whose_daemon_is_away_leaves_in_time(
    hive: SmallHive, serve: Serve, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "SETTLING", 0.1)
    monkeypatch.setattr(program, "GRACE", 0.1)
    hive.deliver("bob", "one")
    agent = serve(gate.script)
    await gate.reached()
    await hive.close()
    await agent.stop()
    assert hive.put_back == []


async def test_a_stopped_agent_whose_daemon_comes_back_in_time_puts_its_mail_back(
    hive: SmallHive, serve: Serve, gate: Gate
) -> None:
    hive.deliver("bob", "one")
    agent = serve(f"trap '{gate.knock} told-to-stop; exit 1' TERM; {gate.script}")
    await gate.reached()
    hive.until(lambda: SetStatus("told-to-stop") in hive.asked).addCallback(lambda _: hive.drop())
    await agent.stop()
    assert hive.put_back == [(1, False)]


async def test_an_order_reaches_the_turn_under_way_over_the_real_lines(
    hive: SmallHive, serve: Serve, gate: Gate
) -> None:
    hive.deliver("bob", "hello")
    serve(f'test -n "$HIVE_REDELIVERED" || {{ {gate.script}; }}')
    await gate.reached()
    await hive.until(hive.listened)
    hive.order(Order(id=1, order=OrderKind.CANCEL_TURN, turn=1))
    await hive.until(lambda: hive.done)
    assert [end.outcome for end in hive.ended] == [TurnOutcome.CANCELLED, TurnOutcome.DONE]
    assert hive.put_back == [(1, True)]


async def test_an_order_breaks_off_the_wait_for_mail_and_the_wait_goes_on(
    hive: SmallHive, serve: Serve, said: list[str]
) -> None:
    serve("cat")
    await hive.until(hive.parked)
    await hive.until(hive.listened)
    hive.order(Order(id=1, order=OrderKind.COMPACT))
    await hive.until(lambda: hive.ended)
    await hive.until(hive.parked)
    hive.deliver("bob", "hello")
    await hive.until(lambda: hive.done)
    assert [turn.ids for turn in hive.turns] == [(), (1,)]
    assert said[:2] == [
        "connected as alice (agent) of testhive, start 3",
        "the operator's order is carried out: compact",
    ]


async def test_what_a_command_writes_is_the_stream_of_its_turn_though_it_fails(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("bob", "hello")
    serve("printf 'one\\ntwo\\377\\nthree'; exit 1")
    await hive.until(lambda: hive.ended)
    assert hive.stream == ["one", "two\N{REPLACEMENT CHARACTER}", "three"]


async def test_a_command_may_end_well_in_the_grace_of_a_stop(reactor: Any, hive: SmallHive, gate: Gate) -> None:
    hive.deliver("bob", "hello")
    agent = Agent(reactor, hive.path, evolve(shell(f"{gate.script}; echo made it"), grace=20.0), {})
    agent.start()
    await gate.reached()
    over = Deferred.fromCoroutine(agent.stop())
    gate.open()
    await over
    assert hive.sent == [Send("bob", "made it", 1)]
    assert hive.done == [1]


async def test_a_runner_that_can_not_be_had_is_one_sentence_and_status_1(
    reactor: Any, hive: SmallHive, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "CLAUDE_ROOM", "hyperhive.agent.nowhere")
    agent = Agent(Unstoppable(reactor), hive.path, Settings(kind="claude"), {})
    agent.start()
    await hive.until(lambda: Whoami() in hive.asked)
    await agent._served
    await agent.stop()
    assert agent.status == 1
    assert said[-1].startswith("this hyperhive has no runner 'claude'")


class Unstoppable:
    """The reactor, which goes on when it is told to stop."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def stop(self) -> None:
        """Not while the tests run."""
