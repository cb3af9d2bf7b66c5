"""The table of questions: open until answered, expired or cancelled, whichever is on disk first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from attrs import asdict, frozen

from hyperhive.errors import Refused, brief
from hyperhive.limits import MOST_ROWS
from hyperhive.store.fitting import fitting
from hyperhive.store.rows import the_row
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.records import OpenThread, Question
from hyperhive.wire.states import QuestionStatus

_SELECT = """
    SELECT id, asker, target, question, options, multi, asked_at, deadline_at, status, answer, answered_at, answered_by
    FROM questions
"""
_TEXTS = (3, 4, 9)
"""The columns that may be long: the question, its options, its answer."""
GLANCE: Final = 2000
"""Characters of a question, or of its answer, that are enough in a list."""
GLANCED_OPTIONS: Final = 8 * 1024
"""Characters that its options may take as they are kept, all together, to be in a list."""


@frozen(kw_only=True)
class Asked:
    """A question to be put; `to` None is the operator."""

    asker: str
    to: str | None
    question: str
    options: Sequence[str]
    multi: bool
    at: int
    deadline_at: int | None


@frozen(kw_only=True)
class Glance(Question):
    """A question in a list: `cut` where a text of it is longer, `unoffered` where its options were left out."""

    cut: bool
    unoffered: bool


def add(connection: Connection, asked: Asked) -> int:
    """Keep a question; its id."""
    cursor = connection.execute(
        """
        INSERT INTO questions (asker, target, question, options, multi, asked_at, deadline_at, status)
        VALUES (?, ?, ?, ?, ?, ?, ?, 'open')
        """,
        (
            asked.asker, asked.to, asked.question, json.dumps(list(asked.options)), asked.multi,
            asked.at, asked.deadline_at,
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def count_between(connection: Connection, one: str, other: str, since: int) -> int:
    """How many questions those two have asked each other since then."""
    row = connection.execute(
        """
        SELECT count(*) FROM questions
        WHERE asked_at > :since AND ((asker = :one AND target = :other) OR (asker = :other AND target = :one))
        """,
        {"since": since, "one": one, "other": other},
    ).fetchone()
    return int(row[0])


def one(connection: Connection, id_: int) -> Question:
    """Raises Refused if there is none of that id."""
    otherwise = f"there is no question {id_}; 'questions' lists the open ones"
    return _question(the_row(connection, _SELECT + " WHERE id = ?", (id_,), otherwise))


def close(
    connection: Connection, id_: int, status: QuestionStatus, answer: str, by: str, now: int
) -> Question:  # fmt: skip
    """End an open question; the row as it is now. Raises Refused, saying how it ended, if somebody was first."""
    cursor = connection.execute(
        """
        UPDATE questions SET status = ?, answer = ?, answered_by = ?, answered_at = ?
        WHERE id = ? AND status = 'open'
        """,
        (status.value, answer, by, now, id_),
    )
    question = one(connection, id_)
    if cursor.rowcount != 1:
        raise Refused(already(question))
    return question


def already(question: Question) -> str:
    """The sentence for who comes second."""
    if question.status is QuestionStatus.ANSWERED:
        return f"question {question.id} was already answered by {question.answered_by}: {brief(question.answer or '')}"
    return f"question {question.id} was already {question.status.value}"


def listed(connection: Connection, *, closed: bool) -> tuple[Question, ...]:
    """The open questions, oldest first; with `closed` all of them, newest first."""
    where = " ORDER BY id DESC" if closed else " WHERE status = 'open' ORDER BY id"
    rows = connection.execute(f"{_SELECT}{where} LIMIT {MOST_ROWS}")
    return tuple(_question(row) for row in fitting(rows, _TEXTS))


def count_beside(connection: Connection, rows: Sequence[Question]) -> int:
    """How many open questions are not among those."""
    (count,) = connection.execute("SELECT count(*) FROM questions WHERE status = 'open'").fetchone()
    return int(count) - sum(row.status is QuestionStatus.OPEN for row in rows)


def glances(connection: Connection, *, closed: bool) -> tuple[Glance, ...]:
    """Questions as a list shows them: all the open ones, oldest first; with `closed` the last others, newest first."""
    rest = f"status <> 'open' ORDER BY id DESC LIMIT {MOST_ROWS}" if closed else "status = 'open' ORDER BY id"
    return tuple(_glance(row) for row in connection.execute(f"{_SELECT} WHERE {rest}"))


def count_open(connection: Connection, asker: str) -> int:
    """How many questions of that asker are open."""
    row = connection.execute("SELECT count(*) FROM questions WHERE status = 'open' AND asker = ?", (asker,)).fetchone()
    return int(row[0])


def next_deadline(connection: Connection) -> int | None:
    """When the next open question expires."""
    (deadline,) = connection.execute("SELECT min(deadline_at) FROM questions WHERE status = 'open'").fetchone()
    return None if deadline is None else int(deadline)


def overdue(connection: Connection, now: int) -> list[int]:
    """The open questions whose time is over."""
    rows = connection.execute("SELECT id FROM questions WHERE status = 'open' AND deadline_at <= ?", (now,))
    return [int(id_) for (id_,) in rows]


def open_of(connection: Connection, name: str) -> list[OpenThread]:
    """What the agent was asked and what it asked, still open."""
    rows = connection.execute(
        f"{_SELECT} WHERE status = 'open' AND (target = :name OR asker = :name) ORDER BY id LIMIT {MOST_ROWS}",
        {"name": name},
    )
    return [_thread(_question(row), name) for row in fitting(rows, _TEXTS[:1])]


def open_ids_of(connection: Connection, name: str) -> list[int]:
    """The ids of all that the agent was asked and that it asked, still open."""
    rows = connection.execute(
        "SELECT id FROM questions WHERE status = 'open' AND (target = :name OR asker = :name) ORDER BY id",
        {"name": name},
    )
    return [int(id_) for (id_,) in rows]


def _thread(question: Question, name: str) -> OpenThread:
    owes = question.to == name
    return OpenThread(
        direction="owes" if owes else "owed",
        kind="question",
        id=question.id,
        peer=question.asker if owes else question.to or OPERATOR,
        text=question.question,
        since=question.asked_at,
        deadline_at=question.deadline_at,
    )


def _glance(row: tuple[Any, ...]) -> Glance:
    *before, options, multi, asked_at, deadline_at, status, answer, answered_at, by = row
    text, unoffered = before[3], len(options) > GLANCED_OPTIONS
    cut = max(len(text), len(answer or "")) > GLANCE
    short = (*before[:3], text[:GLANCE], "[]" if unoffered else options, multi, asked_at, deadline_at, status)
    question = _question((*short, None if answer is None else answer[:GLANCE], answered_at, by))
    return Glance(**asdict(question, recurse=False), cut=cut, unoffered=unoffered)


def _question(row: tuple[Any, ...]) -> Question:
    id_, asker, to, text, options, multi, asked_at, deadline_at, status, answer, answered_at, by = row
    return Question(
        id=id_,
        asker=asker,
        to=to,
        question=text,
        options=tuple(json.loads(options)),
        multi=bool(multi),
        asked_at=asked_at,
        deadline_at=deadline_at,
        status=QuestionStatus(status),
        answer=answer,
        answered_at=answered_at,
        answered_by=by,
    )
