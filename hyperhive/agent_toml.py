"""Reading `agent.toml`: from bytes that an agent wrote to an AgentConfig, or one sentence on what is wrong there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

import attrs
from cattrs import BaseValidationError, Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from hyperhive.agent_config import CLAUDE, AgentConfig, Health, Limits, MailRules, Mount, Rate, Runner
from hyperhive.agent_fields import MOST_MOUNTS, READERS, Inside, told_apart
from hyperhive.errors import BadConfig, brief
from hyperhive.toml_lines import DEEPEST, Place, TooDeep, lines

FILE: Final = "agent.toml"
LARGEST: Final = 64 * 1024
"""Bytes."""

_TABLES: Final = {
    AgentConfig: "at the top, before any [table],",
    Runner: "under [runner]",
    Limits: "under [limits]",
    Mount: "under [[mounts]]",
    MailRules: "under [mail]",
    Rate: "under [mail.rate]",
    Health: "under [health]",
}
_AT: Final = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)
"""What `tomllib` ends its sentences with."""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def parse(content: bytes) -> AgentConfig:
    """The configuration that a file says.

    Raises BadConfig, with the line where it is known, the place in the file, and what would be right.
    """
    text = _text(content)
    known, values = _read(text)
    try:
        config = _CONVERTER.structure(values, AgentConfig)
    except BaseValidationError as error:
        place, wrong = next(_faults(error, ()))
        raise _refusal(wrong, known.get(place)) from None
    if config.runner.kind == CLAUDE and config.runner.command is not None:
        wrong = f"'runner.command' must be left out where 'runner.kind' is '{CLAUDE}'"
        raise _refusal(wrong, known.get(("runner", "command")))
    return config


def default(name: str) -> bytes:
    """The file that a new agent begins with: every setting, commented out, so that it says what AgentConfig() does."""
    return (files("hyperhive") / "agent_default.toml").read_bytes().replace(b"<name>", name.encode())


def _text(content: bytes) -> str:
    if len(content) > LARGEST:
        raise _refusal(f"it has {len(content)} bytes; at most {LARGEST} are read")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _refusal("this is no UTF-8", content.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text:
        raise _refusal("a NUL can stand in no text file", text.count("\n", 0, text.index("\0")) + 1)
    return text


def _read(text: str) -> tuple[dict[Place, int], dict[str, Any]]:
    """On which line everything stands, and what the file holds."""
    try:
        return lines(text), tomllib.loads(text)
    except (TooDeep, RecursionError) as error:
        line = error.line if isinstance(error, TooDeep) else None
        raise _refusal(f"nothing may stand deeper than {DEEPEST} tables or arrays", line) from None
    except tomllib.TOMLDecodeError as error:
        told = _AT.fullmatch(str(error))
        what, at = told.groups() if told else (str(error), None)
        if at is None:
            raise _refusal(f"this is no TOML at its end: {brief(what)}") from None
        raise _refusal(f"this is no TOML: {brief(what)}", int(at)) from None
    except ValueError:
        # A number of thousands of digits, which int() refuses; the exception knows no place.
        raise _refusal("a number in it has more digits than any setting takes") from None


def _refusal(wrong: str, line: int | None = None) -> BadConfig:
    return BadConfig(f"{FILE}: {wrong}" if line is None else f"{FILE}, line {line}: {wrong}")


def _faults(error: BaseException, place: Place) -> Iterator[tuple[Place, str]]:
    """Every fault that cattrs has gathered: where in the file, and the sentence. Unknown names come before others."""
    if isinstance(error, ClassValidationError):
        noted, bare = error.group_exceptions()
        for inner in bare:
            yield from _faults(inner, place)
        for fault, note in noted:
            there = (*place, note.name)
            yield _missing(fault, error.cl, there) if isinstance(fault, KeyError) else next(_faults(fault, there))
    elif isinstance(error, IterableValidationError):
        for fault, position in error.group_exceptions()[0]:
            yield from _faults(fault, (*place, position.index))
    elif isinstance(error, ForbiddenExtraKeysError):
        name = min(error.extra_fields)
        yield (*place, name), _no_setting((*place, name), error.cl)
    else:
        there = (*place, *error.where) if isinstance(error, Inside) else place
        yield there, f"'{_shown(there)}' must be {error}"


def _missing(fault: KeyError, kind: type[Any], place: Place) -> tuple[Place, str]:
    """What is told on the line of the table, as the setting has none."""
    (name,) = fault.args
    try:
        READERS[kind][name](None)
    except (TypeError, ValueError) as expected:
        return place[:-1], f"'{_shown(place)}' is missing; it must be {expected}"
    raise fault


def _no_setting(place: Place, kind: type[Any]) -> str:
    name = place[-1]
    others = [where for other, where in _TABLES.items() if other is not kind and name in attrs.fields_dict(other)]
    if others:
        return f"there is no setting '{_shown(place)}'; '{name}' belongs {others[0].rstrip(',')}"
    *most, last = [attribute.name for attribute in attrs.fields(kind)]
    return f"there is no setting '{_shown(place)}'; {_TABLES[kind]} stand {', '.join(most)} and {last}"


def _shown(place: Place) -> str:
    shown = ""
    for step in place:
        if isinstance(step, int):
            shown += f"[{step}]"
        else:
            shown += f".{_key(step)}" if shown else _key(step)
    return shown


def _key(key: str) -> str:
    """A key as a sentence can hold it: escaped and cut, where it is none that any setting has."""
    return key if _BARE.fullmatch(key) else '"' + brief(key).encode("unicode_escape").decode() + '"'


def _converter() -> Converter:
    converter = Converter(detailed_validation=True, forbid_extra_keys=True)
    converter.register_structure_hook_factory(attrs.has, lambda kind: _table(converter, kind))
    converter.register_structure_hook_func(lambda kind: kind == tuple[Mount, ...], _mounts(converter))
    return converter


def _table(converter: Converter, kind: type[Any]) -> Any:
    """A hook that takes a table alone, and reads what stands in it as READERS says."""
    readers: dict[str, Any] = {name: override(struct_hook=_hook(read)) for name, read in READERS[kind].items()}
    structured = make_dict_structure_fn(kind, converter, **readers)

    def hook(value: Any, wanted: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError("a table")
        return structured(value, wanted)

    return hook


def _mounts(converter: Converter) -> Any:
    def hook(value: Any, _: Any) -> tuple[Mount, ...]:
        if not isinstance(value, list):
            raise TypeError("an array of tables, each of them under [[mounts]]")
        if len(value) > MOST_MOUNTS:
            raise ValueError(f"an array of at most {MOST_MOUNTS} tables")
        return told_apart(tuple(converter.structure(value, list[Mount])))

    return hook


def _hook(read: Any) -> Any:
    return lambda value, _: read(value)


_CONVERTER: Final = _converter()
