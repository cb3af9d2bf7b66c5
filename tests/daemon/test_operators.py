"""The operator's socket of a daemon that has a group for its operators."""

from __future__ import annotations

import grp
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.harness import Hive

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

SOMEBODY = 70007
CLIENT = """
import os, socket, sys
path, gid = sys.argv[1:]
os.setgroups([int(gid)])
os.setresgid(70008, 70008, 70008)
os.setresuid(70007, 70007, 70007)
connection = socket.socket(socket.AF_UNIX)
try:
    connection.connect(path)
except PermissionError:
    sys.exit("out of reach")
connection.sendall(b'{"cmd":"list"}\\n')
print(connection.makefile().readline(), end="")
"""


@pytest.fixture
def group() -> grp.struct_group:
    """Some group of this system that root is not in."""
    return next(one for one in grp.getgrall() if one.gr_gid not in {0, *os.getgroups()})


@pytest.fixture
def shared(hive: Hive, group: grp.struct_group) -> Hive:
    """A hive that is up, with that group for its operators, in a directory that everybody may pass through."""
    hive.base.chmod(0o711)
    settings = hive.base / "hive.toml"
    settings.write_text(f'group = "{group.gr_name}"\n')
    hive.start("--config", str(settings))
    return hive


def rights(path: Path) -> tuple[int, int]:
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_gid


def ask(path: Path, gid: int) -> subprocess.CompletedProcess[str]:
    """What somebody in that group is answered."""
    words = [sys.executable, "-I", "-S", "-c", CLIENT, str(path), str(gid)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)


def test_a_member_of_the_group_operates_the_hive(shared: Hive, group: grp.struct_group) -> None:
    assert json.loads(ask(shared.run / "host.sock", group.gr_gid).stdout)["agents"] == ["manager"]


def test_the_group_passes_through_the_run_directory_to_that_socket_alone(shared: Hive, group: grp.struct_group) -> None:
    assert rights(shared.run) == (0o710, group.gr_gid)
    assert rights(shared.run / "host.sock") == (0o660, group.gr_gid)
    assert ask(shared.run / "manager" / "mcp.sock", group.gr_gid).stderr == "out of reach\n"


def test_agents_sockets_are_closed_to_others_whatever_the_mode_of_the_run_directory(
    hive: Hive, group: grp.struct_group
) -> None:
    hive.base.chmod(0o711)
    for directory in (hive.run, hive.run / "agents", hive.run / "manager"):
        directory.mkdir(mode=0o755)
    hive.start()
    hive.run.chmod(0o755)
    with hive.host() as host:
        assert host.ask("spawn", name="alice")["ok"]
    for path in ("manager/mcp.sock", "agents/manager/mcp.sock", "agents/alice/mcp.sock"):
        assert ask(hive.run / path, group.gr_gid).stderr == "out of reach\n"


def test_another_group_does_not_reach_the_socket(shared: Hive, group: grp.struct_group) -> None:
    assert ask(shared.run / "host.sock", group.gr_gid + 60000).stderr == "out of reach\n"


def test_a_member_of_another_group_that_reaches_the_socket_all_the_same_is_told_of_the_right_one(
    shared: Hive, group: grp.struct_group
) -> None:
    shared.run.chmod(0o711)
    (shared.run / "host.sock").chmod(0o666)
    answer = ask(shared.run / "host.sock", group.gr_gid + 60000).stdout
    assert f"for the members of the group '{group.gr_name}'" in answer


def test_a_group_that_does_not_exist_leaves_the_socket_to_root(hive: Hive) -> None:
    settings = hive.base / "hive.toml"
    settings.write_text('group = "no-group-has-this-name"\n')
    daemon = hive.start("--config", str(settings))
    assert "the group no-group-has-this-name operates nothing: there is none" in daemon.log
    assert rights(hive.run / "host.sock") == (0o600, 0)
    assert rights(hive.run) == (0o700, 0)
