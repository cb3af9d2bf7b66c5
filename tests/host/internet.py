"""A small internet in a network namespace, and the test host as a machine that is connected to it.

The host is `HOST` there, and its default route leads to `ROUTER`; `SERVER` and the link-local `METADATA` (as clouds
have one) answer every connection on `PORT` with the caller's address. The internet knows a way to the hive's network,
as a neighbour can have one who wants to get in.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from hyperhive.hivectl.install import install
from tests.host.hives import call

HOST, ROUTER, SERVER, METADATA = "192.0.2.1", "192.0.2.2", "198.51.100.7", "169.254.169.254"
PORT = 7777
NETWORKS = Path("/etc/systemd/network")
ECHO = f"""
import socket
server = socket.create_server(("", {PORT}))
print("listening", flush=True)
while True:
    connection, (address, _) = server.accept()
    with connection:
        connection.sendall(address.encode())
"""
IN = ("ip", "netns", "exec", "internet")


@contextmanager
def internet() -> Iterator[None]:
    """The internet is there meanwhile."""
    call("ip", "netns", "add", "internet")
    call("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "downlink", "netns", "internet")
    try:
        call("ip", "address", "add", f"{HOST}/24", "dev", "uplink")
        call("ip", "link", "set", "uplink", "up")
        call("ip", "route", "add", "default", "via", ROUTER)
        call("ip", "route", "add", "169.254.0.0/16", "via", ROUTER)
        for name in ("lo", "downlink"):
            call(*IN, "ip", "link", "set", name, "up")
        for address, name in ((f"{ROUTER}/24", "downlink"), (f"{SERVER}/32", "lo"), (f"{METADATA}/32", "lo")):
            call(*IN, "ip", "address", "add", address, "dev", name)
        call(*IN, "ip", "route", "add", "10.215.0.0/16", "via", HOST)
        with subprocess.Popen([*IN, sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                assert server.stdout.readline() == "listening\n"
                yield
            finally:
                server.kill()
    finally:
        call("ip", "link", "delete", "uplink")
        call("ip", "netns", "delete", "internet")


@contextmanager
def networkd() -> Iterator[None]:
    """systemd-networkd runs meanwhile, with what `hivectl install` puts into its directory."""
    with put_files():
        call("systemctl", "restart", "systemd-networkd.service")
        try:
            yield
        finally:
            call("systemctl", "stop", "systemd-networkd.socket", "systemd-networkd.service")


@contextmanager
def put_files() -> Iterator[None]:
    """The files of `hivectl install` that are networkd's are there meanwhile."""
    tree = Path(tempfile.mkdtemp())
    assert CliRunner().invoke(install, ["--root", str(tree)]).exit_code == 0
    files = list((tree / "etc/systemd/network").glob("*.network"))
    try:
        for file in files:
            call("cp", str(file), str(NETWORKS))
        yield
    finally:
        for file in files:
            (NETWORKS / file.name).unlink(missing_ok=True)
        call("rm", "-rf", str(tree))


def visit(address: str) -> str:
    """Python that connects to the internet's server at that address, and has as `result` from where it was seen."""
    return f"""
with socket.create_connection(({address!r}, {PORT}), 5) as connection:
    result = connection.recv(99).decode()
"""
