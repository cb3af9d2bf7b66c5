"""Texts as the wire takes them and as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def within(text: str, most: int, cut: str = "") -> str:
    """The text in at most so many bytes; where some of it is left out, `cut` stands at its end."""
    written = text.encode(errors="replace")
    if len(written) <= most:
        return written.decode()
    return written[: most - len(cut.encode())].decode(errors="ignore") + cut


def peer(name: str, via: str | None) -> str:
    """Somebody in quotes; `via`: anybody in the agent's container can say that he is the operator."""
    doubt = "" if via is None else " (typed where this agent runs, so anybody there may have written it)"
    return f'"{name}"{doubt}'


def time(at: int) -> str:
    """A unix time as a person reads it."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"unix time {at}"
