"""Settings: the browsers that are let in, how this one is to look, and the facts of the hive."""

from __future__ import annotations

from hyperhive import __version__
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, Page, get, post
from hyperhive.dashboard.templating import count, size, span
from hyperhive.limits import NO, RETENTION_SECONDS, SESSION_IDLE, SESSION_SECONDS, TURN_EVENTS_SECONDS
from hyperhive.wire.dangers import danger


@get("/settings")
async def settings(asked: Asked) -> Answer:
    """All of it."""
    context = {
        "sessions": await asked.services.sessions.listed(),
        "idle": span(SESSION_IDLE),
        "longest": span(SESSION_SECONDS),
        "facts": _facts(asked),
        "limits": _limits(asked),
    }
    return Page("settings.html", context)


@post("/settings/sessions/<id:int>/revoke")
async def revoke(asked: Asked) -> Answer:
    """End a session; who ends its own has to be let in anew."""
    id_ = int(asked.arguments["id"])
    await asked.services.sessions.revoke(id_)
    own = asked.session is not None and asked.session.id == id_
    return Elsewhere("/login", None) if own else Elsewhere("/settings", f"Session {id_} is ended.")


def _facts(asked: Asked) -> list[tuple[str, str]]:
    services, layout = asked.services, asked.services.facts.layout
    backend, console = services.roster.backend, services.facts.console()
    keeps = "They keep even agents that attack away from the host and from each other."
    isolation = keeps if backend.isolates else f"They isolate nobody{danger(backend.kind)}."
    return [
        ("Hive", services.hive),
        ("Version", __version__),
        ("Containers", f"'{backend.kind}'. {isolation}"),
        *([("Trouble", backend.blind)] if backend.blind else []),
        ("Console", console.url or console.off or "nowhere"),
        ("Browsers find the hive at", services.urls.home or "no address was set ('home' in its configuration)"),
        ("Its domain", services.urls.domain or "none was set ('domain' in its configuration)"),
        ("Kept on disk in", str(layout.state)),
        ("Database", str(layout.database)),
        ("Sockets in", str(layout.run)),
        ("Operator's socket", str(layout.host_socket)),
    ]


def _limits(asked: Asked) -> list[tuple[str, str]]:
    mail, restart = asked.services.facts.mail, asked.services.facts.restart
    started = "are not started again by themselves"
    if restart.policy != NO:
        started = f"are started again, {restart.attempts} times within {span(restart.window)} at most"
    return [
        ("An inbox holds", f"{count(mail.max_inbox)} messages, {size(mail.inbox_bytes)}"),
        ("A message in hand comes back after", span(mail.lease_seconds)),
        ("It is given up after", f"{count(mail.max_attempts)} attempts"),
        (
            "A conversation of agents is held after",
            f"{count(mail.thread_hops)} replies, or {count(mail.thread_rate)} within {span(mail.thread_seconds)}",
        ),
        ("Agents that crash", started),
        ("Mail that is done is forgotten after", span(RETENTION_SECONDS)),
        ("What runners wrote is forgotten after", f"{span(TURN_EVENTS_SECONDS)}; the turns themselves are kept"),
    ]
