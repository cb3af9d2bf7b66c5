"""The one-shot commands of `hive-agent`, as processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import orjson
import pytest
from twisted.internet.utils import getProcessOutputAndValue

from hyperhive.wire.agent_requests import AckTurn, AskOperator, Recv, RequeueInflight, Send, SetStatus
from tests.agent.small_hive import SmallHive


class Outcome(NamedTuple):
    """What a program left."""

    output: bytes
    errors: bytes
    status: int


HiveAgent = Callable[..., Coroutine[Any, Any, Outcome]]


@pytest.fixture
def hive_agent(reactor: Any, hive: SmallHive) -> HiveAgent:
    """Runs `hive-agent` with those arguments."""

    async def run(*arguments: str | bytes, stdin: bytes = b"", to: str | None = None) -> Outcome:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HIVE_")}
        return Outcome(
            *await getProcessOutputAndValue(
                sys.executable,
                ["-m", "hyperhive.agent", *arguments],
                env={**inherited, "HIVE_SOCKET": to or hive.path},
                reactor=reactor,
                stdinBytes=stdin,
            )
        )

    return run


async def test_send_prints_the_number_of_the_message(hive: SmallHive, hive_agent: HiveAgent) -> None:
    assert await hive_agent("send", "bob", "hello") == (b"1\n", b"", 0)
    assert hive.sent == [Send("bob", "hello")]


async def test_send_takes_the_body_from_standard_input(hive: SmallHive, hive_agent: HiveAgent) -> None:
    await hive_agent("send", "--in-reply-to", "4", "bob", "-", stdin="zwölf\n".encode())
    assert hive.sent == [Send("bob", "zwölf\n", 4)]


async def test_recv_prints_the_body_and_then_says_that_it_is_done(hive: SmallHive, hive_agent: HiveAgent) -> None:
    hive.deliver("bob", "hello")
    assert await hive_agent("recv") == (b"hello\n", b"", 0)
    assert hive.asked == [Recv(30, 1), AckTurn((1,))]


async def test_recv_prints_the_whole_message_as_json(hive: SmallHive, hive_agent: HiveAgent) -> None:
    hive.deliver("bob", "two\nlines", in_reply_to=-1)
    output, _, status = await hive_agent("recv", "--json")
    assert status == 0
    assert output.count(b"\n") == 1
    assert orjson.loads(output) == {
        "id": 1, "from": "bob", "body": "two\nlines", "at": 0, "redelivered": False, "in_reply_to": -1,
    }  # fmt: skip


async def test_recv_without_mail_ends_with_status_4(hive_agent: HiveAgent) -> None:
    assert await hive_agent("recv", "--wait", "0") == (b"", b"", 4)


async def test_recv_puts_back_what_it_could_not_print(reactor: Any, hive: SmallHive, hive_agent: HiveAgent) -> None:
    hive.deliver("bob", "hello")
    script = f'HIVE_SOCKET={hive.path} "$0" -m hyperhive.agent recv > /dev/full'
    outcome = Outcome(
        *await getProcessOutputAndValue("sh", ["-c", script, sys.executable], os.environ, reactor=reactor)
    )
    assert outcome.status == 1
    assert (
        outcome.errors == b"hive-agent: message 1 could not be written (No space left on device) and is queued again\n"
    )
    assert hive.asked[1:] == [RequeueInflight((1,), spent=False)]


async def test_whoami_says_whose_socket_it_is(hive_agent: HiveAgent) -> None:
    assert await hive_agent("whoami") == (b"alice (agent) of testhive, start 3\n", b"", 0)


async def test_ask_keeps_the_number_of_the_question_out_of_what_a_runner_replies(
    hive: SmallHive, hive_agent: HiveAgent
) -> None:
    question = ["ask", "which?", "--option", "this", "--option", "that", "--multi", "--ttl", "60"]
    assert await hive_agent(*question) == (b"", b"question 7 is asked\n", 0)
    assert await hive_agent("ask", "which?", "--json") == (b'{"id":7}\n', b"question 7 is asked\n", 0)
    assert hive.asked[0] == AskOperator("which?", ("this", "that"), multi=True, ttl_seconds=60)


async def test_status_sets_the_status(hive: SmallHive, hive_agent: HiveAgent) -> None:
    assert await hive_agent("status", "thinking") == (b"", b"", 0)
    assert hive.asked == [SetStatus("thinking")]


async def test_a_refusal_is_its_sentence_and_status_1(hive: SmallHive, hive_agent: HiveAgent) -> None:
    hive.refusals[Send] = "'nobody' is not in the hive"
    assert await hive_agent("send", "nobody", "x") == (b"", b"hive-agent: 'nobody' is not in the hive\n", 1)


async def test_a_missing_daemon_is_named_with_its_path_and_why_and_status_3(hive_agent: HiveAgent) -> None:
    sentence = b"hive-agent: no daemon answers at /nowhere: No such file or directory\n"
    assert await hive_agent("whoami", to="/nowhere") == (b"", sentence, 3)


async def test_a_body_that_is_no_text_is_wrong_usage(hive: SmallHive, hive_agent: HiveAgent) -> None:
    sentence = b"hive-agent: BODY is not UTF-8; the hive carries nothing else\n"
    assert await hive_agent("send", "bob", b"\xff") == (b"", sentence, 2)
    assert await hive_agent("send", "bob", "-", stdin=b"\xff") == (b"", sentence, 2)
    assert hive.asked == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "bob", "x", "--in-reply-to", str(2**63)),
        ("ask", "?", "--ttl", str(2**63)),
        ("ask", "?", "--ttl", "soon"),
        ("recv", "--wait", "181"),
    ],
)
async def test_a_number_that_the_wire_cannot_carry_is_wrong_usage(
    hive: SmallHive, hive_agent: HiveAgent, arguments: tuple[str, ...]
) -> None:
    _, errors, status = await hive_agent(*arguments)
    assert status == 2
    assert b"Traceback" not in errors
    assert hive.asked == []
