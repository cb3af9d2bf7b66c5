"""The system's journal, read with `journalctl`: what a machine printed, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from attrs import define
from twisted.internet.task import deferLater

from hyperhive.containers.commands import IReactor, run
from hyperhive.containers.endings import Ending
from hyperhive.errors import brief

MOST_LINES: Final = 10_000
MOST_REASONS: Final = 100
MOST_LOG_BYTES: Final = 16 * 1024 * 1024
PAUSES: Final = tuple(0.005 * 2**step for step in range(10))
"""Seconds between looks for the last words of somebody who has ended, 5 in all.

The journal can be followed as well, but journald wakes its followers only four times a second.
"""
SLACK_SECONDS: Final = 10
"""How much earlier than a start was recorded its first words may have been written."""
READ: Final = ("journalctl", "--quiet", "--no-pager")
_NATIVE: Final = ("_TRANSPORT=journal", "_UID=0", "SYSLOG_IDENTIFIER=systemd-nspawn")
FIELDS: Final = "MESSAGE,MESSAGE_ID,EXIT_CODE,EXIT_STATUS,UNIT_RESULT,_PID"


@define(eq=False)
class Journal:
    """What the journal says of units. Every method raises ContainerError where it can't be read."""

    reactor: IReactor

    async def cause(self, invocation: str, supervisor: int, since: int) -> str | None:
        """How that invocation of a unit ended, waiting a little for the last of it; None if nothing tells.

        `supervisor` is the process of systemd-nspawn, 0 if that is not known; it was there at `since` (unix seconds).
        """
        by_systemd = ("_PID=1", f"INVOCATION_ID={invocation}")
        by_nspawn = _said_by(supervisor) if supervisor else (f"_SYSTEMD_INVOCATION_ID={invocation}", *_NATIVE)
        words = (f"--since=@{max(0, since - SLACK_SECONDS)}", "--output=json", f"--output-fields={FIELDS}")
        ending = Ending()
        for pause in PAUSES:
            output = await run(self.reactor, *READ, *words, *by_systemd, "+", *by_nspawn)
            ending = Ending()
            for entry in filter(None, map(_entry, output.splitlines())):
                ending.add(entry)
            if ending.over:
                break
            await deferLater(self.reactor, pause)
        return ending.cause()

    async def last_invocation(self, unit: str) -> str:
        """The invocation that systemd last wrote about, of that unit; empty if there is none."""
        words = (*READ, "--reverse", "--lines=1", "--output=json", "--output-fields=INVOCATION_ID")
        entry = _entry(await run(self.reactor, *words, "_PID=1", f"UNIT={unit}"))
        invocation = (entry or {}).get("INVOCATION_ID")
        return invocation if isinstance(invocation, str) else ""

    async def complaint(self, supervisor: int, invocation: str) -> str:
        """The last that systemd-nspawn, which has ended, said itself in that invocation; empty if it said nothing."""
        said = b""
        by_nspawn = (*_said_by(supervisor), "+", f"_SYSTEMD_INVOCATION_ID={invocation}", *_NATIVE)
        for pause in PAUSES if invocation else ():
            said = await run(self.reactor, *READ, "--boot", "--lines=1", "--output=cat", *by_nspawn)
            if said:
                break
            await deferLater(self.reactor, pause)
        return brief(said.decode(errors="replace").strip())

    async def reason(self, unit: str, since: int) -> str:
        """The line since then (as for `lines`) that says best why the unit's command failed; empty if there is none."""
        await run(self.reactor, "journalctl", "--sync")
        lines = [line.strip() for line in await self.lines(unit, MOST_REASONS, since) if line.strip()]
        errors = [line for line in lines if line.startswith("error:")]
        return brief((errors or lines or [""])[-1])

    async def lines(self, unit: str, count: int, since: int) -> list[str]:
        """The last lines that the unit's processes wrote since then (in microseconds since 1970), oldest first."""
        wanted = min(count, MOST_LINES)
        if wanted <= 0:
            return []
        # Not reversed, with a time to begin at, it would be the first lines since then.
        words = (*READ, "--reverse", f"--lines={wanted}", f"--since=@{since / 1_000_000:.6f}", "--output=cat")
        output = await run(self.reactor, *words, f"_SYSTEMD_UNIT={unit}", most_bytes=MOST_LOG_BYTES, keep="first")
        # What comes after the last line end was cut, or is nothing.
        return output.decode(errors="replace").split("\n")[:-1][wanted - 1 :: -1]


def _said_by(supervisor: int) -> Sequence[str]:
    # By its number alone: of a process that has ended when the journal reads its words, the rest is not known.
    return (f"_PID={supervisor}", *_NATIVE)


def _entry(line: bytes) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
