"""What the CLI's events mean. Nothing here runs anything; a turn's events go in, what became of the turn comes out.

Failures are known by the fields of events alone, never by what a model wrote. The `result` of a turn that failed is
the CLI's own sentence, and becomes the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hyperhive.agent.runner import Limited, NotLoggedIn, NotShortened, PromptTooLong, TurnError
from hyperhive.wire.fields import I64, NAME_BYTES
from hyperhive.wire.turns import Usage

Event = Mapping[str, Any]

SYNTHETIC: Final = "<synthetic>"
"""The model of what the CLI says in a model's place."""
NO_LOGIN: Final = ("authentication_failed", "oauth_org_not_allowed")
LIMITS: Final = ("rate_limit", "billing_error")
"""What it calls those failures in `error`."""
ADVICE: Final = "/login"
"""What stands in its word on how to log in, for somebody who sits before it."""
LONGEST_WAIT: Final = 60.0
"""Seconds that it may wait before it tries again; for longer ones the turn is given up, and the mail waits."""
LONGEST_REASON: Final = 500
MOST: Final = I64.most
"""What is counted higher than the wire takes is as if nothing had been said."""


class NoSession(TurnError):
    """There is no session with the number that it was told to resume."""


class Reading:
    """Reads the events of one turn. `session` and `model` are what they said, None where they did not.

    `forgot`: the context was shortened meanwhile. `begun`: the CLI has shown that it has read the turn's prompt, by
    the `init` with which it begins each turn. What ends a turn before that, or is said in one, belongs to an earlier
    turn; a `fresh` process had none.
    """

    def __init__(self, resumed: str | None = None, *, fresh: bool = True) -> None:
        self.session: str | None = None
        self.model: str | None = None
        self.forgot = False
        self.begun = fresh
        self._resumed = resumed
        self._context: int | None = None
        self._error: str | None = None
        self._until: float | None = None
        self._compaction: str | None = None

    def read(self, event: Event, now: float) -> Usage | TurnError | None:
        """The next event, at that time in unix seconds. What the turn took once it ended well, or why it failed."""
        match event:
            case {"type": "system", "subtype": "init"}:
                self.begun = True
                self.session, self.model = name(event.get("session_id")), name(event.get("model"))
            case {"type": "system", "subtype": "status", "compact_result": "failed"}:
                self._compaction = text(event.get("compact_error")) or "it did not say why"
            case {"type": "system", "subtype": "compact_boundary"}:
                self.forgot = True
                self._context = whole(mapping(event.get("compact_metadata")).get("post_tokens"))
            case _ if self.begun:
                return self._goes_on(event, now)
        return None

    def _goes_on(self, event: Event, now: float) -> Usage | TurnError | None:
        """What is said in a turn that has begun."""
        match event:
            case {"type": "system", "subtype": "api_retry"}:
                return self._waits(event, now)
            case {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", **info}}:
                self._until = number(info.get("resetsAt"))
            case {"type": "assistant", "message": Mapping() as message}:
                self._speaks(event, message)
            case {"type": "result"}:
                return self._ends(event)
        return None

    @property
    def resuming(self) -> bool:
        """Whether it has not said yet that it goes on with the session that it was told to resume."""
        return self._resumed is not None and self.session is None

    def usage(self, result: Event) -> Usage:
        """What a turn took, by its last event."""
        models = mapping(result.get("model_usage_since_last_result")).values()
        costs = [cost for taken in models if (cost := number(mapping(taken).get("costUSD"))) is not None]
        return Usage(
            model=self.model,
            session=self.session or name(result.get("session_id")),
            **_tokens(mapping(result.get("usage"))),
            context_tokens=self._context,
            cost_micros=whole(round(sum(costs) * 1e6)) if costs else None,
            duration_ms=whole(result.get("duration_ms")),
        )

    def _waits(self, event: Event, now: float) -> TurnError | None:
        """It would try again by itself: in vain where it is not logged in, too long where a limit lasts."""
        if event.get("error") in NO_LOGIN or event.get("error_status") == 401:
            return NotLoggedIn("the provider refuses the login")
        wait = (number(event.get("retry_delay_ms")) or 0) / 1000
        if event.get("error") in LIMITS and wait > LONGEST_WAIT:
            return Limited("the provider takes no more for now", now + wait)
        return None

    def _speaks(self, event: Event, message: Event) -> None:
        if message.get("model") == SYNTHETIC:
            self._error = text(event.get("error"))
            info = mapping(mapping(event.get("api_error_params")).get("rate_limit_info"))
            self._until = number(info.get("resetsAt")) or self._until
        elif event.get("parent_tool_use_id") is None:
            tokens = sum(whole(value) or 0 for what, value in _used(message) if what in _CONTEXT)
            self._context = whole(tokens) or None

    def _ends(self, event: Event) -> Usage | TurnError:
        usage = self.usage(event)
        if self._compaction is not None and event.get("local_command") == "compact":
            return NotShortened(f"the context could not be shortened: {brief(self._compaction)}", usage)
        if not event.get("is_error"):
            return usage
        reason = brief(text(event.get("result")) or _errors(event) or "it did not say why")
        if self.resuming and str(self._resumed) in _errors(event):
            return NoSession(reason, usage)
        if event.get("terminal_reason") == "prompt_too_long":
            return PromptTooLong(reason, usage)
        if event.get("api_error_status") == 401 or self._error in NO_LOGIN:
            return NotLoggedIn(_without_advice(reason), usage)
        if event.get("api_error_status") == 429 or self._error in LIMITS:
            return Limited(reason, self._until, usage)
        return TurnError(reason, usage)


_CONTEXT: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def _used(message: Event) -> list[tuple[str, Any]]:
    return list(mapping(message.get("usage")).items())


def _tokens(used: Event) -> dict[str, int | None]:
    """All that the model read counts as input: anew, into the cache for later, and from the cache, which stands apart.

    The CLI's own `input_tokens` are those of the first kind alone.
    """
    anew, cached = whole(used.get("input_tokens")), whole(used.get("cache_read_input_tokens"))
    kept = whole(used.get("cache_creation_input_tokens"))
    return {
        "input_tokens": None if anew is None else whole(anew + (kept or 0) + (cached or 0)),
        "output_tokens": whole(used.get("output_tokens")),
        "cached_tokens": cached,
    }


def _without_advice(reason: str) -> str:
    """A reason without the CLI's word on how to log in, which nobody can follow who reads it in the hive."""
    return " · ".join(part for part in reason.split(" · ") if ADVICE not in part) or "nobody is logged in"


def _errors(event: Event) -> str:
    errors = event.get("errors")
    return "; ".join(error for error in errors if isinstance(error, str)) if isinstance(errors, list) else ""


def mapping(value: Any) -> Event:
    """It, or nothing at all where it is no object."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """It, where it is a text that says something."""
    return value if isinstance(value, str) and value.strip() else None


def name(value: Any) -> str | None:
    """It, where it is a text that the wire takes for a name."""
    said = text(value)
    return said if said is not None and len(said.encode()) <= NAME_BYTES and "\0" not in said else None


def number(value: Any) -> float | None:
    """It, where it is a number that others can reckon with."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if -MOST <= value <= MOST else None


def whole(value: Any) -> int | None:
    """It, where it is a whole number that the wire takes."""
    return value if isinstance(value, int) and not isinstance(value, bool) and -MOST <= value <= MOST else None


def brief(reason: str) -> str:
    """A reason on one line, and no longer than a log can bear."""
    line = " ".join(reason.split())
    return line if len(line) <= LONGEST_REASON else line[:LONGEST_REASON] + "…"
