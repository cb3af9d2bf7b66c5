"""What an agent that attacks can do, where containers don't isolate it."""

from __future__ import annotations

from typing import Final

_DANGERS: Final = {
    "local": ": agents can do what you can, and decide what you decide by opening host.sock",
    "nixos": ": whoever becomes root in a container is root on the host",
}


def danger(kind: str) -> str:
    """What goes after "isolates nobody", for that kind of containers; empty if nothing more is known of it."""
    return _DANGERS.get(kind, "")
