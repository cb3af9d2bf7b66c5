"""The table of approvals: what waits for the operator's yes, and what came of it."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from attrs import frozen

from hyperhive.errors import Refused, brief
from hyperhive.limits import MOST_ROWS
from hyperhive.store.rows import the_row
from hyperhive.wire.records import Approval
from hyperhive.wire.states import ApprovalKind, ApprovalStatus

_SELECT = """
    SELECT id, approvals.agent, kind, commit_ref, requested_at, status, resolved_at, note, decided_at, decided_by,
        operation, description, sha, base, requested_by, status = 'pending' AND decided_at IS NULL AND base <> deployed
    FROM approvals LEFT JOIN configs USING (agent)
"""
_UNDECIDED = "status = 'pending' AND decided_at IS NULL"
_READ_BY_THE_SEED = "kind IN ('spawn', 'apply_commit')"

_SAID = {
    ApprovalStatus.APPROVED: "was already approved",
    ApprovalStatus.DENIED: "was already denied",
    ApprovalStatus.CANCELLED: "was already cancelled",
    ApprovalStatus.FAILED: "has already failed",
}


@frozen(kw_only=True)
class Proposal:
    """What is asked for. Of a commit: how it was named, which it is, and what it was shown against."""

    agent: str
    kind: ApprovalKind
    commit_ref: str = ""
    sha: str | None = None
    base: str | None = None
    description: str | None = None
    by: str


def queue(connection: Connection, proposal: Proposal, now: int) -> int:
    """Queue an approval; its id."""
    cursor = connection.execute(
        """
        INSERT INTO approvals
            (agent, kind, commit_ref, sha, base, untold, description, requested_by, requested_at, status)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')
        """,
        (
            proposal.agent, proposal.kind.value, proposal.commit_ref, proposal.sha, proposal.base,
            proposal.sha is not None, proposal.description, proposal.by, now,
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def pending(connection: Connection) -> tuple[tuple[Approval, ...], int]:
    """The undecided ones that a client of the seed can read, oldest first; and how many others wait."""
    rows = connection.execute(f"{_SELECT} WHERE {_UNDECIDED} AND {_READ_BY_THE_SEED} ORDER BY id LIMIT {MOST_ROWS}")
    shown = tuple(_approval(row) for row in rows)
    others = f"SELECT count(*) FROM approvals WHERE {_UNDECIDED} AND NOT {_READ_BY_THE_SEED}"
    return shown, int(connection.execute(others).fetchone()[0])


def undecided(connection: Connection) -> tuple[Approval, ...]:
    """The undecided ones of every kind, oldest first."""
    return tuple(
        _approval(row) for row in connection.execute(f"{_SELECT} WHERE {_UNDECIDED} ORDER BY id LIMIT ?", (MOST_ROWS,))
    )


def decided(connection: Connection, limit: int, before: int | None) -> tuple[Approval, ...]:
    """The last that are no longer to be decided, with ids below `before`, newest first."""
    bound = 2**63 - 1 if before is None else before
    rows = connection.execute(f"{_SELECT} WHERE NOT ({_UNDECIDED}) AND id < ? ORDER BY id DESC LIMIT ?", (bound, limit))
    return tuple(_approval(row) for row in rows)


def every(connection: Connection) -> tuple[Approval, ...]:
    """All of them, decided or not, newest first."""
    return tuple(_approval(row) for row in connection.execute(f"{_SELECT} ORDER BY id DESC LIMIT {MOST_ROWS}"))


def one(connection: Connection, id_: int) -> Approval:
    """Raises Refused if there is none of that id."""
    otherwise = f"there is no approval {id_}; 'pending' lists those that wait"
    return _approval(the_row(connection, _SELECT + " WHERE id = ?", (id_,), otherwise))


def decide(
    connection: Connection, id_: int, by: str, now: int, note: str | None = None, base: str | None = None
) -> Approval:
    """Take the decision on an approval, if it is still to be taken; the row as it was. Raises Refused.

    `base` is the commit that a yes to another was shown against: from then on it is that of the approval.
    """
    approval = one(connection, id_)
    cursor = connection.execute(
        f"""
        UPDATE approvals SET decided_at = ?, decided_by = ?, note = ?, base = coalesce(?, base)
        WHERE id = ? AND {_UNDECIDED}
        """,
        (now, by, note, base, id_),
    )
    if cursor.rowcount != 1:
        raise Refused(already(approval))
    return approval


def already(approval: Approval) -> str:
    """The sentence for who comes second."""
    said = "was already approved" if approval.status is ApprovalStatus.PENDING else _SAID[approval.status]
    by = f" by {approval.decided_by}" if approval.decided_by and approval.status is not ApprovalStatus.FAILED else ""
    note = f": {brief(approval.note)}" if approval.note else ""
    return f"approval {approval.id} {said}{by}{note}"


def start(connection: Connection, id_: int, operation: int) -> None:
    """The approval's action is that operation."""
    connection.execute("UPDATE approvals SET operation = ? WHERE id = ?", (operation, id_))


