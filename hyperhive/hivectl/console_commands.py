"""Commands about the console: what opens it, and who is let in."""

from __future__ import annotations

from functools import partial

import click

from hyperhive.hivectl import completion, console_pages
from hyperhive.hivectl.errands import Query, deed, query
from hyperhive.hivectl.verbs import numbered, verb
from hyperhive.wire import host_requests as ask


@verb("dashboard")
@click.option("--read-only", is_flag=True, help="For somebody who may look, and decide nothing.")
def dashboard(*, read_only: bool) -> Query:
    """Print a link that opens the console in a browser, once and within a minute.

    Whoever opens it may decide all that you may. No browser is started: the link would be in the list of processes,
    which every user of this machine can read.
    """
    return query(ask.ConsoleLink(True if read_only else None), partial(console_pages.link, read_only=read_only))


@verb("sessions")
def sessions() -> Query:
    """List the browsers that are let into the console."""
    return query(ask.Sessions(), console_pages.sessions)


@verb("revoke")
@numbered(completion.sessions)
def revoke(number: int) -> Query:
    """Let a browser into the console no more, at once."""
    return deed(ask.Revoke(number), f"Session {number} has ended.")


COMMANDS = (dashboard, sessions, revoke)
