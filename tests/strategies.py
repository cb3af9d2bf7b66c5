"""Hypothesis strategies for the wire's types, derived from their fields."""

from __future__ import annotations

import enum
import types
from functools import partial
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st

from hyperhive.wire.agent_requests import Remind
from hyperhive.wire.fields import I64, Chars, Count, Whole
from hyperhive.wire.host_requests import Restart, Start, Stop
from hyperhive.wire.strict import members

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)

EITHER = {
    **dict.fromkeys((Start, Stop, Restart), ("name", "scope")),
    Remind: ("delay_seconds", "at"),
}
"""Requests that take exactly one of two fields."""


def of_union(union: Any) -> st.SearchStrategy[Any]:
    """Values of any class of a union."""
    return st.one_of([of_class(kind) for kind in members(union)])


def of_class(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Values of one class."""
    hints = get_type_hints(kind, include_extras=True)
    fields = {field.name: of_type(hints[field.name]) for field in attrs.fields(kind)}
    if kind in EITHER:
        one, other = EITHER[kind]
        return st.one_of(_with_one_of(kind, fields, one, other), _with_one_of(kind, fields, other, one))
    return st.builds(partial(_made, kind), st.fixed_dictionaries(fields))


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Values that a field of that type may have."""
    if get_origin(kind) is Annotated:
        return _bounded(get_args(kind)[0], kind.__metadata__[0])
    if isinstance(kind, types.UnionType) or (get_origin(kind) is not None and type(None) in get_args(kind)):
        return st.one_of([of_type(part) for part in get_args(kind)])
    if get_origin(kind) is tuple:
        return st.lists(of_type(get_args(kind)[0]), max_size=3).map(tuple)
    if attrs.has(kind):
        return of_class(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    plain = {int: st.integers(I64.least, I64.most), bool: st.booleans(), str: TEXT, type(None): st.none()}
    return plain[kind]


def _bounded(kind: Any, bounds: Any) -> st.SearchStrategy[Any]:
    match bounds:
        case Whole(least=least, most=most):
            return st.integers(least, most)
        case Chars(nul=nul):
            return TEXT if nul else NAMES
        case Count():
            return of_type(kind)
    raise TypeError(bounds)


def _with_one_of(
    kind: type[Any], fields: dict[str, st.SearchStrategy[Any]], by: str, other: str
) -> st.SearchStrategy[Any]:
    """A request with the one field of the two."""
    given = fields[by].filter(lambda value: value is not None and getattr(value, "agent_names", True))
    return st.builds(partial(_made, kind), st.fixed_dictionaries({**fields, by: given, other: st.none()}))


def _made(kind: type[Any], fields: dict[str, Any]) -> Any:
    return kind(**fields)