def resolve(connection: Connection, id_: int, status: ApprovalStatus, note: str | None, now: int) -> Approval:
    """The approval ended; the row as it is now."""
    connection.execute(
        """
        UPDATE approvals SET status = ?1, note = ?, resolved_at = ?,
            untold = sha IS NOT NULL
                AND (untold OR ?1 IN ('denied', 'cancelled') OR ?1 = 'failed' AND operation IS NOT NULL)
        WHERE id = ?
        """,
        (status.value, note, now, id_),
    )
    return one(connection, id_)


def of_operation(connection: Connection, operation: int) -> list[Approval]:
    """The approvals whose action is that operation and that have not ended."""
    rows = connection.execute(_SELECT + " WHERE operation = ? AND status = 'pending'", (operation,))
    return [_approval(row) for row in rows]


def undecided_of(connection: Connection, agent: str) -> list[Approval]:
    """What waits for a decision about that agent."""
    return [_approval(row) for row in connection.execute(f"{_SELECT} WHERE {_UNDECIDED} AND agent = ?", (agent,))]


def undecided_by(connection: Connection, by: str) -> int:
    """How many that `by` asked for wait for a decision."""
    counted = f"SELECT count(*) FROM approvals WHERE {_UNDECIDED} AND requested_by = ?"
    return int(connection.execute(counted, (by,)).fetchone()[0])


def untold(connection: Connection) -> list[int]:
    """Those of which a repository lacks what became of them."""
    return [id_ for (id_,) in connection.execute("SELECT id FROM approvals WHERE untold = 1 ORDER BY id")]


def is_told(connection: Connection, approval: Approval) -> None:
    """The repository has what became of it, as far as it stood then."""
    connection.execute(
        "UPDATE approvals SET untold = 0 WHERE id = ? AND status = ?", (approval.id, approval.status.value)
    )


def waiting_for(connection: Connection, by: str) -> list[Approval]:
    """What `by` asked for and has not come to an end."""
    rows = connection.execute(_SELECT + " WHERE status = 'pending' AND requested_by = ? ORDER BY id", (by,))
    return [_approval(row) for row in rows]


def asked_by(connection: Connection, id_: int) -> str | None:
    """Who asked for that approval."""
    row = connection.execute("SELECT requested_by FROM approvals WHERE id = ?", (id_,)).fetchone()
    return None if row is None else str(row[0])


def _approval(row: tuple[Any, ...]) -> Approval:
    id_, agent, kind, ref, requested_at, status, resolved_at, note, decided_at, decided_by, *others = row
    operation, text, sha, base, requested_by, stale = others
    return Approval(
        id=id_,
        agent=agent,
        kind=ApprovalKind(kind),
        commit_ref=ref,
        requested_at=requested_at,
        status=ApprovalStatus(status),
        resolved_at=resolved_at,
        note=note,
        decided_at=decided_at,
        decided_by=decided_by,
        operation=operation,
        description=text,
        sha=sha,
        base=base,
        requested_by=requested_by,
        stale=bool(stale),
    )
