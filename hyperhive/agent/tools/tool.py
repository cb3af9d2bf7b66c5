"""A tool: a request of the agent's socket as a model sees it, and the schema of its arguments."""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import attrs
import orjson
from attrs import field, frozen

from hyperhive.wire.codec import MANAGER, WireError, snake_case
from hyperhive.wire.fields import Chars, Count, Whole
from hyperhive.wire.manager_requests import ManagerRequest


class Effect(Enum):
    """What a call does to the world: shows, adds or sets something, or takes something away that was there."""

    SHOWS = "shows"
    ADDS = "adds"
    SETS = "sets"
    ENDS = "ends"


@frozen(kw_only=True)
class Argument:
    """An argument: what a model is told of it, and where it may have less than the wire takes, its bounds and default.

    Without a default it is as the wire has it: absent, or required.
    """

    about: str
    least: int | None = None
    most: int | None = None
    default: int | None = None


@frozen(kw_only=True)
class Tool:
    """One tool; `always` is what every request of it says beside the arguments."""

    request: type[Any]
    about: str
    effect: Effect
    arguments: Mapping[str, Argument] = field(factory=dict)
    always: Mapping[str, Any] = field(factory=dict)

    @property
    def name(self) -> str:
        """Its name, which is that of the request."""
        return snake_case(self.request.__name__)

    def schema(self) -> dict[str, Any]:
        """The JSON schema of its arguments."""
        kinds = get_type_hints(self.request, include_extras=True)
        found = {name: _property(kinds[name], argument) for name, argument in self.arguments.items()}
        required = [
            one.name for one in attrs.fields(self.request) if one.name in found and one.default is attrs.NOTHING
        ]
        schema = {"type": "object", "properties": found, "required": required, "additionalProperties": False}
        return schema if required else {name: value for name, value in schema.items() if name != "required"}

    def asks(self, given: Mapping[str, Any]) -> ManagerRequest:
        """The request of a call with those arguments. Raises WireError in the daemon's words."""
        for name in given:
            if name not in self.arguments:
                known = ", ".join(self.arguments) or "none"
                raise WireError(f"{self.name}: there is no argument {name!r}; known here: {known}")
        said = {name: value for name, value in given.items() if value is not None}
        usual = {name: one.default for name, one in self.arguments.items() if one.default is not None}
        try:
            line = orjson.dumps({"cmd": self.name, **usual, **said, **self.always})
        except (TypeError, ValueError) as error:
            raise WireError(f"{self.name}: what was given can't be sent: {error}") from None
        return MANAGER.request(line)


_NAMES: Final = {str: "string", int: "integer", bool: "boolean"}


def _property(kind: Any, argument: Argument) -> dict[str, Any]:
    found = {**_schema(kind), "description": argument.about}
    own = {"minimum": argument.least, "maximum": argument.most, "default": argument.default}
    return found | {word: value for word, value in own.items() if value is not None}


def _schema(kind: Any) -> dict[str, Any]:
    """The schema of a field's type. A string's bound is in bytes on the wire, so no more characters fit than that."""
    if get_origin(kind) in {types.UnionType, Union}:  # what may be absent
        (kind,) = [one for one in get_args(kind) if one is not type(None)]
    if get_origin(kind) is not Annotated:
        return {"type": _NAMES[kind]}
    bounds = kind.__metadata__[0]
    if isinstance(bounds, Chars):
        return {"type": "string", "maxLength": bounds.most_bytes}
    if isinstance(bounds, Whole):
        return {"type": "integer", "minimum": bounds.least, "maximum": bounds.most}
    assert isinstance(bounds, Count)
    return {"type": "array", "items": _schema(get_args(get_args(kind)[0])[0]), "maxItems": bounds.most}
