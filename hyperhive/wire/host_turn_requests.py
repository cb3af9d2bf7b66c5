"""What the operator may ask about the agents' turns, and order of them; and what is held between them."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.fields import Name, Position, Unsigned, absent


@frozen
class Turns:
    """The last turns, newest first: of one agent (`name`), and with ids below `before`."""

    limit: Unsigned
    name: Name | None = absent()
    before: int | None = absent()


@frozen
class TurnLog:
    """The stream of a turn, from its event after the one with the number `after` on."""

    turn: int
    after: Position | None = absent()


@frozen
class CancelTurn:
    """End the turn that the agent is in."""

    name: Name


@frozen
class Compact:
    """Let the agent write its notes and shorten its context, once it is between two turns."""

    name: Name


@frozen
class NewSession:
    """Let the agent begin a new session with its next turn."""

    name: Name


@frozen
class SetModel:
    """Let the agent work with that model from its next turn on; without one, with the configured one again."""

    name: Name
    model: Name | None = absent()


@frozen
class Login:
    """Give the agent's runner a token to log in with; without one, let it try again with what it has."""

    name: Name
    token: Name | None = absent()


@frozen
class Held:
    """The conversations between agents that are held."""


@frozen
class Release:
    """Let the mail of a held conversation go, and count anew."""

    thread: int


HostTurnRequest = Turns | TurnLog | CancelTurn | Compact | NewSession | SetModel | Login | Held | Release
