"""The client side of a conversation: ask, and get the answers in the order of the questions."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import orjson
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from hyperhive.wire.codec import HOST, Dialect, WireError

LONGEST_ANSWER: Final = 16 * 1024 * 1024


class ConnectionGone(ConnectionError):
    """There is no connection to the daemon: none could be made, or it ended before the answer."""


class WrongSocket(WireError):
    """Somebody answers, but in the words of another kind of socket; the text says whose it is, and which to use."""


class Asker(LineReceiver):
    """Asks over one connection; several questions may be under way.

    The wire has no numbers, answers are told apart by their order: cancelling one question therefore
    drops the connection, and a lost connection fails every question with ConnectionGone.
    """

    transport: Any
    delimiter = b"\n"
    MAX_LENGTH = LONGEST_ANSWER

    def __init__(self, dialect: Dialect[Any, Any]) -> None:
        self._dialect = dialect
        self._unanswered: deque[Deferred[bytes]] = deque()
        self._follower: Callable[[bytes], None] | None = None
        self._mourners: list[Deferred[None]] = []
        self.gone = False

    def ask(self, request: Any) -> Deferred[Any]:
        """The answer to `request`. Fails with WireError if the daemon's line can't be read."""
        return self.ask_for_line(self._dialect.line_of_request(request)).addCallback(self.read)

    def read(self, line: bytes) -> Any:
        """The answer in a line of the daemon's. Raises as `answer_in` does."""
        return answer_in(self._dialect, line, self._place)

    def ask_for_line(self, line: bytes) -> Deferred[bytes]:
        """The answer to a request that is a line already, as the line it came in."""
        if self.gone:
            return fail(ConnectionGone("the daemon closed the connection"))
        answered: Deferred[bytes] = Deferred(lambda _: self.abort())
        self._unanswered.append(answered)
        self.sendLine(line)
        return answered

    def follow(self, request: Any, each: Callable[[bytes], None]) -> Deferred[bytes]:
        """Subscribe: fires with the acknowledging line; from then on `each` gets every further line."""
        self._follower = each
        return self.ask_for_line(self._dialect.line_of_request(request))

    def abort(self) -> None:
        """Drop the connection now."""
        if self.transport is not None:
            self.transport.abortConnection()

    def close(self) -> Deferred[None]:
        """Close the connection; fires when that is done."""
        if self.transport is not None and not self.gone:
            self.transport.loseConnection()
        return self.when_lost()

    def when_lost(self) -> Deferred[None]:
        """Fires when the connection is gone, at once if it is. Everybody who asks has a Deferred of their own."""
        if self.gone:
            return succeed(None)
        lost: Deferred[None] = Deferred(self._mourners.remove)
        self._mourners.append(lost)
        return lost

    def lineReceived(self, line: bytes) -> None:
        """An answer, or a line of what is followed."""
        if self._unanswered:
            answered = self._unanswered.popleft()
            if not answered.called:
                answered.callback(line)
        elif self._follower is not None:
            self._follower(line)

    @property
    def _place(self) -> str:
        path = getattr(self.transport.getPeer(), "name", None) if self.transport is not None else None
        return os.fsdecode(path) if path else "this"

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nothing more will be answered."""
        self.gone = True
        unanswered, self._unanswered = self._unanswered, deque()
        for answered in unanswered:
            if not answered.called:
                answered.errback(ConnectionGone("the daemon closed the connection before it answered"))
        mourners, self._mourners = self._mourners, []
        for lost in mourners:
            lost.callback(None)


def answer_in(dialect: Dialect[Any, Any], line: bytes, place: str = "this") -> Any:
    """The answer in a line that came from the socket at `place`.

    Raises WrongSocket if one of another kind of socket says such a thing, WireError if none does.
    """
    try:
        return dialect.answer(line)
    except WireError:
        _check_kind_of_socket(line, dialect, place)
        raise


def _check_kind_of_socket(line: bytes, dialect: Dialect[Any, Any], place: str) -> None:
    try:
        answer = orjson.loads(line)
    except orjson.JSONDecodeError:
        return
    ours, theirs = ("ok", "kind") if dialect.name == HOST.name else ("kind", "ok")
    if not isinstance(answer, dict) or ours in answer or theirs not in answer:
        return
    if theirs == "ok":
        message = f"{place} is the operator's socket; use the agent's own, mcp.sock in the agent's run directory"
    else:
        message = f"{place} is an agent's socket; use the operator's, host.sock in the hive's run directory"
    raise WrongSocket(message)
