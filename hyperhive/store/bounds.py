"""How much mail there may be: what an inbox holds, and how often somebody may write."""

from __future__ import annotations

from sqlite3 import Connection
from typing import NoReturn

from hyperhive.agent_config import Rate
from hyperhive.errors import InboxFull, Refused, UnknownAgent
from hyperhive.limits import MailLimits
from hyperhive.store import agents
from hyperhive.wire.names import EVERYONE, OPERATOR, shown


def check_rate(connection: Connection, sender: str, rate: Rate, now: int, count: int = 1) -> None:
    """Raises Refused if so many messages more were too many. Questions to others are messages too."""
    sent = f"SELECT sent_at FROM messages WHERE sender = ? ORDER BY id DESC LIMIT {rate.messages}"
    asked = f"SELECT asked_at FROM questions WHERE asker = ? ORDER BY id DESC LIMIT {rate.messages}"
    times = [at for statement in (sent, asked) for (at,) in connection.execute(statement, (sender,))]
    recent = sorted((at for at in times if at > now - rate.seconds), reverse=True)
    room = rate.messages - count
    if len(recent) <= room:
        return
    limit = f"'{sender}' may send {rate.messages} messages within {rate.seconds} seconds"
    if room < 0:
        message = f"{limit}, and this would be {count}; name some of the recipients"
        raise Refused(message)
    message = f"{limit}, and has; try again in {recent[room] + rate.seconds - now} seconds"
    raise Refused(message)


def check_room(connection: Connection, to: str, size: int, limits: MailLimits) -> None:
    """Raises InboxFull unless so many bytes more would fit into the inbox."""
    agent = agents.one(connection, to)
    if agent.queued >= limits.max_inbox or _bytes_queued(connection, to) + size > limits.inbox_bytes:
        refuse(connection, to, limits)


def refuse(connection: Connection, to: str, limits: MailLimits) -> NoReturn:
    """Say why nothing went into that inbox. Raises UnknownAgent or InboxFull."""
    agent = agents.found(connection, to)
    if agent is None or not agent.present:
        message = (
            f"nobody here is called {shown(to)}; a message goes to an agent of the hive ('list' names them), "
            f"to '{OPERATOR}', or to '{EVERYONE}'"
        )
        raise UnknownAgent(message)
    message = (
        f"the inbox of '{to}' is full: {agent.queued} messages wait there, and {limits.max_inbox} messages or "
        f"{limits.inbox_bytes} bytes are the most it holds; try again when some were read"
    )
    raise InboxFull(message)


def _bytes_queued(connection: Connection, name: str) -> int:
    return int(connection.execute("SELECT queued_bytes FROM agents WHERE name = ?", (name,)).fetchone()[0])
