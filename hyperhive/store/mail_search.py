"""Mail by its words: the index is brought up to date as somebody searches, so that a message costs nothing there."""

from __future__ import annotations

import re
import sqlite3
from enum import Enum
from sqlite3 import Connection
from typing import Any, Final

from attrs import frozen

from hyperhive.errors import Refused
from hyperhive.store.mail_views import BEGINNING, row_of, selected
from hyperhive.store.message_states import IN_WORDS
from hyperhive.wire.names import OPERATOR, REMINDER, SYSTEM
from hyperhive.wire.records import MessageRow
from hyperhive.wire.states import MessageState

INDEXED_AT_ONCE: Final = 500
"""Messages that one change indexes,"""
SEEN_AT_ONCE: Final = 10_000
"""and rows that one look goes through: mail that is being sent waits for no longer one."""
SEEN_WITHOUT_INDEX: Final = 10_000
"""Where SQLite knows no FTS5, so many of the last messages are searched."""
MOST_COUNTED: Final = 1000
MOST_TERMS: Final = 32
LONGEST_QUERY: Final = 1000

_MARK: Final = "words_indexed"
_TABLE: Final = "CREATE VIRTUAL TABLE messages_words USING fts5 (body, content = 'messages', content_rowid = 'id')"
_TERM: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_ASKING: Final = '(body LIKE \'{"event":"question_asked"%\' OR body LIKE \'{"event":"operator_answered"%\')'
"""What is true of the bodies of events about questions; the codec writes the name of an event first."""


class MailKind(Enum):
    """What a message is, by who sent it: mail, an event of the hive's, one about a question, a reminder."""

    MAIL = "mail"
    EVENTS = "events"
    QUESTIONS = "questions"
    REMINDERS = "reminders"


_KINDS: Final = {
    MailKind.MAIL: f"sender NOT IN ('{SYSTEM}', '{REMINDER}')",
    MailKind.EVENTS: f"(sender = '{SYSTEM}' AND NOT {_ASKING})",
    MailKind.QUESTIONS: f"(sender = '{SYSTEM}' AND {_ASKING})",
    MailKind.REMINDERS: f"sender = '{REMINDER}'",
}
_STATES: Final = {state: number for number, state in IN_WORDS.items()}


@frozen(kw_only=True)
class Wanted:
    """Which mail is wanted; None: any. `terms` as `terms_of` gives them, times in unix seconds, `until` excluded."""

    terms: tuple[str, ...] = ()
    agent: str | None = None
    to: str | None = None
    kind: MailKind | None = None
    state: MessageState | None = None
    since: int | None = None
    until: int | None = None


def terms_of(text: str) -> tuple[str, ...]:
    """The words and quoted phrases of a search; a word may end in `*`. Raises Refused where there is none, or many."""
    if len(text) > LONGEST_QUERY:
        message = f"a search has at most {LONGEST_QUERY} characters, not {len(text)}; name fewer words"
        raise Refused(message)
    found = [phrase or word for phrase, word in _TERM.findall(text.replace("\0", " "))]
    terms = tuple(term for term in found if any(map(str.isalnum, term)))
    if not terms:
        message = f"there is no word to search for in {text!r}; name letters or digits that the mail has"
        raise Refused(message)
    if len(terms) > MOST_TERMS:
        message = f"a search has at most {MOST_TERMS} words, not {len(terms)}; put what stands together in quotes"
        raise Refused(message)
    return terms


def has_index(connection: Connection) -> bool:
    """Whether there is an index, made now if need be. Without FTS5 in SQLite there can be none."""
    if not _knows_fts5(connection):
        return False
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'messages_words'").fetchone() is None:
        connection.execute(_TABLE)
        connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, '0')", (_MARK,))
    return True


def index(connection: Connection, most: int = INDEXED_AT_ONCE) -> bool:
    """Index the next `most` messages; whether there are more. For where there is an index."""
    mark = _mark(connection)
    rows = connection.execute("SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT ?", (mark, most)).fetchall()
    if not rows:
        return False
    last = rows[-1][0]
    connection.execute(
        "INSERT INTO messages_words (rowid, body) SELECT id, body FROM messages WHERE id > ? AND id <= ?", (mark, last)
    )
    connection.execute("UPDATE facts SET value = ? WHERE name = ?", (str(last), _MARK))
    return len(rows) == most


