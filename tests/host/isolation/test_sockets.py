"""Its own socket is the only one that an agent reaches; and how another one's would refuse it."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.daemon.client import Answer, line
from tests.host.hives import call
from tests.host.isolation.den import NOT_THERE, PREFIXES, READ_ONLY, Den


def test_its_own_socket_is_in_reach(den: Den) -> None:
    assert den.alice.do("socket.socket(socket.AF_UNIX).connect('/run/hive/mcp.sock'); result = 'reached'") == "reached"


@pytest.mark.parametrize("whose", ["host.sock", "manager/mcp.sock", "agents/bob/mcp.sock"])
def test_a_socket_of_somebody_elses_is_at_no_path(den: Den, whose: str) -> None:
    path = den.hive.run / whose
    assert path.is_socket()
    code = "socket.socket(socket.AF_UNIX).connect({!r})"
    assert {den.alice.fails(code.format(f"{prefix}{path}")) for prefix in PREFIXES} <= NOT_THERE


def test_there_is_no_other_socket_in_all_the_files_that_it_sees(den: Den) -> None:
    code = """
import stat
result = []
for top, directories, files in os.walk("/"):
    directories[:] = [name for name in directories if os.path.join(top, name) not in ("/proc", "/sys")]
    result += [os.path.join(top, name) for name in files if stat.S_ISSOCK(os.lstat(os.path.join(top, name)).st_mode)]
"""
    assert sorted(den.alice.do(code)) == [
        "/run/hive/mcp.sock",
        "/run/host/inaccessible/sock",  # systemd-nspawn's, which nobody listens on
        "/run/host/notify",
        "/state/door",
    ]


@pytest.mark.parametrize("path", ["/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/notify"])
def test_systemds_and_the_buses_sockets_are_at_no_path(den: Den, path: str) -> None:
    assert Path(path).is_socket()
    code = "socket.socket(socket.AF_UNIX).connect({!r})"
    assert {den.alice.fails(code.format(f"{prefix}{path}")) for prefix in PREFIXES} <= NOT_THERE


def test_an_abstract_socket_of_the_hosts_is_not_in_reach(den: Den) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("\0of the host's")
        server.listen()
        client.connect("\0of the host's")
        code = "socket.socket(socket.AF_UNIX).connect('\\0of the host\\'s')"
        assert den.alice.fails(code) == "ECONNREFUSED"


def test_the_hypervisor_is_not_in_reach_by_vsock(den: Den) -> None:
    assert den.alice.fails("socket.socket(socket.AF_VSOCK)") == "EAFNOSUPPORT"


@pytest.mark.parametrize(
    "code",
    [
        "open('/run/hive/filler', 'w')",
        "os.mkdir('/run/hive/mine')",
        "os.unlink('/run/hive/mcp.sock')",
        "os.rename('/run/hive/mcp.sock', '/run/hive/away')",
        "os.chmod('/run/hive/mcp.sock', 0)",
        "os.chmod('/run/hive', 0o777)",
        "socket.socket(socket.AF_UNIX).bind('/run/hive/other.sock')",
        "os.rename('/run/hive', '/run/away')",
        "os.symlink('/state', '/run/hive/link')",
    ],
)
def test_the_directory_of_its_socket_can_neither_be_filled_nor_changed(den: Den, code: str) -> None:
    assert den.alice.fails(code) in READ_ONLY | {"EBUSY"}
    assert [path.name for path in (den.hive.run / "agents/alice").iterdir()] == ["mcp.sock"]


def test_a_program_that_got_hold_of_another_agents_socket_is_refused_by_its_number(den: Den) -> None:
    lent = os.open(den.hive.run / "agents/bob", os.O_PATH | os.O_DIRECTORY)
    try:
        code = f"""
connection = socket.socket(socket.AF_UNIX)
connection.connect(f"/proc/self/fd/{{descriptors[0]}}/mcp.sock")
connection.sendall({line("recv", wait_seconds=0)!r})
result = json.loads(connection.makefile().readline())
"""
        answer = den.alice.do(code, lent)
    finally:
        os.close(lent)
    number = den.alice.uid
    sentence = f"user {number} may not speak here: this socket is for the agent 'bob' in its own container"
    assert answer == {"kind": "err", "message": sentence}


def test_a_user_of_another_machine_is_refused_on_a_socket_that_was_bound_elsewhere(den: Den, tmp_path: Path) -> None:
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.geteuid() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    call("mount", "--bind", str(den.hive.run / "agents/bob"), str(tmp_path))
    try:
        path = tmp_path / "mcp.sock"
        assert "may not speak here" in _said_by(den.alice.uid, path)["message"]
        assert _said_by(den.bob.uid, path) == {"kind": "empty"}
    finally:
        call("umount", str(tmp_path))


def test_who_connects_is_known_by_the_number_that_the_machines_user_has_on_the_host(den: Den) -> None:
    inside = 0 if den.user == "root" else den.alice.do("result = os.getuid()")
    assert den.alice.uid == den.alice.first_uid + inside
    assert den.alice.first_uid != den.bob.first_uid


def _said_by(uid: int, path: Path) -> Answer:
    """What that user of the host is answered on a socket."""
    code = f"""
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
connection.sendall({line("recv", wait_seconds=0)!r})
print(connection.makefile().readline())
"""
    answer: Answer = json.loads(
        call("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "/usr/bin/python3", "-c", code, str(path))
    )
    return answer
