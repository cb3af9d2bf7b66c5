"""A cattrs converter that takes types exactly as serde would, and says in words what it refused.

cattrs by itself coerces (`"7"` and `true` become integers, a string becomes a list of letters); here nothing is
coerced, `None` passes only where a field may be absent, and the bounds in `fields` are kept.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Final, get_args, get_origin

import attrs
from cattrs import BaseValidationError, Converter
from cattrs.errors import ClassValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.orjson import make_converter

from hyperhive.wire.fields import I64, NAME_ON_WIRE, OMITTED, Chars, Count, Whole

Hook = Callable[[Any, Any], Any]

_KINDS: Final = {
    str: "a string", int: "a whole number", float: "a number with a fraction", bool: "true or false",
    list: "a list", dict: "an object", type(None): "null",
}  # fmt: skip


class Mismatch(ValueError):
    """A value is not what its field wants: `expected` in words, and where inside the field."""

    def __init__(self, expected: str, value: object, where: str = "") -> None:
        super().__init__(expected, value, where)
        self.expected = expected
        self.value = value
        self.where = where

    def __str__(self) -> str:
        return f"must be {self.expected}, not {_described(self.value)}"


def make_strict_converter() -> Converter:
    """A converter whose structuring refuses with `Mismatch` in cattrs' groups; see `explain`."""
    converter = make_converter(detailed_validation=True)
    converter.register_structure_hook(int, whole(I64))
    converter.register_structure_hook(str, _string)
    converter.register_structure_hook(bool, _flag)
    converter.register_structure_hook_factory(_is_words, _word)
    converter.register_structure_hook_factory(_is_bounded, lambda kind: _bounded(converter, kind))
    converter.register_structure_hook_factory(_is_tuple, lambda kind: _listed(converter, kind, None))
    converter.register_structure_hook_factory(attrs.has, lambda kind: _record(converter, kind))
    converter.register_unstructure_hook_factory(attrs.has, lambda kind: _unrecord(converter, kind))
    return converter


def explain(error: BaseException, path: str = "") -> str:
    """The first fault in what cattrs raised, as a sentence without its full stop that names the field."""
    if isinstance(error, ClassValidationError):
        noted, bare = error.group_exceptions()
        if not noted:
            return explain(bare[0], path)
        inner, note = noted[0]
        where = _joined(path, _name_on_wire(error.cl, note.name))
        if isinstance(inner, KeyError):
            return f"{_field(where)} is missing; it must be {expectation(note.type)}"
        return explain(inner, where)
    if isinstance(error, BaseValidationError):
        return explain(error.exceptions[0], path)
    if isinstance(error, Mismatch):
        return f"{_field(path + error.where)} {error}"
    return str(error) or type(error).__name__


