"""Why a machine ended, from what systemd and systemd-nspawn wrote of that one invocation of its unit.

A unit's result alone can't tell: systemd-nspawn ends with status 1 when its container was killed, and passes on 1 when
the program in it said so. Only journal entries that no container can write are believed (systemd.journal-fields(7)).
"""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Final

from attrs import define, field

# systemd's catalogue of messages: sd-messages.h.
STOPPING: Final = "de5b426a63be47a7b6ac3eaac82e2f6f"
PROCESS_EXIT: Final = "98e322203f7a4ed290d09fe03c09fe15"
OUT_OF_MEMORY: Final = "fe6faa94e7774663a0da52717891d8ef"
SUCCEEDED: Final = "7ad2d189f7e94e70a38c781354912448"
FAILED: Final = "d9b373ed55a64feb8242e02dbe79a49c"

OPAQUE_STATUS: Final = 255
"""What nspawn's own first process ends with when the program that it had started was killed by a signal."""

HARMLESS: Final = frozenset({"WINCH", "CONT", "CHLD", "URG", "STOP", "TSTP", "TTIN", "TTOU"})
"""Signals of which nothing ends by itself."""

KILLED_STATUSES: Final = frozenset({OPAQUE_STATUS, 128 + signal.SIGKILL})
OOM_SECONDS: Final = 5.0
"""How long before the end something can have been killed for want of memory that was the end's reason."""

_NSPAWN_SIGNAL = re.compile(r"Container \S+ terminated by signal ([\w+]+)\.")
_CLIENT_SIGNAL = re.compile(r"\S+: Sent signal SIG([\w+]+) to main process \d+ \(.*\) on client request\.")


@define
class Ending:
    """What is known of how one invocation ended; given its journal entries, in their order."""

    over: bool = False
    """Whether systemd has said its last word on it."""

    _stopped: bool = False
    _oom_killed: bool = False
    """By the unit's result."""

    _ooms: list[float] = field(factory=list)
    """When something of the unit was killed for want of memory, which the rest may have outlived."""

    _died_at: float | None = None
    _signal: str | None = None
    _sent: str | None = None
    """What somebody had systemd send; whether it ended of that, only its status can tell."""

    _status: int | None = None

    def add(self, entry: Mapping[str, object]) -> None:
        """One more entry, as journalctl's JSON has it."""
        text = str(entry.get("MESSAGE"))
        if entry.get("_PID") == "1":
            self._systemd_says(entry, text)
        elif killed := _NSPAWN_SIGNAL.fullmatch(text):
            self._signal = self._signal or killed[1]
            self._died_at = _time(entry)

    def cause(self) -> str | None:
        """How it ended, in words; None if nothing tells."""
        if self._oom_killed or self._died_of_oom():
            return "out of memory"
        if self._stopped:
            return "stopped from outside"
        if self._signal is not None:
            return f"killed by SIG{self._signal}"
        if self._sent is not None and self._status in {0, OPAQUE_STATUS}:
            return f"killed by SIG{self._sent}"
        if self._status == OPAQUE_STATUS:
            return f"exited with status {OPAQUE_STATUS}, as it also does where its program is killed by a signal"
        return None if self._status is None else f"exited with status {self._status}"

    def _systemd_says(self, entry: Mapping[str, object], text: str) -> None:
        if (sent := _CLIENT_SIGNAL.fullmatch(text)) and sent[1] not in HARMLESS:
            self._sent = sent[1]
        message = entry.get("MESSAGE_ID")
        if message == STOPPING:
            # A stop that came after it had died is not why it died.
            self._stopped = self._signal is None and self._sent is None and self._status is None
        elif message == OUT_OF_MEMORY:
            self._ooms.append(_time(entry))
        elif message == PROCESS_EXIT:
            self._exited(str(entry.get("EXIT_CODE")), str(entry.get("EXIT_STATUS")))
            self._died_at = self._died_at or _time(entry)
        elif message == SUCCEEDED:
            self._status = self._status or 0
            self.over = True
        elif message == FAILED:
            self._oom_killed = entry.get("UNIT_RESULT") == "oom-kill"
            self.over = True

    def _died_of_oom(self) -> bool:
        killed = self._signal == "KILL" or self._status in KILLED_STATUSES
        return killed and any(self._died_at is None or self._died_at - at < OOM_SECONDS for at in self._ooms)

    def _exited(self, code: str, status: str) -> None:
        if code == "exited" and status.isdigit():
            self._status = int(status)
        elif self._signal is None:
            self._signal = signal_name(status)


def _time(entry: Mapping[str, object]) -> float:
    """When the journal took the entry, in unix seconds; 0 if it does not say."""
    written = str(entry.get("__REALTIME_TIMESTAMP"))
    return int(written) / 1_000_000 if written.isdigit() else 0.0


def signal_name(number: str) -> str | None:
    """The name of a signal without its SIG, from its number in digits; None if there is none of that number."""
    try:
        value = int(number)
        if signal.SIGRTMIN < value < signal.SIGRTMAX:
            return f"RTMIN+{value - signal.SIGRTMIN}"
        return signal.Signals(value).name.removeprefix("SIG")
    except ValueError:
        return None
