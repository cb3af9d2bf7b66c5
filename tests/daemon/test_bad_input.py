"""Whatever comes over a socket: a refusal that says what is wrong, or a clean close, and nobody else notices."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from hyperhive.wire import agent_requests, host_requests, manager_requests
from hyperhive.wire.codec import snake_case
from hyperhive.wire.strict import members
from tests.daemon import requests
from tests.daemon.client import Answer, Client, line, take_all
from tests.daemon.conftest import short_lived
from tests.daemon.harness import Hive
from tests.daemon.requests import HARMLESS, Fields, wrong_requests

SOCKETS: dict[str, tuple[Callable[[Hive], Client], dict[str, Fields], Any]] = {
    "host": (Hive.host, requests.HOST, host_requests.HostRequest),
    "manager": (Hive.manager, requests.MANAGER, manager_requests.ManagerRequest),
    "agent": (lambda hive: hive.agent("alice"), requests.AGENT, agent_requests.AgentRequest),
}
every_verb = pytest.mark.parametrize(
    ("who", "verb"), [(who, verb) for who, (_, verbs, _) in SOCKETS.items() for verb in verbs]
)
every_socket = pytest.mark.parametrize("who", SOCKETS)

KEPT = ["a letter with a \0 in it", "ein Brief für Bob", "x" * 200_000]
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def hive() -> Iterator[Hive]:
    """One hive for all of these: alice is talked to badly, bob has mail that nobody may lose."""
    with short_lived() as hive:
        hive.start()
        for name in ("alice", "bob"):
            assert hive.host().ask("spawn", name=name)["ok"]
        for body in KEPT:
            assert hive.manager().ask("send", to="bob", body=body)["kind"] == "ok"
        yield hive


@pytest.fixture(scope="module")
def bob(hive: Hive) -> Client:
    """A connection that stays, whatever the others do."""
    return hive.agent("bob")


@pytest.fixture(autouse=True)
def undisturbed(hive: Hive, bob: Client) -> Iterator[None]:
    """After each test the daemon is the same and small, has no complaint, and bob's connection and mail are there."""
    daemon = hive.daemons[-1]
    yield
    assert bob.ask("status") == {"kind": "status", "unread": len(KEPT)}
    assert daemon.process.poll() is None
    assert "Traceback" not in daemon.log
    assert daemon.resident_bytes() < 200 * MEBIBYTE


@pytest.fixture(scope="module", autouse=True)
def nothing_is_lost(hive: Hive, bob: Client) -> Iterator[None]:
    """In the end bob reads all his mail, once, unmarked and in order."""
    yield
    assert [(row["body"], row["redelivered"]) for row in take_all(bob)] == [(body, False) for body in KEPT]


def refusal(answer: Answer) -> str:
    """The sentence of an answer that must be a refusal."""
    if "version" in answer:
        assert answer["ok"] is False, answer
        return str(answer["error"])
    assert answer["kind"] == "err", answer
    return str(answer["message"])


def refusal_of(client: Client, data: bytes) -> str:
    """What those bytes are refused with; the connection must then still be good."""
    client.write(data + b"\n")
    sentence = refusal(client.hear())
    assert sentence
    assert "\n" not in sentence
    assert len(sentence) < 2000
    client.write(line("no_such_verb"))
    assert "no_such_verb" in refusal(client.hear())
    return sentence


def connect(hive: Hive, who: str) -> Client:
    """A connection to that kind of socket."""
    return SOCKETS[who][0](hive)


@every_socket
def test_no_verb_is_missing_from_the_table(who: str) -> None:
    _, verbs, union = SOCKETS[who]
    built = {snake_case(kind.__name__): {field.name for field in attrs.fields(kind)} for kind in members(union)}
    assert {verb: set(fields) for verb, fields in verbs.items()} == built


@every_verb
def test_a_field_that_is_wrong_is_named_with_what_it_should_be(hive: Hive, who: str, verb: str) -> None:
    with connect(hive, who) as client:
        wrong = wrong_requests(SOCKETS[who][1][verb])
        for request in wrong:
            client.say(verb, **request.fields)
            sentence = refusal(client.hear())
            assert sentence.startswith(f"{verb}: '{request.field}"), (request, sentence)
            assert request.expected in sentence, (request, sentence)
        assert refusal_of(client, b"{}")


