"""The console's port, open at every address of the host's here: an agent gets to it at none, and by no socket.

What the console itself refuses to whoever does reach it stands in `tests/dashboard/test_security.py`.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection

import pytest

from tests.daemon.client import line
from tests.host.hives import call
from tests.host.isolation.den import CONSOLE, OUT_OF_REACH, Den

MARK = {"host", "link", "sessions", "url"}


def test_at_no_address_of_the_hosts_is_the_console_in_reach(den: Den) -> None:
    links = json.loads(call("ip", "-json", "-4", "address", "show"))
    addresses = [address["local"] for link in links for address in link["addr_info"]]
    assert len([address for address in addresses if not address.startswith("127.")]) >= 2
    for address in addresses:
        assert _status(den, address) == 401, address
        told = den.alice.fails(_knock(den, address))
        assert told in ({"ECONNREFUSED"} if address.startswith("127.") else OUT_OF_REACH), address


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "0.0.0.0"])
def test_what_means_here_leads_an_agent_to_its_own_machine(den: Den, name: str) -> None:
    assert den.alice.fails(_knock(den, name)) in {"ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH"}


@pytest.mark.parametrize("cmd", ["console_link", "sessions", "revoke", "approve", "deny", "answer", "subscribe"])
def test_on_its_own_socket_an_agent_can_ask_nothing_of_the_console(den: Den, cmd: str) -> None:
    (answer,) = _said(den, line(cmd, id=1, session=1, answer="yes"), 1)
    assert json.loads(answer)["kind"] == "err"
    assert not MARK & json.loads(answer).keys()


def test_its_own_socket_speaks_no_http(den: Den) -> None:
    heard = _said(den, f"GET / HTTP/1.1\r\nHost: {_name(den)}\r\n\r\n".encode(), 3)
    assert [json.loads(answer)["kind"] for answer in heard] == ["err"] * 3


def _said(den: Den, request: bytes, answers: int) -> list[str]:
    """What the agent is answered to that on its own socket, line by line."""
    code = f"""
connection = socket.socket(socket.AF_UNIX)
connection.connect("/run/hive/mcp.sock")
connection.sendall({request!r})
lines = connection.makefile()
result = [lines.readline() for _ in range({answers})]
"""
    return list(den.alice.do(code))


def _name(den: Den) -> str:
    """The console's proper name, which no agent is told, with its port."""
    with den.hive.host() as host:
        return str(host.ask("agent_status")["console"]["url"]).removeprefix("http://")


def _knock(den: Den, address: str) -> str:
    """Python that asks the console for Home, at that address, by its proper name."""
    return f"""
with socket.create_connection(({address!r}, {CONSOLE}), 5) as connection:
    connection.sendall(b"GET / HTTP/1.1\\r\\nHost: {_name(den)}\\r\\n\\r\\n")
    result = connection.recv(4096).decode()
"""


def _status(den: Den, address: str) -> int:
    connection = HTTPConnection(address, CONSOLE, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": _name(den)})
        return connection.getresponse().status
    finally:
        connection.close()
