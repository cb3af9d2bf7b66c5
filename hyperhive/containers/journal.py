"""The system's journal, read with `journalctl`: what a machine printed, and how it ended."""

from __future__ import annotations

import json
from typing import Final

from attrs import define

from hyperhive.containers.commands import IReactor, follow, run
from hyperhive.containers.endings import Ending
from hyperhive.errors import brief

MOST_LINES: Final = 10_000
ENDING_SECONDS: Final = 5.0
"""How long to wait for systemd's last word on a unit whose first process has died."""
READ: Final = ("journalctl", "--quiet", "--no-pager")
FIELDS: Final = "MESSAGE,MESSAGE_ID,EXIT_CODE,EXIT_STATUS,UNIT_RESULT,_PID"


@define(eq=False)
class Journal:
    """What the journal says of units. Every method raises ContainerError where it can't be read."""

    reactor: IReactor

    async def cause(self, invocation: str) -> str | None:
        """How that invocation of a unit ended, waiting a little for the last of it; None if nothing tells."""
        ending = Ending()

        def enough(line: bytes) -> bool:
            entry = _entry(line)
            if entry is not None:
                ending.add(entry)
            return ending.over

        by_systemd = ("_PID=1", f"INVOCATION_ID={invocation}")
        by_nspawn = (f"_SYSTEMD_INVOCATION_ID={invocation}", "_TRANSPORT=journal", "_COMM=systemd-nspawn")
        words = (*READ, "--follow", "--no-tail", "--output=json", f"--output-fields={FIELDS}")
        await follow(self.reactor, *words, *by_systemd, "+", *by_nspawn, until=enough, seconds=ENDING_SECONDS)
        return ending.cause()

    async def last_invocation(self, unit: str) -> str:
        """The invocation that systemd last wrote about, of that unit; empty if there is none."""
        words = (*READ, "--reverse", "--lines=1", "--output=json", "--output-fields=INVOCATION_ID")
        entry = _entry(await run(self.reactor, *words, "_PID=1", f"UNIT={unit}"))
        invocation = (entry or {}).get("INVOCATION_ID")
        return invocation if isinstance(invocation, str) else ""

    async def complaint(self, invocation: str) -> str:
        """The last that systemd-nspawn itself said in that invocation of a unit; empty if it said nothing."""
        by_nspawn = (f"_SYSTEMD_INVOCATION_ID={invocation}", "_TRANSPORT=journal", "_COMM=systemd-nspawn")
        output = await run(self.reactor, *READ, "--lines=1", "--output=cat", *by_nspawn)
        return brief(output.decode(errors="replace").strip())

    async def lines(self, unit: str, count: int, since: int) -> list[str]:
        """The last lines that the unit's processes wrote since then (unix seconds), oldest first."""
        wanted = min(count, MOST_LINES)
        if wanted <= 0:
            return []
        words = (*READ, f"--lines={wanted}", f"--since=@{since}", "--output=cat", f"_SYSTEMD_UNIT={unit}")
        text = (await run(self.reactor, *words)).decode(errors="replace")
        return text.removesuffix("\n").split("\n")[-wanted:] if text else []


def _entry(line: bytes) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