def forget(connection: Connection, where: str, values: tuple[object, ...]) -> None:
    """Take messages that are about to be deleted out of the index, as far as they are in it."""
    mark = _mark(connection)
    if mark and _knows_fts5(connection):
        connection.execute(
            "INSERT INTO messages_words (messages_words, rowid, body) "
            f"SELECT 'delete', id, body FROM messages WHERE {where} AND id <= ?",
            (*values, mark),
        )


def look(
    connection: Connection, wanted: Wanted, before: int, most: int, *, indexed: bool
) -> tuple[list[MessageRow], int | None]:
    """Messages with ids below `before`, newest first: of the next rows those that are wanted, `most` at most.

    Their bodies are cut. Also returns below which id to go on, None where nothing is left.
    """
    (top,) = connection.execute("SELECT max(id) FROM messages WHERE id < ?", (before,)).fetchone()
    if top is None:
        return [], None
    floor = max(0, top - SEEN_AT_ONCE)
    where, values = _where(wanted, floor, top, indexed=indexed)
    found = selected(connection, f"{where} ORDER BY id DESC LIMIT ?", (*values, most), BEGINNING)
    rows = [row_of(row) for row in found]
    if len(rows) == most:
        return rows, rows[-1].id
    return rows, floor + 1 if floor else None


def to_operator(connection: Connection) -> int:
    """How much mail others than the hive wrote to the operator; `MOST_COUNTED` where there is at least so much."""
    rows = f"SELECT 1 FROM messages WHERE recipient = ? AND {_KINDS[MailKind.MAIL]} LIMIT ?"
    return int(connection.execute(f"SELECT count(*) FROM ({rows})", (OPERATOR, MOST_COUNTED)).fetchone()[0])


def lowest(connection: Connection) -> int:
    """The id from which on a search without an index looks."""
    return max(
        0, int(connection.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()[0]) - SEEN_WITHOUT_INDEX
    )


def _where(wanted: Wanted, floor: int, top: int, *, indexed: bool) -> tuple[str, list[Any]]:
    """The condition of what is wanted among the ids above `floor` up to `top`, and its values."""
    conditions = ["id > ?", "id <= ?"]
    values: list[Any] = [floor, top]

    def add(condition: str, *its: Any) -> None:
        conditions.append(condition)
        values.extend(its)

    if wanted.terms and indexed:
        # Bounded here too: the index would otherwise give every message that has a common word.
        words = "SELECT rowid FROM messages_words WHERE messages_words MATCH ? AND rowid > ? AND rowid <= ?"
        add(f"id IN ({words})", _query(wanted.terms), floor, top)
    elif wanted.terms:
        for term in wanted.terms:
            add("body LIKE ? ESCAPE '\\'", f"%{_without_wildcards(term.removesuffix('*'))}%")
    if wanted.agent is not None:
        add("? IN (sender, recipient)", wanted.agent)
    if wanted.to is not None:
        add("recipient = ?", wanted.to)
    if wanted.kind is not None:
        add(_KINDS[wanted.kind])
    if wanted.state is not None:
        add("state = ?", _STATES[wanted.state])
    if wanted.since is not None:
        add("sent_at >= ?", wanted.since)
    if wanted.until is not None:
        add("sent_at < ?", wanted.until)
    return " AND ".join(conditions), values


def _query(terms: tuple[str, ...]) -> str:
    """The terms as FTS5 takes them: every one quoted, so that no sign in it means anything but itself."""
    return " ".join(
        f'"{term.removesuffix("*")}"*' if term.endswith("*") else f'"{term}"' for term in terms
    )  # fmt: skip


def _without_wildcards(term: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", term)


def _mark(connection: Connection) -> int:
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (_MARK,)).fetchone()
    return 0 if row is None else int(row[0])


def _knows_fts5(connection: Connection) -> bool:
    try:
        return connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None
    except sqlite3.OperationalError:  # an SQLite that does not say what it knows
        return False
