"""What one run of the benchmark was asked for, and how it tells of its progress."""

from __future__ import annotations

import sys

from attrs import define, field

from benchmarks.machine import Disk
from benchmarks.servers import Workplace


@define(kw_only=True)
class Run:
    """The settings of a run; `seconds` is how long one load lasts, `failures` what could not be measured."""

    place: Workplace
    disk: Disk
    rounds: int
    seconds: float
    systems: tuple[str, ...]
    old_rows: int
    parked_agents: int
    console_messages: int
    failures: list[str] = field(factory=list)

    def say(self, progress: str) -> None:
        """Say on standard error what is being measured now."""
        print(progress, file=sys.stderr, flush=True)

    def failed(self, part: str, error: Exception) -> None:
        """Note that a part has no figures; the rest is measured, and the exit status says so at the end."""
        sentence = f"{part}: {error}"
        if sentence not in self.failures:
            self.failures.append(sentence)
        self.say(sentence)
