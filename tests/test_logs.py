"""The log as JSON: whatever is logged comes out as one line that can be read."""

from __future__ import annotations

import io
import json
from typing import Any

from twisted.logger import LogLevel
from twisted.python.failure import Failure

from hyperhive.logs import JsonLines


def written(**event: Any) -> dict[str, Any]:
    out = io.StringIO()
    JsonLines(out)({"log_time": 1.23456, "log_level": LogLevel.info, "log_namespace": "hyperhive.here", **event})
    (line,) = out.getvalue().splitlines()
    read: dict[str, Any] = json.loads(line)
    return read


def test_an_event_is_one_line() -> None:
    assert written(log_format="{what}\nand more", what="said") == {
        "at": 1.235, "level": "info", "from": "hyperhive.here", "message": "said\nand more"
    }  # fmt: skip


def test_bytes_that_are_no_text_lose_no_line() -> None:
    assert written(log_format="{path} is in the way", path="/home/b\udcffb")["message"] == "/home/b?b is in the way"


def test_a_failure_is_told_with_its_traceback_whatever_it_says() -> None:
    failure = Failure(OSError("b\udcffb"))
    assert "OSError: b?b" in written(log_format="it broke", log_failure=failure)["traceback"]
