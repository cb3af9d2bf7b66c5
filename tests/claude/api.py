"""A stand-in of the provider's Messages API on 127.0.0.1, as much of it as the real CLI asks for.

In a test: `api = await MessagesApi.started(reactor, script)`, and ANTHROPIC_BASE_URL is `api.url`. As a program:
`python -m tests.claude.api --port-file F --script some.module:SCRIPT`. Once it listens F holds the port, and its
standard output its URL.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from tests.claude.script import USAGE, Answer, Asked, Call, Drops, Hangs, Refuses, Says, Script, Text

PIECE = 16
"""Characters of a text in one event."""


class MessagesApi(WrappingFactory):
    """The stand-in. `asked` is every request for an answer so far, `others` whatever else was requested."""

    port: Any

    def __init__(self, script: Script) -> None:
        super().__init__(Site(Messages(self)))
        self.asked: list[Asked] = []
        self.others: list[str] = []
        self._numbers = itertools.count(1)
        self._waiting: list[Deferred[None]] = []
        self.use(script)

    @classmethod
    async def started(cls, reactor: Any, script: Script, port: int = 0) -> Self:
        """One that listens; on a port of the kernel's choice, if none is wanted."""
        api = cls(script)
        api.port = reactor.listenTCP(port, api, interface="127.0.0.1")
        return api

    @property
    def url(self) -> str:
        """For ANTHROPIC_BASE_URL."""
        return f"http://127.0.0.1:{self.port.getHost().port}"

    def use(self, script: Script) -> None:
        """Answer by that script from now on, from its beginning."""
        self._model = script if callable(script) else _one_after_the_other(script)

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until that is true after a request came or a connection went; it may be already."""
        while not true():
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    async def stop(self) -> None:
        """Listen no more, and leave no connection open."""
        await self.port.stopListening()
        for connection in list(self.protocols):
            connection.transport.abortConnection()
        await self.until(lambda: not self.protocols)

    def answer(self, asked: Asked) -> Answer:
        """Note a request; what to answer to it."""
        self.asked.append(asked)
        self._look()
        return self._model(asked)

    def number(self) -> int:
        """One that no message and no use of a tool has yet."""
        return next(self._numbers)

    def unregisterProtocol(self, connection: ProtocolWrapper) -> None:
        """A connection has gone."""
        super().unregisterProtocol(connection)
        self._look()

    def _look(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)


def _one_after_the_other(answers: Sequence[Answer]) -> Callable[[Asked], Answer]:
    left = itertools.chain(answers, itertools.repeat(answers[-1]))
    return lambda _: next(left)


class Messages(Resource):
    """Every path of the API; `/v1/messages` alone is answered with more than an empty object."""

    isLeaf = True

    def __init__(self, api: MessagesApi) -> None:
        super().__init__()
        self._api = api

    def render(self, request: Any) -> bytes | int:
        """Answer as the script says."""
        request.setHeader(b"content-type", b"application/json")
        if request.method != b"POST" or request.path != b"/v1/messages":
            self._api.others.append(f"{request.method.decode()} {request.uri.decode()}")
            return b"{}"
        headers = {
            name.decode().lower(): values[-1].decode() for name, values in request.requestHeaders.getAllRawHeaders()
        }
        asked = Asked(headers, json.load(request.content))
        match self._api.answer(asked):
            case Refuses() as refusal:
                return _refused(request, refusal)
            case Says(blocks, usage) if not asked.body.get("stream"):
                message = _message(self._api.number(), asked.body["model"], usage)
                content = [_whole(self._api, block) for block in blocks]
                return json.dumps({**message, "content": content, "stop_reason": _stop(blocks)}).encode()
            case answer:
                return self._stream(request, asked, answer)

    def _stream(self, request: Any, asked: Asked, answer: Says | Hangs | Drops) -> int:
        request.setHeader(b"content-type", b"text/event-stream")
        request.notifyFinish().addErrback(lambda failure: failure.trap(ConnectionLost, ConnectionDone) and None)
        usage = answer.usage if isinstance(answer, Says) else USAGE
        if answer.blocks:
            for event in _events(self._api, asked.body["model"], answer.blocks, usage):
                request.write(event)
        if isinstance(answer, Says):
            request.write(_event("message_delta", delta={"stop_reason": _stop(answer.blocks)}, usage=usage))
            request.write(_event("message_stop"))
            request.finish()
        elif isinstance(answer, Drops):
            request.channel.transport.abortConnection()
        return NOT_DONE_YET


def _refused(request: Any, refusal: Refuses) -> bytes:
    request.setResponseCode(refusal.status)
    for name, value in refusal.headers.items():
        request.setHeader(name, value)
    return json.dumps({"type": "error", "error": {"type": refusal.kind, "message": refusal.message}}).encode()


def _message(number: int, model: str, usage: Mapping[str, int]) -> dict[str, Any]:
    ids = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model}
    return {**ids, "content": [], "stop_reason": None, "stop_sequence": None, "usage": dict(usage)}


def _whole(api: MessagesApi, block: Text | Call) -> dict[str, Any]:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    return {"type": "tool_use", "id": f"toolu_{api.number()}", "name": block.name, "input": dict(block.input)}


def _stop(blocks: Sequence[Text | Call]) -> str:
    return "tool_use" if any(isinstance(block, Call) for block in blocks) else "end_turn"


def _events(api: MessagesApi, model: str, blocks: Sequence[Text | Call], usage: Mapping[str, int]) -> Iterator[bytes]:
    yield _event("message_start", message=_message(api.number(), model, {**usage, "output_tokens": 1}))
    for index, block in enumerate(blocks):
        whole = _whole(api, block)
        yield _event("content_block_start", index=index, content_block={**whole, **_EMPTY[whole["type"]]})
        for delta in _deltas(block):
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)


_EMPTY: Final[Mapping[str, dict[str, Any]]] = {"text": {"text": ""}, "tool_use": {"input": {}}}


def _deltas(block: Text | Call) -> Iterator[dict[str, Any]]:
    kind, field = ("text_delta", "text") if isinstance(block, Text) else ("input_json_delta", "partial_json")
    whole = block.text if isinstance(block, Text) else json.dumps(dict(block.input))
    for at in range(0, len(whole), PIECE):
        yield {"type": kind, field: whole[at : at + PIECE]}


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def main() -> None:
    """Serve until a signal ends it; the port is in the file, whole, once it listens."""
    from twisted.internet import reactor as installed

    parser = argparse.ArgumentParser(prog="python -m tests.claude.api", description=main.__doc__)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--script", default="tests.claude.script:echo", help="module:name of a script")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    module, _, name = given.script.partition(":")
    reactor: Any = installed

    async def start() -> None:
        api = await MessagesApi.started(reactor, getattr(import_module(module), name), given.port)
        written = given.port_file.with_suffix(".new")
        written.write_text(f"{api.port.getHost().port}\n")
        written.replace(given.port_file)
        print(api.url, flush=True)

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(start()))
    reactor.run()


if __name__ == "__main__":
    main()
