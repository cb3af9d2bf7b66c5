"""The stand-in of the Messages API, asked without the CLI."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

ROOT = Path(__file__).parents[2]


class Standing(ProcessProtocol):
    """The stand-in as a program; `url` fires when it listens."""

    transport: Any

    def __init__(self) -> None:
        self.url: Deferred[str] = Deferred()
        self.ended: Deferred[None] = Deferred()

    def outReceived(self, data: bytes) -> None:
        self.url.callback(data.decode().strip())

    def processEnded(self, reason: Failure) -> None:
        reason.trap(ProcessTerminated)
        self.ended.callback(None)


@pytest.fixture
def standing(reactor: Any, tmp_path: Path) -> Generator[Standing]:
    standing = Standing()
    words = [sys.executable, "-m", "tests.claude.api", "--port-file", str(tmp_path / "port")]
    reactor.spawnProcess(standing, words[0], words, None, str(ROOT))
    yield standing
    standing.transport.signalProcess("KILL")
    pytest_twisted.blockon(standing.ended)


def ask(url: str, **more: Any) -> str:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **more}
    with urllib.request.urlopen(f"{url}/v1/messages?beta=true", json.dumps(body).encode(), timeout=10) as answer:
        return str(answer.read().decode())


async def test_it_serves_as_a_program_on_the_port_that_its_file_holds(standing: Standing, tmp_path: Path) -> None:
    url = await standing.url
    assert url == f"http://127.0.0.1:{(tmp_path / 'port').read_text().strip()}"
    message = json.loads(await deferToThread(ask, url))
    assert message["content"] == [{"type": "text", "text": "heard 1"}]
    streamed = await deferToThread(ask, url, stream=True)
    assert streamed.startswith("event: message_start\n")
    assert streamed.endswith('event: message_stop\ndata: {"type": "message_stop"}\n\n')
