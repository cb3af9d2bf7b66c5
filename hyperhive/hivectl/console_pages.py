"""Pages about the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperhive.hivectl.page import Column, Line, Page, Remark, Table, View

if TYPE_CHECKING:
    from hyperhive.wire.records import Console
    from hyperhive.wire.responses import HostResponse


def link(reply: HostResponse, _view: View, *, read_only: bool) -> Page:
    """The link alone, so that a program can have it; what to know of it goes to a person."""
    may = "look, and decide nothing" if read_only else "decide all that you may"
    return Line(reply.link or ""), Remark(f"It works once, within a minute. Whoever opens it may {may}.")


def sessions(reply: HostResponse, view: View) -> Page:
    """Who is let in."""
    if not reply.sessions:
        return (Remark("No browser is let into the console."),)
    columns = (
        Column("ID", right=True), Column("MAY"), Column("OPENED"), Column("SEEN"), Column("ENDS"),
        Column("BROWSER", long=True),
    )  # fmt: skip
    rows = [
        (
            str(row.id), "look" if row.read_only else "decide",
            view.moment(row.opened_at), view.moment(row.seen_at), view.moment(row.until), view.brief(row.client),
        )
        for row in reply.sessions
    ]  # fmt: skip
    return (Table(columns, rows),)


def where(console: Console) -> Line:
    """Where the console is, or why there is none."""
    if console.url is None:
        return Line(f"Console: none, as {console.off or 'the daemon does not say why'}", "yellow")
    return Line(f"Console: {console.url}, opened by hivectl dashboard")
