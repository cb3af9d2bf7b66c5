"""What is refused, and that the refusal names the field and what was expected."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin, get_type_hints

import attrs
import orjson
import pytest

from hyperhive.wire import agent_requests, host_requests, manager_requests
from hyperhive.wire.codec import AGENT, HOST, MANAGER, Dialect, WireError, snake_case
from hyperhive.wire.fields import BODY_BYTES, TEXT_BYTES, Whole
from hyperhive.wire.records import Scope
from hyperhive.wire.strict import members
from tests.strategies import EITHER

DIALECTS = ((AGENT, agent_requests.AgentRequest), (MANAGER, manager_requests.ManagerRequest),
            (HOST, host_requests.HostRequest))  # fmt: skip

JSON_TYPES: dict[str, tuple[bytes, ...]] = {
    "null": (b"null",),
    "true or false": (b"true", b"false"),
    "a whole number": (b"7", b"-7"),
    "a fraction": (b"7.0", b"1e3"),
    "a string": (b'"7"', b'""'),
    "a list": (b"[]", b"[null]"),
    "an object": (b"{}", b'{"agent_names":["bob"]}'),
}
GOOD: dict[Any, bytes] = {int: b"7", str: b'"7"', bool: b"true", tuple: b"[]", Scope: b'{"agent_names":["bob"]}'}
WORDS = {int: "a whole number from ", str: "a string", bool: "true or false", tuple: "a list", Scope: "an object"}
TAKEN: dict[Any, tuple[bytes, ...]] = {
    int: (b"7", b"-7"), str: (b'"7"', b'""'), bool: (b"true", b"false"), tuple: (b"[]",),
    Scope: (b'{"agent_names":["bob"]}',),
}  # fmt: skip


def kind_of(hint: Any) -> tuple[Any, bool, bool]:
    """The plain kind of a field, whether it may be null, and whether it is unsigned."""
    args = get_args(hint)
    if type(None) in args:
        kind, _, unsigned = kind_of(next(arg for arg in args if arg is not type(None)))
        return kind, True, unsigned
    if get_origin(hint) is Annotated:
        bounds = hint.__metadata__[0]
        kind, nullable, _ = kind_of(args[0])
        return kind, nullable, isinstance(bounds, Whole) and bounds.least == 0
    return get_origin(hint) or hint, False, False


def fields_of_all() -> list[Any]:
    found = []
    for dialect, union in DIALECTS:
        for request in members(union):
            hints = get_type_hints(request, include_extras=True)
            for field in attrs.fields(request):
                label = f"{dialect.name}-{snake_case(request.__name__)}-{field.name}"
                found.append(pytest.param(dialect, request, field.name, *kind_of(hints[field.name]), id=label))
    return found


def line_with(request: Any, name: str, written: bytes) -> bytes:
    """A request that is as it should be but for that field."""
    hints = get_type_hints(request, include_extras=True)
    said = {
        field.name: GOOD[kind_of(hints[field.name])[0]]
        for field in attrs.fields(request)
        if field.default is attrs.NOTHING
    }
    pair = EITHER.get(request, ())
    if pair and name not in pair:
        said[pair[0]] = GOOD[kind_of(hints[pair[0]])[0]]
    said[name] = written
    inner = b"".join(b',"%b":%b' % (field.encode(), value) for field, value in said.items())
    return b'{"cmd":"%b"%b}' % (snake_case(request.__name__).encode(), inner)


@pytest.mark.parametrize(("dialect", "request_class", "name", "kind", "nullable", "unsigned"), fields_of_all())
def test_a_field_takes_its_type_and_refuses_every_other(
    dialect: Dialect[Any, Any], request_class: Any, name: str, kind: Any, *, nullable: bool, unsigned: bool
) -> None:
    for json_type, values in JSON_TYPES.items():
        for value in values:
            line = line_with(request_class, name, value)
            taken = value in TAKEN[kind] and not (unsigned and value == b"-7")
            one_of_two = name in EITHER.get(request_class, ())
            if taken or (nullable and json_type == "null" and not one_of_two):
                assert type(dialect.request(line)) is request_class
                continue
            with pytest.raises(WireError) as refused:
                dialect.request(line)
            if name == "scope" and json_type == "an object":
                assert "'scope.agent_names' is missing; it must be a list" in str(refused.value)
            elif nullable and json_type == "null":
                one, other = EITHER[request_class]
                assert f"exactly one of '{one}' and '{other}' must be given" in str(refused.value)
            elif kind is tuple and value == b"[null]":
                assert f"'{name}[0]' must be a" in str(refused.value)
            else:
                assert f"'{name}' must be {WORDS[kind]}" in str(refused.value)


@pytest.mark.parametrize(
    ("dialect", "line", "sentence"),
    [
        (AGENT, b"", "the line is empty; a request is one JSON object on one line"),
        (AGENT, b" \t\r", "the line is empty; a request is one JSON object on one line"),
        (AGENT, b"send bob hi", "the line is no JSON"),
        (AGENT, b'{"cmd":"recv"', "the line is no JSON"),
        (AGENT, b'{"cmd":"recv"} {"cmd":"recv"}', "the line is no JSON"),
        (AGENT, b'{"cmd":"recv","wait_seconds":NaN}', "the line is no JSON"),
        (AGENT, b'{"cmd":"recv","wait_seconds":01}', "the line is no JSON"),
        (AGENT, b"{'cmd':'recv'}", "the line is no JSON"),
        (AGENT, b'\xef\xbb\xbf{"cmd":"recv"}', "the line is no JSON"),
        (AGENT, b'{"cmd":"send","to":"bob","body":"\xff"}', "the line is no JSON"),
        (AGENT, b'{"cmd":"send","to":"bob","body":"\xed\xa0\x80"}', "the line is no JSON"),
        (AGENT, b'{"cmd":"send","to":"bob","body":"\\ud800"}', "the line is no JSON"),
        (AGENT, b'{"cmd":"send","to":"bob","body":"\\udc00\\ud800"}', "the line is no JSON"),
        (AGENT, b'{"cmd":"send","to":"bob","body":"\0"}', "the line is no JSON"),
        (AGENT, b'{"cmd":"status","x":' + b"[" * 5000 + b"]" * 5000 + b"}", "the line is no JSON"),
        (AGENT, b"[" * 100_000, "the line is no JSON"),
        (AGENT, b"[]", "a request must be one JSON object on one line, not a list of 0"),
        (AGENT, b"null", "a request must be one JSON object on one line, not null"),
        (AGENT, b'"recv"', "a request must be one JSON object on one line, not a string"),
        (AGENT, b"7", "a request must be one JSON object on one line, not 7"),
        (AGENT, b"{}", "'cmd' is missing: a request names itself there"),
        (AGENT, b'{"cmd":null}', "'cmd' is missing: a request names itself there"),
        (AGENT, b'{"kind":"recv"}', "'cmd' is missing: a request names itself there"),
        (AGENT, b'{"cmd":"dance"}', "unknown 'cmd' \"dance\"; known here: ack_turn, answer, ask"),
        (AGENT, b'{"cmd":"Recv"}', "unknown 'cmd' \"Recv\""),
        (AGENT, b'{"cmd":["recv"]}', "unknown 'cmd' [\"recv\"]"),
        (AGENT, b'{"cmd":{}}', "unknown 'cmd' {}"),
        (AGENT, b'{"cmd":7}', "unknown 'cmd' 7"),
        (AGENT, b'{"cmd":1e400}', "the line is no JSON"),
        (AGENT, b'{"cmd":"' + b"x" * 500 + b'"}', "unknown 'cmd'"),
        (AGENT, b'{"cmd":"kill","name":"bob"}', "unknown 'cmd' \"kill\""),
        (AGENT, b'{"cmd":"list"}', "unknown 'cmd' \"list\""),
        (MANAGER, b'{"cmd":"approve","id":1}', "unknown 'cmd' \"approve\""),
        (HOST, b'{"cmd":"recv"}', "unknown 'cmd' \"recv\""),
        (AGENT, b'{"cmd":"send","body":"hi"}', "send: 'to' is missing; it must be a string"),
        (AGENT, b'{"cmd":"send"}', "send: 'to' is missing; it must be a string"),
        (AGENT, b'{"cmd":"recent"}', "'limit' is missing; it must be a whole number from 0 to 18446744073709551615"),
        (AGENT, b'{"cmd":"answer","id":1,"choices":["a",null]}', "answer: 'choices[1]' must be a string, not null"),
        (AGENT, b'{"cmd":"ack_turn","ids":[1,"2"]}', "'ids[1]' must be a whole number from -9223372036854775808 to"),
        (HOST, b'{"cmd":"start"}', "start: exactly one of 'name' and 'scope' must be given"),
        (HOST, b'{"cmd":"stop","name":"a","scope":{"agent_names":["b"]}}', "exactly one of 'name' and 'scope'"),
        (HOST, b'{"cmd":"restart","scope":{"agent_names":[]}}', "'scope.agent_names' must name at least one agent"),
        (HOST, b'{"cmd":"start","scope":{"agent_names":["a",7]}}', "'scope.agent_names[1]' must be a string, not 7"),
    ],
)  # fmt: skip
def test_the_refusal_says(dialect: Dialect[Any, Any], line: bytes, sentence: str) -> None:
    with pytest.raises(WireError) as refused:
        dialect.request(line)
    assert sentence in str(refused.value)
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        (b'{"cmd":"recv","wait_seconds":%d}', 0, 2**64 - 1),
        (b'{"cmd":"recent","limit":%d}', 0, 2**64 - 1),
        (b'{"cmd":"send","to":"bob","body":"","in_reply_to":%d}', -(2**63), 2**63 - 1),
        (b'{"cmd":"ack_turn","ids":[%d]}', -(2**63), 2**63 - 1),
    ],
)
def test_whole_numbers_keep_to_their_bits(field: bytes, least: int, most: int) -> None:
    AGENT.request(field % least)
    AGENT.request(field % most)
    for beyond in (least - 1, most + 1, most * 10**30, -(10**400)):
        with pytest.raises(WireError):
            AGENT.request(field % beyond)


@pytest.mark.parametrize("filling", ["x", "ü", "€", "😀"])
@pytest.mark.parametrize(
    ("request_with", "most"),
    [
        (lambda text: {"cmd": "send", "to": "bob", "body": text}, BODY_BYTES),
        (lambda text: {"cmd": "operator_msg", "body": text}, BODY_BYTES),
        (lambda text: {"cmd": "ask_operator", "question": text}, TEXT_BYTES),
        (lambda text: {"cmd": "ask_operator", "question": "", "options": ["", text]}, TEXT_BYTES),
        (lambda text: {"cmd": "answer", "id": 1, "answer": text}, TEXT_BYTES),
        (lambda text: {"cmd": "answer", "id": 1, "text": text}, TEXT_BYTES),
        (lambda text: {"cmd": "set_status", "text": text}, TEXT_BYTES),
        (lambda text: {"cmd": "request_spawn", "name": "bob", "description": text}, TEXT_BYTES),
    ],
)
def test_a_text_may_have_so_many_bytes_in_utf_8(filling: str, request_with: Any, most: int) -> None:
    size = len(filling.encode())
    fits = filling * (most // size) + "x" * (most % size)
    MANAGER.request(orjson.dumps(request_with(fits)))
    with pytest.raises(WireError, match=f"must be a string of at most {most} bytes, not a string of {most + 1} bytes"):
        MANAGER.request(orjson.dumps(request_with(fits + "x")))


def test_a_note_may_have_16_kib() -> None:
    HOST.request(orjson.dumps({"cmd": "deny", "id": 1, "note": "x" * TEXT_BYTES}))
    with pytest.raises(WireError, match="'note' must be a string of at most 16384 bytes"):
        HOST.request(orjson.dumps({"cmd": "deny", "id": 1, "note": "x" * (TEXT_BYTES + 1)}))


def test_a_question_may_have_64_options() -> None:
    AGENT.request(orjson.dumps({"cmd": "ask_operator", "question": "?", "options": ["x"] * 64}))
    with pytest.raises(WireError, match="'options' must be a list of at most 64 items, not a list of 65"):
        AGENT.request(orjson.dumps({"cmd": "ask_operator", "question": "?", "options": ["x"] * 65}))


@pytest.mark.parametrize(
    ("dialect", "name", "line"),
    [
        (AGENT, "to", '{"cmd":"send","to":"b\\u0000b","body":""}'),
        (AGENT, "to", '{"cmd":"ask","to":"b\\u0000b","question":"?"}'),
        (MANAGER, "name", '{"cmd":"kill","name":"b\\u0000b"}'),
        (MANAGER, "commit_ref", '{"cmd":"request_apply_commit","agent":"bob","commit_ref":"0a1b\\u0000"}'),
        (HOST, "name", '{"cmd":"spawn","name":"b\\u0000b"}'),
        (HOST, "agent", '{"cmd":"messages","limit":1,"agent":"\\u0000"}'),
        (HOST, "scope.agent_names[1]", '{"cmd":"start","scope":{"agent_names":["a","\\u0000"]}}'),
    ],
)
def test_a_name_with_nul_is_refused(dialect: Dialect[Any, Any], name: str, line: str) -> None:
    with pytest.raises(WireError) as refused:
        dialect.request(line.encode())
    assert f"'{name}' must be a string without NUL" in str(refused.value)


def test_nul_stands_in_bodies_and_texts() -> None:
    assert AGENT.request(b'{"cmd":"operator_msg","body":"\\u0000"}') == agent_requests.OperatorMsg("\0")
    assert AGENT.request(b'{"cmd":"set_status","text":"\\u0000"}') == agent_requests.SetStatus("\0")


def test_a_refused_line_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(WireError):
            AGENT.request(b'{"cmd":"recent"}')
