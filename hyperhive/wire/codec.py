"""Lines and values: one JSON object a line, in the dialects of the three sockets, and the bodies of events."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Generic, TypeVar, cast

import orjson
from attrs import frozen
from cattrs import BaseValidationError

from hyperhive.wire import agent_requests, events, host_requests, manager_requests, responses
from hyperhive.wire.strict import Mismatch, explain, make_strict_converter, members

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

MEMORABLE_BYTES: Final = 64
"""Lines up to this length (`{"cmd":"recv"}`) come again and again; their requests are remembered."""

_converter = make_strict_converter()


class WireError(ValueError):
    """A line was not what it should be; the text says what was wrong, naming the field, and what is expected."""


@frozen
class Dialect(Generic[Asked, Answered]):
    """How one kind of socket speaks. Lines go without their line end; decoding raises WireError."""

    name: str
    request: Callable[[bytes], Asked]
    line_of_request: Callable[[Asked], bytes]
    answer: Callable[[bytes], Answered]
    line_of_answer: Callable[[Answered], bytes]
    refusal: Callable[[str], Answered]


def snake_case(name: str) -> str:
    """`AskOperator` as `ask_operator`: a tag from the name of its class."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def body_of_event(event: events.HelperEvent) -> str:
    """An event as the body of a message from `system`."""
    return orjson.dumps(_EVENTS.to_object(event)).decode()


def event_of_body(body: str) -> events.HelperEvent:
    """The event in a message from `system`. Raises WireError for one that this version does not know."""
    return cast("events.HelperEvent", _EVENTS.from_object(_object(body.encode(), "event"), "event"))


def plain(record: Any) -> Any:
    """A record or answer as what `json` could print."""
    return _converter.unstructure(record)


@frozen
class _Union:
    """A closed set of classes, told apart on the wire by a tag that is the snake case of the class's name."""

    tag: str
    structure: Mapping[str, Callable[[Any], Any]]
    unstructure: Mapping[type[Any], tuple[str, Callable[[Any], dict[str, Any]]]]

    @classmethod
    def of(cls, union: Any, tag: str) -> _Union:
        """The union of those classes, under that tag."""
        return cls(
            tag,
            {snake_case(kind.__name__): _structuring(kind) for kind in members(union)},
            {kind: (snake_case(kind.__name__), _unstructuring(kind)) for kind in members(union)},
        )

    def from_object(self, value: dict[str, Any], what: str) -> Any:
        """The value that a JSON object stands for. Raises WireError."""
        tag = value.get(self.tag)
        if tag is None:
            message = f"'{self.tag}' is missing: {_a(what)} names itself there, such as '{min(self.structure)}'"
            raise WireError(message)
        structure = self.structure.get(tag) if tag.__class__ is str else None
        if structure is None:
            known = ", ".join(sorted(self.structure))
            message = f"unknown '{self.tag}' {_short(tag)}; known here: {known}"
            raise WireError(message)
        try:
            return structure(value)
        except (BaseValidationError, ValueError) as error:
            message = f"{tag}: {explain(error)}"
            raise WireError(message) from None

    def to_object(self, value: Any) -> dict[str, Any]:
        """The JSON object of a value, the tag first."""
        tag, unstructure = self.unstructure[value.__class__]
        return {self.tag: tag, **unstructure(value)}


def _structuring(kind: type[Any]) -> Callable[[Any], Any]:
    return _made_at_first_use(lambda: partial(_structured, _converter.get_structure_hook(kind), kind))


def _unstructuring(kind: type[Any]) -> Callable[[Any], Any]:
    return _made_at_first_use(lambda: _converter.get_unstructure_hook(kind))


def _structured(hook: Callable[[Any, Any], Any], kind: type[Any], value: Any) -> Any:
    return hook(value, kind)


def _made_at_first_use(make: Callable[[], Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """To make every hook takes longer than a command of `hivectl`, which needs two of them."""
    made: Callable[[Any], Any] | None = None

    def hook(value: Any) -> Any:
        nonlocal made
        if made is None:
            made = make()
        return made(value)

    return hook


def _object(line: bytes, what: str) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        message = f"the line is no JSON ({error}); {_a(what)} is one JSON object on one line, in UTF-8"
        if not line.strip():
            message = f"the line is empty; {_a(what)} is one JSON object on one line"
        raise WireError(message) from None
    if value.__class__ is not dict:
        message = f"{Mismatch('one JSON object on one line', value)}".replace("must be", f"{_a(what)} must be", 1)
        raise WireError(message)
    return cast("dict[str, Any]", value)


def _a(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _short(value: Any) -> str:
    written = orjson.dumps(value).decode()
    return written if len(written) <= 60 else written[:60] + "…"


def _requests(union: _Union) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    def decoded(line: bytes) -> Any:
        return union.from_object(_object(line, "request"), "request")

    remembered = functools.lru_cache(maxsize=1024)(decoded)

    def request(line: bytes) -> Any:
        return remembered(line) if len(line) <= MEMORABLE_BYTES else decoded(line)

    return request, lambda value: _written(union.to_object(value))


def _written(value: dict[str, Any]) -> bytes:
    return orjson.dumps({name: item for name, item in value.items() if item is not None})


def _tagged(name: str, requests: Any, answers: Any) -> Dialect[Any, Any]:
    asked, answered = _Union.of(requests, "cmd"), _Union.of(answers, "kind")
    return Dialect(
        name,
        *_requests(asked),
        lambda line: answered.from_object(_object(line, "answer"), "answer"),
        lambda value: orjson.dumps(answered.to_object(value)),
        responses.Err,
    )


def _flat(name: str, requests: Any) -> Dialect[Any, Any]:
    structure = _structuring(responses.HostResponse)
    unstructure = _unstructuring(responses.HostResponse)

    def answer(line: bytes) -> Any:
        try:
            return structure(_object(line, "answer"))
        except WireError:
            raise
        except (BaseValidationError, ValueError) as error:
            raise WireError(explain(error)) from None

    return Dialect(
        name,
        *_requests(_Union.of(requests, "cmd")),
        answer,
        lambda value: orjson.dumps(unstructure(value)),
        lambda sentence: responses.HostResponse(ok=False, error=sentence),
    )


_EVENTS = _Union.of(events.HelperEvent, "event")

AGENT: Final[Dialect[agent_requests.AgentRequest, responses.AgentResponse]] = _tagged(
    "agent", agent_requests.AgentRequest, responses.AgentResponse
)
MANAGER: Final[Dialect[manager_requests.ManagerRequest, responses.ManagerResponse]] = _tagged(
    "manager", manager_requests.ManagerRequest, responses.ManagerResponse
)
HOST: Final[Dialect[host_requests.HostRequest, responses.HostResponse]] = _flat("host", host_requests.HostRequest)