@every_verb
def test_null_means_absent_where_a_field_may_be(hive: Hive, who: str, verb: str) -> None:
    fields = SOCKETS[who][1][verb]
    optional = {name: None for name, kind in fields.items() if kind.endswith("?")}
    if optional:
        harmless = {name: HARMLESS[kind] for name, kind in fields.items() if name not in optional}
        # Names that nobody could have keep what would be done from being done.
        harmless = {name: "No Name" if fields[name] == "name" else value for name, value in harmless.items()}
        with connect(hive, who) as client:
            client.say(verb, **harmless, **optional)
            client.say_no_more()  # what would wait is then answered with what there is
            answer = json.dumps(client.hear())
            assert not [name for name in optional if f"{verb}: '{name}'" in answer], answer


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "an empty line": (b"", "empty"),
    "spaces": (b" \t ", "empty"),
    "no JSON": (b"hello", "JSON"),
    "half an object": (b'{"cmd":"status"', "JSON"),
    "two objects": (b'{"cmd":"status"}{"cmd":"status"}', "JSON"),
    "a list": (b'["status"]', "one JSON object"),
    "a string": (b'"status"', "one JSON object"),
    "a number": (b"7", "one JSON object"),
    "null": (b"null", "one JSON object"),
    "not a number": (b'{"cmd":NaN}', "JSON"),
    "a number beyond all": (b'{"cmd":"recv","wait_seconds":1' + b"0" * 400 + b"}", "number"),
    "no tag": (b"{}", "'cmd' is missing"),
    "a null tag": (b'{"cmd":null}', "'cmd' is missing"),
    "a number as tag": (b'{"cmd":7}', "unknown 'cmd'"),
    "a list as tag": (b'{"cmd":["status"]}', "unknown 'cmd'"),
    "an object as tag": (b'{"cmd":{"status":1}}', "unknown 'cmd'"),
    "an unknown tag": (b'{"cmd":"reboot"}', "unknown 'cmd' \"reboot\""),
    "a tag in another case": (b'{"cmd":"Status"}', "unknown 'cmd'"),
    "a long tag": (b'{"cmd":"' + b"x" * 100_000 + b'"}', "unknown 'cmd'"),
    "a NUL outside of a string": (b'{"cmd":\0"status"}', "JSON"),
    "a bare NUL": (b"\0", "JSON"),
    "a raw control character": (b'{"cmd":"status","x":"\x01"}', "JSON"),
    "a lone surrogate": (rb'{"cmd":"send","to":"bob","body":"\ud800"}', "JSON"),
    "a lone surrogate as a key": (rb'{"cmd":"status","\udfff":1}', "JSON"),
    "no UTF-8": (b'{"cmd":"send","to":"bob","body":"\xff\xfe"}', "UTF-8"),
    "a surrogate in UTF-8": (b'{"cmd":"send","to":"bob","body":"\xed\xa0\x80"}', "UTF-8"),
    "deep lists": (b'{"cmd":"status","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "JSON"),
    "deep lists without an end": (b'{"cmd":"status","x":' + b"[" * 1_000_000, "JSON"),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "JSON"),
    "a byte order mark": (b'\xef\xbb\xbf{"cmd":"status"}', "JSON"),
}


@every_socket
@pytest.mark.parametrize("what", BAD_LINES)
def test_a_line_that_is_no_request_is_refused_and_the_connection_stays(hive: Hive, who: str, what: str) -> None:
    data, expected = BAD_LINES[what]
    with connect(hive, who) as client:
        assert expected in refusal_of(client, data)


@every_socket
def test_unknown_keys_are_ignored(hive: Hive, who: str) -> None:
    with connect(hive, who) as client:
        answer = client.ask("answer", id=requests.NO_NUMBER, text="words", colour="red", kind=None)
        assert "colour" not in refusal(answer)


@every_socket
@pytest.mark.parametrize("size", [MEBIBYTE + 1, 2 * MEBIBYTE])
def test_a_line_that_is_too_long_is_refused_and_the_connection_closed(hive: Hive, who: str, size: int) -> None:
    with connect(hive, who) as client:
        client.write(b'{"cmd":"' + b"x" * (size - 10) + b'"}\n' + line("status"))
        sentence = refusal(client.hear())
        assert str(MEBIBYTE) in sentence
        assert client.hears_the_end()


@every_socket
def test_the_longest_line_is_read(hive: Hive, who: str) -> None:
    with connect(hive, who) as client:
        request = line("answer", id=requests.NO_NUMBER, text="words", padding="")
        padded = request.replace(b'"padding": ""', b'"padding": "' + b"x" * (MEBIBYTE + 1 - len(request)) + b'"')
        assert len(padded) == MEBIBYTE + 1
        client.write(padded)
        assert "999999999" in refusal(client.hear())