def expectation(kind: Any) -> str:
    """What a field of that type takes, in words."""
    if get_origin(kind) is Annotated:
        bounds = kind.__metadata__[0]
        if isinstance(bounds, Whole):
            return _range(bounds)
        return expectation(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return _KINDS[list]
    if attrs.has(kind):
        return _KINDS[dict]
    if _is_words(kind):
        return _one_of(kind)
    return _range(I64) if kind is int else _KINDS.get(kind, "given")


def whole(bounds: Whole) -> Hook:
    """A hook for whole numbers within `bounds`."""
    expected = _range(bounds)

    def hook(value: Any, _: Any) -> int:
        if value.__class__ is not int or not bounds.least <= value <= bounds.most:
            raise Mismatch(expected, value)
        return value

    return hook


def text(bounds: Chars) -> Hook:
    """A hook for strings within `bounds`."""
    surely_fits = bounds.most_bytes // 4

    def hook(value: Any, _: Any) -> str:
        if value.__class__ is not str:
            raise Mismatch(_KINDS[str], value)
        if len(value) > surely_fits and len(value.encode()) > bounds.most_bytes:
            raise Mismatch(f"a string of at most {bounds.most_bytes} bytes", value)
        if not bounds.nul and "\0" in value:
            raise Mismatch("a string without NUL", value)
        return value

    return hook


def _string(value: Any, _: Any) -> Any:
    if value.__class__ is not str:
        raise Mismatch(_KINDS[str], value)
    return value


def _flag(value: Any, _: Any) -> bool:
    if value.__class__ is not bool:
        raise Mismatch(_KINDS[bool], value)
    return value


def _is_words(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _word(kind: type[Enum]) -> Hook:
    words = {str(member.value): member for member in kind}

    def hook(value: Any, _: Any) -> Enum:
        found = words.get(value) if value.__class__ is str else None
        if found is None:
            raise Mismatch(_one_of(kind), value)
        return found

    return hook


def _one_of(kind: type[Enum]) -> str:
    return f"one of {', '.join(repr(member.value) for member in kind)}"


def _is_bounded(kind: Any) -> bool:
    return get_origin(kind) is Annotated and isinstance(kind.__metadata__[0], (Whole, Chars, Count))


def _bounded(converter: Converter, kind: Any) -> Hook:
    bounds = kind.__metadata__[0]
    if isinstance(bounds, Whole):
        return whole(bounds)
    if isinstance(bounds, Chars):
        return text(bounds)
    return _listed(converter, get_args(kind)[0], bounds.most)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _listed(converter: Converter, kind: Any, most: int | None) -> Hook:
    item = get_args(kind)[0]
    of_item = converter.get_structure_hook(item)

    def hook(value: Any, _: Any) -> tuple[Any, ...]:
        if value.__class__ is not list:
            raise Mismatch(_KINDS[list], value)
        if most is not None and len(value) > most:
            raise Mismatch(f"a list of at most {most} items", value)
        return tuple(_item(of_item, element, item, index) for index, element in enumerate(value))

    return hook


def _item(hook: Hook, value: Any, kind: Any, index: int) -> Any:
    try:
        return hook(value, kind)
    except Mismatch as error:
        raise Mismatch(error.expected, error.value, f"[{index}]{error.where}") from None


def _record(converter: Converter, kind: type[Any]) -> Hook:
    structured = make_dict_structure_fn(kind, converter, **_overrides(kind, omitting=False))

    def hook(value: Any, wanted: Any) -> Any:
        if value.__class__ is not dict:
            raise Mismatch(_KINDS[dict], value)
        return structured(value, wanted)

    return hook


def _unrecord(converter: Converter, kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    written = make_dict_unstructure_fn(kind, converter, **_overrides(kind, omitting=True))
    omitted = [bool(attribute.metadata.get(OMITTED, False)) for attribute in attrs.fields(kind)]
    if omitted == sorted(omitted):
        return written
    # cattrs writes the fields that may be left out after all others.
    names = [_name_on_wire(kind, attribute.name) for attribute in attrs.fields(kind)]

    def in_order(value: Any) -> dict[str, Any]:
        found = written(value)
        return {name: found[name] for name in names if name in found}

    return in_order


def _overrides(kind: type[Any], *, omitting: bool) -> dict[str, Any]:
    found = {}
    for attribute in attrs.fields(kind):
        name = attribute.metadata.get(NAME_ON_WIRE)
        omitted = omitting and attribute.metadata.get(OMITTED, False)
        if name or omitted:
            found[attribute.name] = override(rename=name, omit_if_default=omitted or None)
    return found


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _range(bounds: Whole) -> str:
    return f"a whole number from {bounds.least} to {bounds.most}"


def _name_on_wire(kind: type[Any], name: str) -> str:
    return str(attrs.fields_dict(kind)[name].metadata.get(NAME_ON_WIRE, name))


def _field(path: str) -> str:
    return f"'{path}'" if path else "the request"


def _described(value: object) -> str:
    if isinstance(value, str) and "\0" in value:
        return "one with a NUL in it"
    if isinstance(value, str) and len(value) > 40:
        return f"a string of {len(value.encode())} bytes"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _KINDS.get(type(value), "that")


def members(union: Any) -> tuple[type[Any], ...]:
    """The classes of a union."""
    return get_args(union) if isinstance(union, types.UnionType) else (union,)
