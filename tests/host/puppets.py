"""Agents that do what a test tells them: any Python, run in the machine as the agent runs, and how it went."""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from tests.daemon.client import PATIENCE, Answer
from tests.host.hives import NspawnHive, call, prints

IS_OPEN = "the door is open"
PROGRAM = """
import array, ctypes, errno, json, os, signal, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)

def system(name, *arguments):
    "A call of the C library's; raises OSError."
    result = getattr(libc, name)(*(a.encode() if isinstance(a, str) else a for a in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result

def kernel(number, *arguments):
    "A system call by its number on x86-64; raises OSError."
    arguments = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "system call")
    return result

def answer(connection):
    data, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 4)
    told = {"error": None, "result": None}
    around = dict(globals(), descriptors=descriptors)
    try:
        exec(json.loads(data), around)
        told["result"] = around.get("result")
    except OSError as error:
        told["error"] = errno.errorcode.get(error.errno, type(error).__name__)
    except BaseException as error:
        told["error"] = repr(error)
    connection.sendall(json.dumps(told).encode() + b"\\n")

if os.path.lexists("/state/door"):
    os.unlink("/state/door")
server = socket.socket(socket.AF_UNIX)
server.bind("/state/door")
server.listen()
print("IS_OPEN", flush=True)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while True:
    connection, _ = server.accept()
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        answer(connection)
        os._exit(0)
    connection.close()
""".replace("IS_OPEN", IS_OPEN)
COMMAND = ("python3", "-c", PROGRAM)


class Puppet:
    """An agent that runs `PROGRAM`, reached through its own state directory."""

    def __init__(self, hive: NspawnHive, name: str) -> None:
        self.hive = hive
        self.name = name
        self.door = hive.state / "agents" / name / "state" / "door"

    def wait(self) -> None:
        """Return when it can be told something."""
        unit = self.hive.unit(self.name)
        if not prints(unit, IS_OPEN):
            last = call("journalctl", "--output=short-precise", "--unit", unit, "--lines=40")
            standing = call("systemctl", "show", unit, "--property=ActiveState,SubState,InvocationID,NRestarts")
            raise AssertionError(f"{self.name} did not open its door\n{standing}\n{last}")

    def do(self, code: str, *descriptors: int) -> Any:
        """Have it run that; what it set `result` to."""
        told = self._tell(code, *descriptors)
        assert told["error"] is None, told["error"]
        return told["result"]

    def fails(self, code: str, *descriptors: int) -> str:
        """The name of the error that this fails with; if it goes well, what came of it."""
        told = self._tell(code, *descriptors)
        return f"it went well: {told['result']!r}" if told["error"] is None else str(told["error"])

    @property
    def leader(self) -> int:
        """The machine's first process, as the host numbers it."""
        return self.hive.leader(self.name)

    @property
    def uid(self) -> int:
        """Who its program is on the host, as the kernel tells everybody who connects to it."""
        with self._connected() as connection:
            size = struct.calcsize("3i")
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            _pid, uid, _gid = struct.unpack("3i", credentials)
            connection.sendall(b'""')
            return int(uid)

    @property
    def first_uid(self) -> int:
        """Who its machine's root is on the host."""
        return int(Path(f"/proc/{self.leader}/uid_map").read_text().split()[1])

    @property
    def address(self) -> str:
        """Its address on the hive's network."""
        return str(self._link("-4", "address")["addr_info"][0]["local"])

    @property
    def link_local(self) -> str:
        """An IPv6 address for it there, which `introduce` sets: its kernel looks at its own one for seconds first."""
        return f"fe80::{IPv4Address(self.address).packed[2]:x}:{IPv4Address(self.address).packed[3]:x}"

    @property
    def hardware(self) -> str:
        """Its hardware address."""
        return str(self._link("link")["address"])

    def in_network(self, *words: str) -> str:
        """What a command of the host's prints in the machine's network."""
        return call("nsenter", f"--net=/proc/{self.leader}/ns/net", *words)

    def _link(self, *what: str) -> Answer:
        found: list[Answer] = json.loads(self.in_network("ip", "-json", *what, "show", "dev", "host0"))
        return found[0]

    def _tell(self, code: str, *descriptors: int) -> Answer:
        with self._connected() as connection:
            passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
            connection.sendmsg([json.dumps(code).encode()], passed)
            with connection.makefile("rb") as answer:
                told: Answer = json.loads(answer.readline())
        return told

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(os.fspath(self.door))
        return connection


def introduce(one: Puppet, to: Puppet) -> None:
    """Have a machine's kernel know the hardware address of another one, which it may not be able to ask for."""
    for puppet in (one, to):
        puppet.in_network("ip", "address", "replace", f"{puppet.link_local}/64", "dev", "host0", "nodad")
    for address in (one.address, one.link_local):
        known = ("lladdr", one.hardware, "dev", "host0", "nud", "permanent")
        to.in_network("ip", "neighbour", "replace", address, *known)
