"""The line to a daemon that is away, hangs up, or is slow; and calls that are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hyperhive.agent.tools import link as module
from hyperhive.agent.tools.link import Link, Unanswered
from hyperhive.wire import responses
from hyperhive.wire.agent_requests import Recv, RequeueInflight, Send, Status
from hyperhive.wire.codec import MANAGER
from hyperhive.wire.records import Letter
from tests.agent.tools.clients import run
from tests.agent.tools.conftest import Village

MAIL = responses.Messages((Letter(id=7, sender="bob", body="hello", at=0, redelivered=False),))


class FakeDaemon:
    """Answers as it is told; None hangs up, and what is not in the list is not answered."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[Any] = []
        self.heard = asyncio.Event()
        self.hung_up = asyncio.Event()
        self.at_half_close: Any = None

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        while line := await reader.readline():
            self.asked.append(MANAGER.request(line[:-1]))
            self.heard.set()
            if self.answers:
                answer = self.answers.pop(0)
                if answer is None:
                    break
                writer.write(MANAGER.line_of_answer(answer) + b"\n")
        else:
            self.hung_up.set()
            if self.at_half_close is not None:
                writer.write(MANAGER.line_of_answer(self.at_half_close) + b"\n")
                self.at_half_close = None
        writer.close()


@asynccontextmanager
async def listening(path: Path, answers: list[Any]) -> AsyncIterator[FakeDaemon]:
    """A daemon on that socket."""
    daemon = FakeDaemon(answers)
    server = await asyncio.start_unix_server(daemon.converse, path)
    try:
        yield daemon
    finally:
        server.close()


async def answer_to(link: Link, request: Any) -> Any:
    async with link.asked(request) as (answer, _):
        return answer


def test_a_daemon_that_is_away_is_an_error_after_a_while(tmp_path: Path) -> None:
    with pytest.raises(Unanswered, match=r"away for 0\.01 seconds \(No such file or directory\), so nothing was done"):
        run(answer_to(Link(str(tmp_path / "sock"), 0.01), Status()))


def test_a_daemon_that_comes_back_is_asked_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        tried = asyncio.Event()
        monkeypatch.setattr(asyncio, "open_unix_connection", noting(asyncio.open_unix_connection, tried))
        asking = asyncio.create_task(answer_to(Link(str(tmp_path / "sock")), Status()))
        await tried.wait()
        async with listening(tmp_path / "sock", [responses.Status(3)]):
            assert await asking == responses.Status(3)

    run(story())


def noting(call: Callable[..., Any], called: asyncio.Event) -> Callable[..., Any]:
    async def noted(*arguments: Any, **keywords: Any) -> Any:
        called.set()
        return await call(*arguments, **keywords)

    return noted


def test_what_only_asks_is_asked_again_when_the_answer_was_lost(tmp_path: Path) -> None:
    async def story() -> None:
        async with listening(tmp_path / "sock", [None, responses.Status(3)]) as daemon:
            assert await answer_to(Link(str(tmp_path / "sock")), Status()) == responses.Status(3)
            assert daemon.asked == [Status(), Status()]

    run(story())


def test_it_is_not_asked_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        async with listening(tmp_path / "sock", [None] * 5) as daemon:
            with pytest.raises(Unanswered, match="before it answered, twice"):
                await answer_to(Link(str(tmp_path / "sock")), Status())
            assert len(daemon.asked) == 2

    run(story())


def test_what_does_something_is_not_done_twice_but_told_to_be_in_doubt(tmp_path: Path) -> None:
    async def story() -> None:
        async with listening(tmp_path / "sock", [None, None]) as daemon:
            with pytest.raises(Unanswered, match="it is not known whether this was done; look before you ask"):
                await answer_to(Link(str(tmp_path / "sock")), Send("bob", "hello"))
            assert daemon.asked == [Send("bob", "hello")]

    run(story())


def test_a_daemon_that_does_not_answer_is_an_error_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.01)

    async def story() -> None:
        async with listening(tmp_path / "sock", []):
            with pytest.raises(Unanswered, match=r"did not answer within 0\.01 seconds"):
                await answer_to(Link(str(tmp_path / "sock")), Send("bob", "hello"))

    run(story())


def test_a_recv_that_is_cancelled_no_longer_waits(tmp_path: Path) -> None:
    async def story() -> None:
        async with listening(tmp_path / "sock", []) as daemon:
            daemon.at_half_close = responses.Messages(())
            await cancelled(daemon, tmp_path / "sock")
            await daemon.hung_up.wait()
            assert daemon.asked == [Recv(180, 1)]

    run(story())


def test_mail_that_arrives_as_a_recv_is_cancelled_is_put_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with listening(tmp_path / "sock", []) as daemon:
            daemon.at_half_close = MAIL
            await cancelled(daemon, tmp_path / "sock")
            assert daemon.asked == [Recv(180, 1), RequeueInflight((7,), spent=False)]

    async def cancelled(daemon: FakeDaemon, path: Path) -> None:
        asking = asyncio.create_task(answer_to(Link(str(path)), Recv(180, 1)))
        await daemon.heard.wait()
        daemon.answers.append(responses.Ok(count=1))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    run(story())


def test_mail_of_a_call_that_is_cancelled_before_it_is_told_is_put_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with listening(tmp_path / "sock", [MAIL, responses.Ok(count=1)]) as daemon:
            arrived = asyncio.Event()

            async def taking() -> None:
                async with Link(str(tmp_path / "sock")).asked(Recv(180, 1)):
                    arrived.set()
                    await asyncio.Future()

            asking = asyncio.create_task(taking())
            await arrived.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert daemon.asked == [Recv(180, 1), RequeueInflight((7,), spent=False)]

    run(story())


async def cancelled(daemon: FakeDaemon, path: Path) -> None:
    """A recv that is cancelled as soon as the daemon has heard of it."""
    asking = asyncio.create_task(answer_to(Link(str(path)), Recv(180, 1)))
    await daemon.heard.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


def test_after_a_cancelled_recv_the_daemon_hands_mail_to_whoever_asks_next(hive: Village) -> None:
    async def story() -> None:
        link = Link(str(hive.alices))
        asking = asyncio.create_task(answer_to(link, Recv(180, 1)))
        async with link.asked(Status()):  # so the recv before it has been said
            asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    run(story())
    with hive.host() as host, hive.agent("alice") as alice:
        number = host.ask("send", to="alice", body="hello")["id"]
        assert alice.ask("recv", max=1)["messages"] == [
            {"id": number, "from": "operator", "body": "hello", "at": pytest.approx(0, abs=2**40), "redelivered": False}
        ]


def test_no_more_than_a_few_connections_are_made_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)

    async def story() -> None:
        async with listening(tmp_path / "sock", []):
            link = Link(str(tmp_path / "sock"))
            waiting = [asyncio.create_task(answer_to(link, Recv(180, 1))) for _ in range(module.MOST_LINES)]
            await asyncio.sleep(0)
            with pytest.raises(Unanswered, match=r"8 other calls have gone on for 0\.05 seconds, so nothing was done"):
                await answer_to(link, Status())
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    run(story())


def test_a_call_has_its_turn_when_another_has_ended(tmp_path: Path) -> None:
    async def story() -> None:
        async with listening(tmp_path / "sock", [responses.Status(n) for n in range(20)]):
            link = Link(str(tmp_path / "sock"))
            answers = await asyncio.gather(*(answer_to(link, Status()) for _ in range(20)))
            assert sorted(answer.unread for answer in answers) == [*range(20)]

    run(story())
