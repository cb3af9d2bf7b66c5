"""The web hook, with a real server on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import Site

from hyperhive.services.notices import Notice, NotSent
from hyperhive.webhook import WebHook

NOTICE = Notice("A question waits", "alice asks", "/questions/3")


class Server(Resource):
    """Takes what is posted, or answers with an error."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.got: list[tuple[str, dict[str, str], str]] = []

    def render_POST(self, request: Any) -> bytes:
        headers = {name: request.getHeader(name) for name in ("title", "priority", "click", "content-type")}
        self.got.append((request.uri.decode(), headers, request.content.read().decode()))
        request.setResponseCode(self.status)
        return b"taken"


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def server(reactor: Any) -> Generator[tuple[Server, str]]:
    resource = Server()
    port = reactor.listenTCP(0, Site(resource), interface="127.0.0.1")
    yield resource, f"http://127.0.0.1:{port.getHost().port}/my-hive"
    pytest_twisted.blockon(Deferred.fromCoroutine(_stop(port)))


async def _stop(port: Any) -> None:
    await port.stopListening()


async def test_a_notice_is_one_post_with_a_way_to_its_page(reactor: Any, server: tuple[Server, str]) -> None:
    resource, url = server
    await WebHook(reactor, url, "https://hive.example.org").send(NOTICE)
    ((address, headers, body),) = resource.got
    assert (address, body) == ("/my-hive", "alice asks")
    assert headers == {
        "title": "A question waits",
        "priority": "high",
        "click": "https://hive.example.org/questions/3",
        "content-type": "text/plain; charset=utf-8",
    }


async def test_without_the_consoles_address_there_is_no_way_to_it(reactor: Any, server: tuple[Server, str]) -> None:
    resource, url = server
    await WebHook(reactor, url, None).send(NOTICE)
    assert resource.got[0][1]["click"] is None


async def test_a_server_that_does_not_take_it_is_said_without_its_address(
    reactor: Any, server: tuple[Server, str]
) -> None:
    resource, url = server
    resource.status = 500
    with pytest.raises(NotSent, match="the web hook's server did not take it") as refused:
        await WebHook(reactor, url, None).send(NOTICE)
    assert "my-hive" not in str(refused.value)


async def test_nobody_there_is_said_as_well(reactor: Any) -> None:
    with pytest.raises(NotSent, match="Connection refused"):
        await WebHook(reactor, "http://127.0.0.1:9/", None).send(NOTICE)
