"""Lines that can't be read are answered, with the number of their call and what is wrong with them."""

from __future__ import annotations

import io
import json
import subprocess
from typing import Any

import mcp_types as types
import pytest

from hyperhive.agent.tools import stdio
from hyperhive.agent.tools.stdio import number_in, read
from tests.agent.tools.clients import COMMAND
from tests.agent.tools.conftest import Village
from tests.agent.tools.test_serving import HELLO, request
from tests.daemon.client import PATIENCE

CALL = '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s","arguments":{"id":5,"body":%s}}}'
DEEP = "[" * 5000 + "]" * 5000


def refused(line: bytes) -> tuple[Any, int, str]:
    """The number, the code, and the sentence of the answer to a line."""
    answer = read(line)
    assert isinstance(answer, bytes)
    said = json.loads(answer)
    assert said["jsonrpc"] == "2.0"
    return said["id"], said["error"]["code"], said["error"]["message"].removeprefix("this line can't be read: ")


def test_a_message_that_can_be_read_is_one() -> None:
    assert isinstance(read((CALL % (3, "send", '"\\ud83d\\ude00"')).encode()), types.JSONRPCRequest)


@pytest.mark.parametrize(
    ("line", "number", "code", "why"),
    [
        (CALL % (3, "send", '"cut \\ud83d"'), 3, -32700, "a string holds half a character"),
        (CALL % (3, "send", '"\\udc00 cut"'), 3, -32700, "a string holds half a character"),
        (CALL % ('"a"', "\\ud800", '"x"'), "a", -32700, "a string holds half a character"),
        (CALL % (3, "send", DEEP), 3, -32700, "it is nested too deep"),
        ("[" * 100_000, None, -32700, "it is nested too deep"),
        (CALL % (3, "send", "nonsense"), 3, -32700, "it is no JSON (expected ident"),
        ("rubbish", None, -32700, "it is no JSON (expected value"),
        ('{"method": "id", "id": 12, "jsonrpc": "1.0"}', 12, -32600, "it is no message of JSON-RPC 2.0"),
        ("null", None, -32600, "it is no message of JSON-RPC 2.0"),
        ("[]", None, -32600, "it is no message of JSON-RPC 2.0"),
    ],
    ids=["lead", "trail", "name", "deep", "deeper", "nonsense", "rubbish", "version", "null", "list"],
)
def test_one_that_can_not_be_read_is_answered(line: str, number: Any, code: int, why: str) -> None:
    said = refused(line.encode())
    assert said[:2] == (number, code)
    assert said[2].startswith(why)


def test_what_is_no_utf8_is_answered() -> None:
    assert refused(b'{"jsonrpc":"2.0","id":9,"method":"\xff"}')[0] == 9


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b'{"params":{"id":1},"id" : 2}', b"2"),
        (b'{"params":{"a":"\\"},\\"id\\":1"},"id":"x y"}', b'"x y"'),
        (b'{"params":["id", {"id":1}]}', b"null"),
        (b'{"id":1.5}', b"null"),
        (b'{"id":"\\ud800"}', b"null"),
        (b'{"never closed', b"null"),
        (b'{"params":"never closed,"id":4}', b"4"),
    ],
)
def test_the_number_of_a_call_is_found_at_the_outside_of_the_line_alone(line: bytes, number: bytes) -> None:
    assert number_in(line) == number


@pytest.mark.parametrize("where", ["before", "behind"])
def test_a_line_that_is_too_long_is_answered_and_not_held(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "LONGEST_LINE", 1000)
    filling = b'"params":"' + b"x" * 100_000 + b'"'
    whole = b'{"id":8,' + filling + b"}" if where == "before" else b"{" + filling + b',"id":8}'
    source = io.BytesIO(whole + b"\n" + b"next\n")
    line = stdio._line(source)
    assert len(line) < 3000
    assert refused(line) == (8, -32700, "it is longer than 1000 bytes; nothing here takes as much")
    assert stdio._line(source) == b"next\n"


def test_every_call_is_answered_whatever_stands_in_its_line(quiet: Village) -> None:
    lines = [HELLO, {"jsonrpc": "2.0", "method": "notifications/initialized"}]
    lines += [request(2, "tools/call", name="send", arguments={"to": "bob", "body": "cut \ud83d"})]
    lines += [request(3, "tools/call", name="whoami")]
    with subprocess.Popen(
        COMMAND, env={"HIVE_SOCKET": str(quiet.alices)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        server.stdin.flush()
        answers = {said["id"]: said for said in (json.loads(server.stdout.readline()) for _ in range(3))}
        server.stdin.close()
        assert server.wait(PATIENCE) == 0
    assert answers[2]["error"]["message"].startswith("this line can't be read: a string holds half a character")
    assert "You are alice" in str(answers[3]["result"])
