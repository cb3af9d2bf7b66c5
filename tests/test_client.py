"""`hyperhive.client`, both sides of it, over a real socket; and the examples of its page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue

from hyperhive.client import ConnectionGone, Hive, Refused, WireError, connect
from hyperhive.wire import agent_requests as asked
from hyperhive.wire.codec import AGENT
from hyperhive.wire.manager_requests import Kill
from hyperhive.wire.responses import Err, Identity, Ok, Status
from tests.agent.small_hive import SmallHive

PAGE = Path(__file__).parent.parent / "docs" / "client.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)

Use = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def hive(reactor: Any, tmp_path: Path) -> Generator[SmallHive]:
    small = SmallHive(reactor, tmp_path / "mcp.sock")
    small.open()
    yield small
    pytest_twisted.blockon(Deferred.fromCoroutine(small.close()))


@pytest.fixture(params=["blocking", "twisted"])
def use(request: pytest.FixtureRequest, reactor: Any, tmp_path: Path) -> Use:
    """Does something with a connection of either kind."""

    async def awaiting(does: Callable[[Any], Any], path: Path = tmp_path / "mcp.sock") -> Any:
        async with await connect(reactor, path) as hive:
            return await does(hive)

    def blocking(does: Callable[[Any], Any], path: Path) -> Any:
        with Hive(path) as hive:
            return does(hive)

    async def in_thread(does: Callable[[Any], Any], path: Path = tmp_path / "mcp.sock") -> Any:
        return await deferToThread(blocking, does, path)

    return awaiting if request.param == "twisted" else in_thread


@pytest.mark.parametrize(
    ("does", "request_made", "result"),
    [
        (lambda hive: hive.send("bob", "hi"), asked.Send("bob", "hi"), Ok(id=1)),
        (lambda hive: hive.send("bob", "hi", in_reply_to=3), asked.Send("bob", "hi", 3), Ok(id=1)),
        (lambda hive: hive.recv(wait=0), asked.Recv(0), None),
        (lambda hive: hive.recv(wait=0, max=3), asked.Recv(0, 3), ()),
        (lambda hive: hive.ack([4, 5]), asked.AckTurn((4, 5)), 2),
        (lambda hive: hive.ack([]), asked.AckTurn(()), 0),
        (lambda hive: hive.ack(), asked.AckTurn(), 0),
        (lambda hive: hive.requeue(), asked.RequeueInflight(spent=True), 0),
        (lambda hive: hive.requeue([], spent=False), asked.RequeueInflight((), spent=False), 0),
        (lambda hive: hive.renew(), asked.Renew(), 0),
        (lambda hive: hive.ask_operator("?"), asked.AskOperator("?"), 7),
        (
            lambda hive: hive.ask_operator("?", ["a", "b"], multi=True, ttl=5),
            asked.AskOperator("?", ("a", "b"), multi=True, ttl_seconds=5),
            7,
        ),
        (lambda hive: hive.whoami(), asked.Whoami(), Identity("alice", "agent", "testhive", 3)),
        (lambda hive: hive.set_status("busy"), asked.SetStatus("busy"), None),
        (lambda hive: hive.ask(asked.Status()), asked.Status(), Status(0)),
    ],
)
async def test_every_method_makes_its_request_and_reads_the_answer(
    use: Use, hive: SmallHive, does: Callable[[Any], Any], request_made: object, result: object
) -> None:
    assert await use(does) == result
    assert hive.asked == [request_made]


async def test_recv_brings_one_message(use: Use, hive: SmallHive) -> None:
    hive.deliver("bob", "zwölf\nlines")
    message = await use(lambda hive: hive.recv())
    assert (message.sender, message.body, message.id) == ("bob", "zwölf\nlines", 1)


async def test_recv_with_max_brings_several_and_their_numbers(use: Use, hive: SmallHive) -> None:
    for body in "one", "two", "three":
        hive.deliver("bob", body)
    letters = await use(lambda hive: hive.recv(max=2))
    assert [(letter.id, letter.body, letter.redelivered) for letter in letters] == [
        (1, "one", False),
        (2, "two", False),
    ]


async def test_a_refusal_is_raised_with_its_sentence_and_the_connection_goes_on(use: Use, hive: SmallHive) -> None:
    hive.refusals[asked.Send] = "'bob' is not in the hive"

    async def both(connection: Any) -> None:
        with pytest.raises(Refused, match=r"^'bob' is not in the hive$"):
            await connection.send("bob", "hi")
        await connection.whoami()

    def one_after_the_other(connection: Any) -> Any:
        if not isinstance(connection, Hive):
            return both(connection)
        with pytest.raises(Refused, match=r"^'bob' is not in the hive$"):
            connection.send("bob", "hi")
        return connection.whoami()

    await use(one_after_the_other)
    assert len(hive.asked) == 2


async def test_what_only_the_manager_may_ask_is_refused_by_an_agents_socket(use: Use, hive: SmallHive) -> None:
    with pytest.raises(Refused, match="unknown 'cmd' \"kill\""):
        await use(lambda hive: hive.ask(Kill("bob")))


async def test_an_answer_of_the_wrong_kind_is_named(use: Use, hive: SmallHive) -> None:
    hive.answers[asked.Whoami] = Ok()
    with pytest.raises(WireError, match=r"^the daemon answered with Ok where Identity was expected$"):
        await use(lambda hive: hive.whoami())


async def test_a_connection_lost_before_the_answer_is_said(use: Use, hive: SmallHive) -> None:
    hive.until(hive.parked).addCallback(lambda _: hive.drop())
    with pytest.raises(ConnectionGone, match=r"^the daemon closed the connection before it answered$"):
        await use(lambda hive: hive.recv())


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none", "No such file or directory"), ("x" * 200, "its path is too long for a socket; 107 bytes would do")],
)
async def test_a_daemon_that_is_not_there_is_named_with_its_path_and_why(
    use: Use, tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(ConnectionGone) as caught:
        await use(lambda hive: hive.whoami(), tmp_path / name)
    assert str(caught.value) == f"no daemon answers at {tmp_path / name}: {reason}"


class Full(Protocol):
    """A socket that has no room for one more."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.write(AGENT.line_of_answer(Err("no room")) + b"\n")
        self.transport.loseConnection()


