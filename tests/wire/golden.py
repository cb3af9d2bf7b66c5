"""The wire by example: for every request, answer and event the exact line, and the value that it stands for.

`AGENT_REQUESTS` to `EVENTS` are lines that we write and read. `ALSO_READ` are lines of other writers, a serde
client of the seed among them, that mean the same as one of ours.
"""

from __future__ import annotations

from typing import Final

from tests.wire import (
    golden_answers,
    golden_console,
    golden_events,
    golden_host_answers,
    golden_host_decisions,
    golden_requests,
    golden_threads,
    golden_turns,
)
from tests.wire.golden_lines import Lines

AGENT_REQUESTS: Final[Lines] = (
    *golden_turns.AGENT_REQUESTS,
    *golden_requests.AGENT_REQUESTS,
    *golden_threads.AGENT_REQUESTS,
)

MANAGER_REQUESTS: Final[Lines] = golden_requests.MANAGER_REQUESTS

HOST_REQUESTS: Final[Lines] = (
    *golden_turns.HOST_REQUESTS,
    *golden_requests.HOST_REQUESTS,
    *golden_threads.HOST_REQUESTS,
    *golden_console.HOST_REQUESTS,
)

AGENT_ANSWERS: Final[Lines] = (
    *golden_turns.AGENT_ANSWERS,
    *golden_answers.AGENT_ANSWERS,
    *golden_threads.AGENT_ANSWERS,
)

MANAGER_ANSWERS: Final[Lines] = golden_answers.MANAGER_ANSWERS

HOST_ANSWERS: Final[Lines] = (
    *golden_turns.HOST_ANSWERS,
    *golden_host_decisions.HOST_ANSWERS,
    *golden_host_answers.HOST_ANSWERS,
    *golden_threads.HOST_ANSWERS,
    *golden_console.HOST_ANSWERS,
)

EVENTS: Final[Lines] = (
    *golden_turns.EVENTS,
    *golden_events.EVENTS,
    *golden_threads.EVENTS,
)

ALSO_READ: Final = golden_requests.ALSO_READ
