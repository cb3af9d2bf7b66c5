"""Where no daemon is reached, which paths were tried and what to do is told."""

from __future__ import annotations

import errno
import grp
import io
import os
import pwd
from pathlib import Path

import pytest

from hyperhive.hivectl import reaching
from hyperhive.hivectl.screen import Screen
from hyperhive.wire.codec import AGENT
from hyperhive.wire.responses import Err
from tests.hivectl.scripted import ScriptedDaemon, Terminal, understood


async def test_no_daemon_is_told_with_every_path_and_its_reason(tmp_path: Path) -> None:
    from twisted.internet import reactor

    from hyperhive.hivectl.client import Client

    errand, settings = understood("list")
    screen = Screen(io.StringIO(), Terminal())
    (tmp_path / "file").touch()
    too_long = "/" + "x" * 120
    paths = (str(tmp_path / "none"), str(tmp_path / "file"), str(tmp_path / "file" / "below"), too_long)
    assert await Client(reactor, paths, settings, screen).run(errand) == 3
    told = screen.err.getvalue()  # type: ignore[attr-defined]
    assert f"{paths[0]} does not exist" in told
    assert f"{paths[1]} is no socket" in told
    assert f"{paths[2]} does not exist" in told
    assert "longer than the 107 bytes" in told
    assert "'make run'" in told
    assert "'twistd -n hyperhive'" in told
    assert len(told.splitlines()) == 1


async def unreached(*paths: Path) -> str:
    """What is said where nobody can be reached at those paths."""
    from twisted.internet import reactor

    with pytest.raises(reaching.UnreachableError) as told:
        await reaching.connect(reactor, [str(path) for path in paths])
    return str(told.value)


async def test_where_the_daemon_is_a_service_its_start_is_told(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "SERVICE", short_path / "hyperhive.service")
    paths = (short_path / "one.sock", short_path / "other.sock")
    assert "'make run'" in await unreached(*paths)
    reaching.SERVICE.touch()
    told = await unreached(*paths)
    assert "'systemctl status hyperhive'" in told
    assert "'systemctl start hyperhive'" in told
    assert "make run" not in told


async def test_a_socket_that_is_not_open_to_us_is_told_with_the_group_that_operates_it(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    groups = [one for one in grp.getgrall() if one.gr_gid and (os.geteuid() == 0 or one.gr_gid in os.getgroups())]
    if not groups:
        pytest.skip("there is no group to give a directory to")
    group = groups[0]
    user = pwd.getpwuid(os.geteuid()).pw_name
    os.chown(short_path, -1, group.gr_gid)
    monkeypatch.setattr(reaching, "_connected", closed)
    assert await unreached(short_path / "host.sock", short_path / "other.sock") == (
        f"no daemon reached: {short_path}/host.sock is not open to you; {short_path}/other.sock is not open to you; "
        f"its operators are the group {group.gr_name!r}: 'sudo usermod -aG {group.gr_name} {user}', then log in again."
    )


async def test_who_named_a_socket_is_not_told_to_start_a_daemon_that_would_have_another(
    daemon: ScriptedDaemon, short_path: Path
) -> None:
    daemon.path = str(short_path / "none.sock")
    told = f"{daemon.path} does not exist; start the daemon that has this socket, or name another one with --socket."
    assert await daemon.run("list") == (3, "", f"hivectl: no daemon reached: {told}\n")


@pytest.mark.parametrize("arguments", ["list", "status", "events", "kill alice", "approve 7 --wait"])
async def test_an_agents_socket_is_called_one(daemon: ScriptedDaemon, arguments: str) -> None:
    line = AGENT.line_of_answer(Err("unknown 'cmd' \"list\""))
    daemon.answers |= dict.fromkeys(["List", "AgentStatus", "Subscribe", "Kill", "Approve"], line)
    told = f"hivectl: {daemon.path} is an agent's socket; use the operator's, host.sock in the hive's run directory\n"
    assert await daemon.run(*arguments.split()) == (1, "", told)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
async def test_a_socket_that_is_not_ours_to_open_is_told_of(daemon: ScriptedDaemon) -> None:
    Path(daemon.path).chmod(0)
    ran = await daemon.run("list")
    assert ran.status == 3
    assert "is not open to you; try as root" in ran.err
