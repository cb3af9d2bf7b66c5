"""What every agent may ask on its own socket; the manager may ask all of it too. Seed: `AgentRequest`."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.fields import Body, Ids, Name, Options, Text, Unsigned, absent
from hyperhive.wire.turn_requests import TurnRequest


@frozen
class Send:
    """Send a message to an agent, the manager, the operator, or `*` (everyone else).

    `in_turn`: it belongs to the turn under way. To somebody whose message is in hand it is a reply to that one, unless
    `in_reply_to` names another; and a reply to a message in hand is kept until the turn ends, and leaves if that is
    well.
    """

    to: Name
    body: Body
    in_reply_to: int | None = absent()
    in_turn: bool | None = absent()


@frozen
class Recv:
    """Wait for mail, `wait_seconds` at most (30 if absent).

    Without `max` one message is leased to the connection; with it up to `max` are leased to the agent.
    """

    wait_seconds: Unsigned | None = absent()
    max: Unsigned | None = absent()


@frozen
class Status:
    """How many messages wait for me?"""


@frozen
class OperatorMsg:
    """A message from the operator to this agent, typed into the agent's own page."""

    body: Body


@frozen
class Recent:
    """The last `limit` messages to me, newest first, handing out none."""

    limit: Unsigned


@frozen
class AckTurn:
    """The messages `ids` are done; without `ids`, all leased ones whose answer is known to have been read."""

    ids: Ids | None = absent()


@frozen
class RequeueInflight:
    """Put leased messages back; it spends an attempt of each unless `spent` is false."""

    ids: Ids | None = absent()
    spent: bool | None = absent()


@frozen
class Renew:
    """I am still at work on what is leased to me."""


@frozen
class AskOperator:
    """Ask the operator; the answer comes later as an event. `ttl_seconds` after which it expires."""

    question: Text
    options: Options = ()
    multi: bool = False
    ttl_seconds: Unsigned | None = absent()


@frozen
class Ask:
    """Ask another agent; the answer comes later as an event."""

    to: Name
    question: Text
    options: Options = ()
    multi: bool = False
    ttl_seconds: Unsigned | None = absent()


@frozen
class Answer:
    """Answer a question: by `answer`, or by `choices` among its options and free `text`."""

    id: int
    answer: Text | None = absent()
    choices: Options | None = absent()
    text: Text | None = absent()


@frozen
class Remind:
    """Have a message delivered to me from `reminder`: after `delay_seconds`, or `at` (unix seconds)."""

    message: Body
    delay_seconds: Unsigned | None = absent()
    at: int | None = absent()

    def __attrs_post_init__(self) -> None:
        """Raises ValueError unless it is said when, in one way."""
        if (self.delay_seconds is None) == (self.at is None):
            message = "exactly one of 'delay_seconds' and 'at' must be given"
            raise ValueError(message)


@frozen
class Receipt:
    """What became of a message of mine?"""

    id: int


@frozen
class Whoami:
    """Who am I to the hive?"""


@frozen
class SetStatus:
    """What I am doing, in my own words, for the roster."""

    text: Text


@frozen
class GetOpenThreads:
    """What do I owe, and what am I owed?"""


AgentRequest = (
    Send | Recv | Status | OperatorMsg | Recent | AckTurn | RequeueInflight | Renew
    | AskOperator | Ask | Answer | Remind | Receipt | Whoami | SetStatus | GetOpenThreads
    | TurnRequest
)  # fmt: skip
