"""Logs as JSON: one object a line on standard output, for programs that read them."""

from __future__ import annotations

import sys
from typing import TextIO

import orjson
from twisted.logger import FilteringLogObserver, ILogObserver, LogEvent, LogLevel, LogLevelFilterPredicate, formatEvent
from zope.interface import implementer


@implementer(ILogObserver)
class JsonLines:
    """Writes each event as `{"at", "level", "from", "message", "traceback"?}`; `at` in unix seconds with a fraction."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: LogEvent) -> None:
        """Write one event."""
        line: dict[str, object] = {
            "at": round(event["log_time"], 3),
            "level": event["log_level"].name,
            "from": event.get("log_namespace", ""),
            "message": _text(formatEvent(event)),
        }
        failure = event.get("log_failure")
        if failure is not None:
            line["traceback"] = _text(failure.getTraceback())
        self._out.write(orjson.dumps(line, default=str).decode() + "\n")
        self._out.flush()


def _text(text: str) -> str:
    """The text as UTF-8 can hold it: a file's name in bytes that are none would cost the line."""
    return text.encode(errors="replace").decode()


def json_observer() -> ILogObserver:
    """What `twistd` is to log to instead of its own."""
    predicate = LogLevelFilterPredicate(defaultLogLevel=LogLevel.info)
    return FilteringLogObserver(JsonLines(sys.stdout), [predicate])
