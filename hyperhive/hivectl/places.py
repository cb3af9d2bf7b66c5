"""Where a daemon's socket can be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def candidates(given: str | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The paths to try, in order: the one that was `given`, else where a root's and a user's daemon put it."""
    if given:
        return (given,)
    found = ["/run/hyperhive/host.sock"]
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        found.append(f"{runtime}/hyperhive/host.sock")
    home = environ.get("HOME") or str(Path.home())
    state = environ.get("XDG_STATE_HOME") or f"{home}/.local/state"
    found.append(f"{state}/hyperhive/run/host.sock")
    return tuple(found)
