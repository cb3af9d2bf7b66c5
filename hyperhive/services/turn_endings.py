"""How a turn ends in the tables: the turn, its mail, and the replies that it kept, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from hyperhive.errors import Refused, brief
from hyperhive.limits import MailLimits
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.store import dead_letters, harnesses, kept_replies, leases, turns
from hyperhive.store.database import Connection
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turns import Turn, Usage

_WHY = {
    TurnOutcome.FAILED: "its turn failed",
    TurnOutcome.CANCELLED: "its turn was cancelled",
    TurnOutcome.LIMITED: "the provider took no more in its turn",
    TurnOutcome.NEEDS_LOGIN: "its turn found nobody logged in",
    TurnOutcome.INTERRUPTED: "its turn was interrupted",
}
SUPERSEDED = "another turn began before it ended"


@frozen(kw_only=True)
class Ending:
    """What a harness says of a turn's end. `spent`: where it was not `done`, that costs its mail an attempt.

    `read` and `unread` is what is leased to the agent: what it is known to have read, and the rest.
    """

    agent: str
    turn: int
    outcome: TurnOutcome
    spent: bool = True
    error: str | None = None
    usage: Usage = Usage()
    read: Sequence[int] = ()
    unread: Sequence[int] = ()


@frozen
class Over:
    """What an end did: the turn's messages that were settled or queued again, and those it never came to see."""

    ids: Sequence[int] = ()
    unseen: Sequence[int] = ()
    effects: Effects = field(factory=Effects)


def end(connection: Connection, ending: Ending, limits: MailLimits, now: int) -> Over:
    """End a turn, and its mail with it; nothing, where it has ended in that way already. Raises Refused."""
    turn = turns.own(connection, ending.turn, ending.agent)
    if turn.outcome is not None:
        _check_repeated(turn, ending.outcome)
        return Over()
    effects = Effects(rows=[(Kind.TURN, turn.id, turn.agent)])
    leased = leases.leased_in(connection, turn.agent, turn.id)
    seen = set(turn.messages) | (leased & set(ending.read))
    if ending.outcome is TurnOutcome.DONE:
        seen.update(kept_replies.causes(connection, turn.id))  # who answered it has read it
        ids = leases.acknowledge(connection, turn.agent, sorted(seen), now)
        effects.told += kept_replies.leave(connection, turn.id, turn.agent, limits, now)
    else:
        ids = sorted(leased & seen)
        effects.told += _put_back(connection, ids, ending, limits, now)
        kept_replies.forget(connection, turn.id)
    unseen = sorted((leased & set(ending.unread)) - seen)
    leases.requeue(connection, unseen, now, spent=False, limits=limits, why="")
    turns.close(connection, turn.id, ending.outcome, ending.error, ending.usage, now)
    if turn.agent != MANAGER:
        _tell_manager(connection, effects, turn, ending, ids, now)
    return Over(ids, unseen, effects)


def supersede(connection: Connection, opening: turns.Opening, limits: MailLimits) -> Over:
    """End the turn that the agent is in, as another begins: its mail that the new one is not about is queued again."""
    turn = turns.interrupt(connection, opening.agent, SUPERSEDED, opening.at)
    if turn is None:
        return Over()
    effects = Effects(rows=[(Kind.TURN, turn, opening.agent)])
    ids = sorted((leases.leased_in(connection, opening.agent, turn) & opening.handed) - set(opening.ids))
    why = _WHY[TurnOutcome.INTERRUPTED]
    effects.told += leases.requeue(connection, ids, opening.at, spent=True, limits=limits, why=why)
    return Over(ids, (), effects)


def _tell_manager(
    connection: Connection, effects: Effects, turn: Turn, ending: Ending, ids: Sequence[int], now: int
) -> None:
    """Tell it of a turn that failed, but not of every attempt at the same mail; and of a login that works again."""
    if ending.outcome is TurnOutcome.DONE:
        if harnesses.worked(connection, turn.agent):
            effects.tell_manager(connection, events.LoggedIn(turn.agent), now)
    elif ending.outcome is TurnOutcome.FAILED:
        about = sorted({*turn.messages, *ids})
        if not turns.has_failed_before(connection, turn, about) or dead_letters.any_of(connection, ids):
            note = ending.error or "it did not say why"
            effects.tell_manager(connection, events.TurnFailed(agent=turn.agent, turn=turn.id, note=note), now)


def _put_back(
    connection: Connection, ids: Sequence[int], ending: Ending, limits: MailLimits, now: int
) -> list[tuple[int, str]]:
    why = _WHY[ending.outcome] + (f" ({brief(ending.error)})" if ending.error else "")
    return leases.requeue(connection, ids, now, spent=ending.spent, limits=limits, why=why)


def _check_repeated(turn: Turn, outcome: TurnOutcome) -> None:
    """Raises Refused unless the turn, which has ended, ended in that way."""
    if turn.outcome is outcome:
        return
    if turn.outcome is TurnOutcome.INTERRUPTED:
        message = f"turn {turn.id} was interrupted ({turn.error}): its mail was queued again, its replies were not sent"
    else:
        message = f"turn {turn.id} has ended already, and not as '{outcome.value}' but as '{_ended_as(turn)}'"
    raise Refused(message)


def _ended_as(turn: Turn) -> str:
    return "open" if turn.outcome is None else turn.outcome.value
