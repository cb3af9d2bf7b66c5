"""What a statement finds: the one row that must be there, or the ids of all."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from hyperhive.errors import Refused


def the_row(connection: Connection, statement: str, values: tuple[object, ...], otherwise: str) -> tuple[Any, ...]:
    """The row that a statement yields. Raises Refused, in the sentence `otherwise`, if there is none."""
    row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
    if row is None:
        raise Refused(otherwise)
    return row


def ids_of(connection: Connection, statement: str, values: tuple[object, ...]) -> list[int]:
    """The ids that a statement yields."""
    return [int(id_) for (id_,) in connection.execute(statement, values)]