async def test_what_a_full_daemon_says_before_it_hangs_up_is_heard(use: Use, reactor: Any, tmp_path: Path) -> None:
    port = reactor.listenUNIX(str(tmp_path / "mcp.sock"), Factory.forProtocol(Full))
    with pytest.raises(Refused, match=r"^no room$"):
        await use(lambda hive: hive.whoami())
    await port.stopListening()


async def test_a_blocking_call_gives_up_and_its_connection_is_not_used_again(hive: SmallHive) -> None:
    def too_long() -> None:
        with Hive(hive.path, timeout=0.05) as connection:
            with pytest.raises(ConnectionGone, match=r"^the daemon did not answer within 1\.05 seconds$"):
                connection.recv(wait=1)
            with pytest.raises(ConnectionGone, match=r"^the connection to the daemon is closed; make a new one$"):
                connection.whoami()

    await deferToThread(too_long)


async def test_a_blocking_call_that_names_no_time_waits_as_long_as_the_daemon_does(
    hive: SmallHive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperhive.client.DEFAULT_WAIT", 1)

    def too_long() -> None:
        with (
            Hive(hive.path, timeout=0.05) as connection,
            pytest.raises(ConnectionGone, match=r"^the daemon did not answer within 1\.05 seconds$"),
        ):
            connection.ask(asked.Recv())

    await deferToThread(too_long)


async def test_requests_sent_ahead_are_answered_in_their_order(reactor: Any, hive: SmallHive) -> None:
    async with await connect(reactor, hive.path) as connection:
        answers = await gatherResults([Deferred.fromCoroutine(connection.send("bob", str(n))) for n in range(50)])
    assert answers == [Ok(id=number) for number in range(1, 51)]
    assert [message.body for message in hive.sent] == [str(n) for n in range(50)]


async def test_a_cancelled_request_drops_the_connection(reactor: Any, hive: SmallHive) -> None:
    connection = await connect(reactor, hive.path)
    waiting = Deferred.fromCoroutine(connection.recv())
    await hive.until(hive.parked)
    waiting.cancel()
    with pytest.raises(CancelledError):
        await waiting
    with pytest.raises(ConnectionGone):
        await connection.whoami()
    await hive.until(lambda: not hive.connections)


def test_the_blocking_client_needs_no_reactor() -> None:
    script = "import sys, hyperhive.client; print('twisted.internet.reactor' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script]) == b"False\n"


@pytest.mark.parametrize("example", EXAMPLES)
async def test_the_examples_of_the_page_run_as_they_stand(reactor: Any, hive: SmallHive, example: str) -> None:
    hive.deliver("bob", "hello")
    _, errors, status = await getProcessOutputAndValue(
        sys.executable, ["-c", example], {**os.environ, "HIVE_SOCKET": hive.path}, reactor=reactor
    )
    assert (errors, status) == (b"", 0)
    assert hive.asked


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 4
