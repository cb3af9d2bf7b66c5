"""Standard input and output as the protocol's messages, a line each. A line that can't be read is answered as well.

The SDK's own reader drops such a line, and whoever asked in it waits for ever.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, Final

import anyio
import anyio.to_thread
import mcp_types as types
import orjson
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

_log = logging.getLogger(__name__)

LONGEST_LINE: Final = 8 * 1024 * 1024
"""Bytes of one line; no request of the hive comes near."""
TAIL: Final = 512
"""Bytes that are kept of the end of a longer one."""

Cancelled = Callable[[types.RequestId], Coroutine[Any, Any, None]]
"""Is told of every call that the client cancels."""

_ID: Final = rb'"id"\s*:\s*(-?\d{1,20}|"[ !#-\[\]-~]{0,256}")\s*'
_PAIR: Final = re.compile(_ID + rb"[,}]")
_LAST: Final = re.compile(_ID + rb"\}\s*\Z")
_TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[{]++|[\]}]++', re.DOTALL)


@asynccontextmanager
async def conversation(cancelled: Cancelled) -> AsyncIterator[tuple[Any, Any]]:
    """The two streams that the SDK's server speaks over. Meanwhile nothing else gets to read or write there."""
    source, sink = _taken(0, _nothing()), _taken(1, os.dup(2))
    heard, incoming = anyio.create_memory_object_stream[SessionMessage](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage | bytes](0)
    async with anyio.create_task_group() as tasks:

        def cancel(call: types.RequestId) -> None:
            tasks.start_soon(cancelled, call)

        tasks.start_soon(_write, said, sink)
        tasks.start_soon(_read, os.fdopen(source, "rb"), heard, outgoing.clone(), cancel)
        yield incoming, outgoing


def _nothing() -> int:
    """What is at its end at once; unlike `/dev/null` it is had wherever a program runs."""
    end, other = os.pipe()
    os.close(other)
    return end


def _taken(number: int, instead: int) -> int:
    """The wire of a standard stream, for us alone; whoever else uses it gets what is there `instead`."""
    wire = os.dup(number)
    os.dup2(instead, number)
    os.close(instead)
    return wire


async def _read(
    source: BinaryIO,
    heard: MemoryObjectSendStream[SessionMessage],
    answers: MemoryObjectSendStream[SessionMessage | bytes],
    cancel: Callable[[types.RequestId], None],
) -> None:
    async with heard, answers:
        while line := await anyio.to_thread.run_sync(_line, source):
            if not line.strip():
                continue
            message = read(line)
            if isinstance(message, bytes):
                _log.warning("a line was refused: %s", message.decode())
                await answers.send(message)
                continue
            if (call := _cancels(message)) is not None:
                cancel(call)
            await heard.send(SessionMessage(message))


async def _write(said: MemoryObjectReceiveStream[SessionMessage | bytes], sink: int) -> None:
    async with said:
        async for one in said:
            line = one if isinstance(one, bytes) else _written(one)
            try:
                await anyio.to_thread.run_sync(_put, sink, line + b"\n")
            except OSError as error:
                _log.warning("an answer could not be written: %s", error.strerror)


def _line(source: BinaryIO) -> bytes:
    """The next line with its end; of one that is too long its begin and its end, with a gap that is longer than both.

    Empty at the end of the input.
    """
    line = source.readline(LONGEST_LINE + 1)
    if len(line) <= LONGEST_LINE:
        return line
    tail = line
    while not tail.endswith(b"\n") and (more := source.readline(LONGEST_LINE)):
        tail = (tail[-TAIL:] + more)[-TAIL:]
    return line if tail is line else line + tail


def _put(sink: int, line: bytes) -> None:
    while line:
        line = line[os.write(sink, line) :]


def _written(message: SessionMessage) -> bytes:
    return message.message.model_dump_json(by_alias=True, exclude_unset=True).encode()


def read(line: bytes) -> types.JSONRPCMessage | bytes:
    """The message in a line, or the line that answers one without."""
    if len(line) > LONGEST_LINE:
        return _refusal(line, types.PARSE_ERROR, f"it is longer than {LONGEST_LINE} bytes; nothing here takes as much")
    try:
        message: types.JSONRPCMessage = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            return _refusal(line, types.PARSE_ERROR, _why(str(first["ctx"]["error"])))
        return _refusal(line, types.INVALID_REQUEST, "it is no message of JSON-RPC 2.0")
    return message


def _refusal(line: bytes, code: int, why: str) -> bytes:
    error = {"code": code, "message": f"this line can't be read: {why}"}
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (number_in(line), orjson.dumps(error))


def _why(error: str) -> str:
    """What is wrong with the JSON, so that whoever wrote it can do better."""
    if "surrogate" in error or "hex escape" in error:
        return "a string holds half a character, a surrogate without its other half; write whole characters"
    if "recursion" in error:
        return "it is nested too deep; a call takes strings, numbers, and lists of strings"
    return f"it is no JSON ({error})"


def number_in(line: bytes) -> bytes:
    """The `id` of the message in a line, as JSON, whatever else is wrong with it; `null` where none is found."""
    depth = 0
    for token in _TOKENS.finditer(line, 0, min(len(line), LONGEST_LINE)):
        first = line[token.start() : token.start() + 1]
        if first in b"[{":
            depth += len(token[0])
        elif first in b"]}":
            depth -= len(token[0])
        elif depth == 1 and token[0] == b'"id"' and (pair := _PAIR.match(line, token.start())):
            return pair[1]
    last = _LAST.search(line, max(0, len(line) - TAIL))
    return b"null" if last is None else last[1]


def _cancels(message: types.JSONRPCMessage) -> types.RequestId | None:
    if isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
        call = (message.params or {}).get("requestId")
        return call if isinstance(call, int | str) else None
    return None
