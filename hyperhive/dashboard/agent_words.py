"""How an agent stands, in the console's words: a state with its tone, what it is doing, what is being done to it."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from hyperhive import stream_words
from hyperhive.dashboard.templating import brief
from hyperhive.store.turn_views import UnderWay
from hyperhive.wire.records import AgentStatus, Operation
from hyperhive.wire.states import HarnessState, OperationKind, OperationState, TurnOutcome
from hyperhive.wire.turns import Turn

_BEING: Final = {
    OperationKind.SPAWN: "being spawned",
    OperationKind.START: "starting",
    OperationKind.STOP: "stopping",
    OperationKind.RESTART: "restarting",
    OperationKind.REBUILD: "being rebuilt",
    OperationKind.DESTROY: "being destroyed",
    OperationKind.INIT_CONFIG: "being prepared",
    OperationKind.DEPLOY: "being deployed",
}
_OPERATION_TONES: Final = {
    OperationState.QUEUED: "idle",
    OperationState.RUNNING: "busy",
    OperationState.SUCCEEDED: "ok",
    OperationState.FAILED: "bad",
    OperationState.UNKNOWN: "warn",
}


@frozen
class State:
    """A word, one of the tones that `bits.state` knows, when it is over by itself if that is known, and why it is."""

    word: str
    tone: str
    until: int | None = None
    why: str | None = None


def state_of(status: AgentStatus) -> State:
    """How the agent stands: what is worst comes first."""
    if status.failed:
        return State("failed", "bad", status.restart_at, status.failure)
    if not status.running:
        return State("paused, stopped" if status.paused else "stopped", "idle")
    if status.needs_login:
        return State("needs login", "warn", why=None if status.harness is None else status.harness.note)
    if status.paused:
        return State("paused", "warn", why=None if status.turn is None else "its last turn goes on")
    if status.turn is not None:
        return State("working", "busy")
    harness = status.harness
    if harness is not None and harness.state is HarnessState.LIMITED:
        return State("limited", "warn", harness.until, harness.note)
    if harness is not None and harness.state is HarnessState.WAITING:
        return State("waiting after a failure", "warn", harness.until, harness.note)
    return State("running", "ok")


def being(operation: Operation) -> str:
    """What is being done to the agent, or will be once an earlier operation has ended, such as `restarting`."""
    return _BEING[operation.kind]


def operation_tone(operation: Operation) -> str:
    """The tone of an operation's state."""
    return _OPERATION_TONES[operation.state]


def turn_state(turn: Turn) -> State:
    """How a turn stands or ended."""
    if turn.outcome is None:
        return State("goes on", "busy")
    tone = {TurnOutcome.DONE: "ok", TurnOutcome.FAILED: "bad"}.get(turn.outcome, "warn")
    return State(turn.outcome.value.replace("_", " "), tone, why=turn.error)


def subject_of(under_way: UnderWay) -> str | None:
    """The first line of the mail that the turn is about, cut; None if it is about none."""
    if under_way.about is None:
        return None
    return brief(under_way.about.body.strip().partition("\n")[0])


def last_tool(under_way: UnderWay) -> str | None:
    """The tool that was called last, as far back as the turn's last events are known."""
    for event in under_way.last:
        for word in reversed(stream_words.told(event.event)):
            if word.kind == stream_words.CALL:
                return word.name
    return None
