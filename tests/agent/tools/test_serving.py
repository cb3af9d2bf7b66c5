"""The tool server as a process: whose tools it has, what it says, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hyperhive.agent.tools.agent_tools import AGENT_TOOLS
from hyperhive.agent.tools.manager_tools import MANAGER_TOOLS
from tests.agent.tools.clients import COMMAND, Tools, called, run, serving
from tests.agent.tools.conftest import Village
from tests.daemon.client import PATIENCE


def served(path: Path | None, lines: list[dict[str, Any]]) -> subprocess.CompletedProcess[bytes]:
    """What a server leaves that is asked those lines, and then nothing more."""
    environment = {} if path is None else {"HIVE_SOCKET": str(path)}
    said = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return subprocess.run(COMMAND, env=environment, input=said, capture_output=True, timeout=PATIENCE, check=False)


def request(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


HELLO = request(
    1,
    "initialize",
    protocolVersion="2025-06-18",
    capabilities={},
    clientInfo={"name": "a test", "version": "0"},
)


def test_an_agent_has_the_tools_of_every_agent_alone(quiet: Village) -> None:
    async def story() -> None:
        async with serving(quiet.alices) as tools:
            assert [*await tools.known()] == [tool.name for tool in AGENT_TOOLS]
            reply = await tools.call("kill", name="bob")
            assert reply.failed
            assert reply.text.startswith("there is no tool 'kill' for you; there are send, recv, ")

    run(story())
    assert quiet.status("bob")["running"]


def test_the_manager_has_its_own_tools_besides(quiet: Village) -> None:
    async def story() -> None:
        async with serving(quiet.managers) as tools:
            assert [*await tools.known()] == [tool.name for tool in (*AGENT_TOOLS, *MANAGER_TOOLS)]

    run(story())


def test_at_the_end_of_its_input_it_ends_well(quiet: Village) -> None:
    left = served(quiet.alices, [])
    assert (left.returncode, left.stdout, left.stderr) == (0, b"", b"")


def test_at_the_end_of_its_input_it_waits_for_no_mail(quiet: Village) -> None:
    wait = request(2, "tools/call", name="recv", arguments={"wait_seconds": 180})
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert served(quiet.alices, [HELLO, ready, wait]).returncode == 0
    assert quiet.status("alice")["unread"] == 0


def test_standard_output_is_the_protocols_alone(quiet: Village) -> None:
    left = served(quiet.alices, [HELLO, {"jsonrpc": "2.0", "method": "no/such/thing"}])
    (answer,) = [json.loads(line) for line in left.stdout.splitlines()]
    assert answer["result"]["serverInfo"]["name"] == "hive"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_though_its_input_goes_on(number: signal.Signals) -> None:
    with subprocess.Popen(
        COMMAND, env={"HIVE_SOCKET": "/nowhere"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(HELLO).encode() + b"\n")
        server.stdin.flush()
        assert server.stdout.readline()
        server.send_signal(number)
        assert server.wait(PATIENCE) == -number


@pytest.mark.parametrize(("there", "why"), [(False, "No such file or directory"), (True, "it is no socket")])
def test_where_nobody_listens_at_its_start_it_says_so_once(tmp_path: Path, why: str, *, there: bool) -> None:
    path = tmp_path / "mcp.sock"
    if there:
        path.touch()
    left = served(path, [HELLO])
    said = f"hive-agent mcp: no daemon listens at {path} ({why}); a call waits for one, and says so if none comes\n"
    assert (left.returncode, left.stderr.decode()) == (0, said)


def test_without_a_socket_it_says_so_and_ends() -> None:
    left = served(None, [])
    assert (left.returncode, left.stdout) == (2, b"")
    assert left.stderr.startswith(b"hive-agent: HIVE_SOCKET is not set;")


def test_the_operators_socket_is_refused_by_its_name(quiet: Village) -> None:
    reply = called(quiet.run / "host.sock", "whoami")
    assert reply.failed
    assert "host.sock is the operator's socket; use the agent's own, mcp.sock" in reply.text


def test_a_daemon_that_was_restarted_between_two_calls_goes_unnoticed(hive: Village) -> None:
    async def story() -> None:
        async with serving(hive.alices) as tools:
            assert not (await tools.call("send", to="bob", body="before")).failed
            hive.daemons[-1].terminate()
            hive.start()
            assert not (await tools.call("send", to="bob", body="after")).failed

    run(story())
    with hive.agent("bob") as bob:
        assert [bob.ask("recv")["body"] for _ in range(2)] == ["before", "after"]


def test_a_refusal_is_an_error_with_the_daemons_sentence(quiet: Village) -> None:
    with quiet.agent("alice") as alice:
        sentence = alice.ask("send", to="nobody", body="hello")["message"]
    assert called(quiet.alices, "send", to="nobody", body="hello") == (sentence, "No mail waits.", True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"to": 7, "body": "hello"}, "send: 'to' must be a string, not 7"),
        ({"to": "bob"}, "send: 'body' is missing; it must be a string"),
        ({"to": "bob", "text": "hello"}, "send: there is no argument 'text'; known here: to, body, in_reply_to"),
        ({"to": "bob", "body": "hello", "cmd": "kill"}, "send: there is no argument 'cmd'; known here: to, body, "),
        ({"to": "bob", "body": "ä" * (128 * 1024 + 1)}, "send: 'body' must be a string of at most 262144 bytes"),
    ],
    ids=["type", "missing", "unknown", "verb", "size"],
)  # fmt: skip
def test_wrong_arguments_are_an_error_that_says_which(quiet: Village, arguments: dict[str, Any], sentence: str) -> None:
    reply = called(quiet.alices, "send", **arguments)
    assert reply.failed
    assert reply.text.startswith(sentence)
    assert reply.unread == "No mail waits."


def test_every_answer_ends_with_how_many_messages_wait(hive: Village) -> None:
    async def story(tools: Tools) -> None:
        assert (await tools.call("whoami")).unread == "No mail waits."
        await tools.call("send", to="alice", body="to myself")
        assert (await tools.call("whoami")).unread == "1 more message waits."
        await tools.call("send", to="alice", body="and again")
        assert (await tools.call("send", to="nobody", body="")).unread == "2 more messages wait."
        assert (await tools.call("no_such_tool")).unread == "2 more messages wait."
        assert (await tools.call("recv", max=2)).unread == "No mail waits."

    async def whole() -> None:
        async with serving(hive.alices) as tools:
            await story(tools)

    run(whole())


def test_recv_takes_no_more_than_it_is_asked_for(hive: Village) -> None:
    with hive.host() as host:
        for number in range(3):
            host.ask("send", to="alice", body=f"number {number}")
    reply = called(hive.alices, "recv", max=2)
    assert ("number 1" in reply.text, "number 2" in reply.text) == (True, False)
    assert reply.unread == "1 more message waits."


def test_recv_says_that_none_came(quiet: Village) -> None:
    assert called(quiet.alices, "recv", wait_seconds=0) == ("No message came.", "No mail waits.", False)


def test_it_imports_no_web_server() -> None:
    script = (
        "import sys; from hyperhive.agent.tools import lean; lean.load(); import hyperhive.agent.tools.server;"
        "heavy = {'starlette', 'uvicorn', 'httpx2', 'twisted'};"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"[]\n", b"")


def test_an_sdk_that_needs_what_was_left_out_is_imported_whole() -> None:
    script = (
        "from hyperhive.agent.tools import lean; lean.load(('mcp.shared',)); import hyperhive.agent.tools.server;"
        "import mcp.shared.exceptions; print(mcp.shared.exceptions.__file__ is not None)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.stdout == b"True\n"
    assert done.stderr.startswith(b"this MCP SDK is imported whole, as its server can't do without")


def test_a_client_that_cancels_a_recv_loses_no_mail(hive: Village) -> None:
    async def story() -> str:
        async with serving(hive.alices) as tools:
            waiting = asyncio.create_task(tools.call("recv", wait_seconds=180))
            await tools.call("whoami")  # the server has read what stood before this
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await tools.call("send", to="alice", body="to myself")
            return (await tools.call("recv", wait_seconds=180)).text

    assert "> to myself" in run(story())


def test_only_a_few_calls_wait_for_mail_at_once(hive: Village) -> None:
    async def story() -> None:
        async with serving(hive.alices) as tools:
            waiting = [asyncio.create_task(tools.call("recv", wait_seconds=180)) for _ in range(3)]
            (refused,), _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            reply = refused.result()
            assert reply.failed
            assert reply.text.startswith("recv: 2 calls of it wait for mail already;")
            assert (await tools.call("recv", wait_seconds=0)).text == "No message came."
            for body in "one", "two":
                await tools.call("send", to="alice", body=body)
            await asyncio.gather(*waiting)

    run(story())
