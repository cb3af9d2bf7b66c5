"""What one commit brings to disk: many changes in one transaction, or each by itself where one has to be undone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from sqlite3 import Connection, Error
from typing import Any, TypeVar

from twisted.python.failure import Failure

from hyperhive.errors import DatabaseTrouble, HiveError

Result = TypeVar("Result")
Change = Callable[[Connection], Result]
"""What is done to the tables; it may be run twice."""
Request = tuple[Change[Any], Callable[[Any], object], Callable[[Failure], object]]
"""A change, whom to tell its result, and whom to tell why there is none."""
Outcome = tuple[Callable[[Any], object], Any]
"""Whom to tell, and what."""


def commit(connection: Connection, batch: list[Request]) -> list[Outcome]:
    """Make the changes, in their order; what is to be told when this returns, and not before."""
    outcomes = _together(connection, batch)
    return [_alone(connection, request) for request in batch] if outcomes is None else outcomes


def _together(connection: Connection, batch: list[Request]) -> list[Outcome] | None:
    """All changes in one transaction; None, and nothing done, if one of them has to be undone."""
    outcomes: list[Outcome] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
    except Error as error:  # another process holds the database: no change fares better by itself
        return [(failed, _trouble(error)) for _, _, failed in batch]
    try:
        for change, done, failed in batch:
            before = connection.total_changes
            try:
                outcomes.append((done, change(connection)))
            except HiveError:
                if connection.total_changes != before:
                    raise
                outcomes.append((failed, Failure()))
        connection.execute("COMMIT")
    except Exception:  # noqa: BLE001 - whatever it was, each change now has its own try
        _roll_back(connection)
        return None
    return outcomes


def _alone(connection: Connection, request: Request) -> Outcome:
    """One change in a transaction of its own."""
    change, done, failed = request
    try:
        connection.execute("BEGIN IMMEDIATE")
        result = change(connection)
        connection.execute("COMMIT")
    except Error as error:
        _roll_back(connection)
        return failed, _trouble(error)
    except Exception:  # noqa: BLE001 - it belongs to whoever gave the change
        _roll_back(connection)
        return failed, Failure()
    return done, result


def _trouble(error: Error) -> Failure:
    trouble = DatabaseTrouble(f"the hive's database could not write this ({error}); nothing was changed")
    trouble.__cause__ = error
    return Failure(trouble)


def _roll_back(connection: Connection) -> None:
    if connection.in_transaction:
        # Where this fails, the next BEGIN does too, in the words of DatabaseTrouble; the thread has to go on.
        with suppress(Error):
            connection.execute("ROLLBACK")
