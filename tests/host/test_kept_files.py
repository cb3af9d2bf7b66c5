"""Whose the files are that agents keep, in their machines and on the host; and what their machines may use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.host.hives import NspawnHive, call
from tests.host.puppets import COMMAND, Puppet

AGENT = 1000
"""The agent's user, as the image has it."""
CONTROLLERS = Path("/sys/fs/cgroup/cgroup.controllers")

Open = Callable[..., NspawnHive]


@pytest.fixture
def open_hive(state: Path, agent_image: Path) -> Iterator[Open]:
    """Open the test's hive, with alice in it; all of its agents are puppets."""
    made = []

    def open_hive(**settings: str | int) -> NspawnHive:
        hive = NspawnHive(state, agent_image, **settings)
        made.append(hive)
        hive.open(command=COMMAND)
        with hive.host() as host:
            assert host.ask("spawn", name="alice")["ok"]
        for name in ("alice", "manager"):
            Puppet(hive, name).wait()
        return hive

    yield open_hive
    for hive in made:
        hive.end()


def restart(puppet: Puppet) -> None:
    with puppet.hive.host() as host:
        assert host.ask("restart", name=puppet.name)["ok"]
    puppet.wait()


def own(path: Path) -> tuple[int, int, str]:
    status = path.stat()
    return status.st_uid, status.st_gid, path.read_text()


def test_what_an_agent_keeps_belongs_on_the_host_to_the_images_user(open_hive: Open) -> None:
    hive = open_hive()
    alice = Puppet(hive, "alice")
    alice.do("open('/state/note', 'w').write('mine'); open(os.path.expanduser('~/login'), 'w').write('secret')")
    home = hive.state / "agents/alice"
    assert own(home / "state/note") == (AGENT, AGENT, "mine")
    assert own(home / "credentials/login") == (AGENT, AGENT, "secret")


def test_what_root_keeps_belongs_on_the_host_to_root_and_a_host_file_of_roots_to_root_inside(open_hive: Open) -> None:
    hive = open_hive(user="root")
    alice = Puppet(hive, "alice")
    alice.do("open('/state/note', 'w').write('mine')")
    assert own(hive.state / "agents/alice/state/note") == (0, 0, "mine")
    (hive.state / "agents/alice/state/given").write_text("by the operator")
    assert alice.do("result = os.stat('/state/given').st_uid") == 0


def test_it_is_still_the_agents_after_a_start_with_other_numbers(open_hive: Open) -> None:
    hive = open_hive()
    alice = Puppet(hive, "alice")
    alice.do("open('/state/note', 'w').write('mine'); os.chmod('/state/note', 0o600)")
    before = alice.first_uid
    with hive.host() as host:
        assert host.ask("kill", name="alice")["ok"]
    hive.daemons[-1].kill()
    record = hive.state / "runtime/alice/start.json"
    start = json.loads(record.read_text())
    record.write_text(json.dumps({**start, "slot": start["slot"] + 1}))
    hive.open(command=COMMAND)
    with hive.host() as host:
        assert host.ask("start", name="alice")["ok"]
    alice.wait()
    assert alice.first_uid == before + 65536
    assert alice.do("result = [os.stat('/state/note').st_uid, os.getuid(), open('/state/note').read()]") == [
        AGENT,
        AGENT,
        "mine",
    ]


def test_nothing_else_is_kept_from_one_start_to_the_next(open_hive: Open) -> None:
    hive = open_hive(user="root")
    alice = Puppet(hive, "alice")
    places = ("/usr/bin", "/etc", "/var/lib", "/opt", "/tmp", "/run")
    alice.do(f"[open(f'{{place}}/mine', 'w') for place in {places}]")
    restart(alice)
    assert alice.do(f"result = [place for place in {places} if os.path.exists(f'{{place}}/mine')]") == []


def test_the_managers_proposals_belong_on_the_host_to_the_images_user(open_hive: Open) -> None:
    hive = open_hive()
    manager = Puppet(hive, "manager")
    manager.do("open('/agents/alice/flake.nix', 'w').write('{ }'); os.mkdir('/agents/new')")
    assert own(hive.state / "proposed/alice/flake.nix") == (AGENT, AGENT, "{ }")
    assert (hive.state / "proposed/new").stat().st_uid == AGENT


def test_the_manager_reads_what_was_applied_and_cant_write_it(open_hive: Open) -> None:
    hive = open_hive(user="root")
    applied = hive.state / "applied/alice"
    manager = Puppet(hive, "manager")
    assert manager.do("result = open('/applied/alice/HEAD').read()") == (applied / "HEAD").read_text()
    assert manager.fails("open('/applied/alice/HEAD', 'a')") == "EROFS"
    assert manager.fails("os.mkdir('/applied/bob')") == "EROFS"


def test_only_the_manager_sees_proposals_and_what_was_applied(open_hive: Open) -> None:
    alice = Puppet(open_hive(user="root"), "alice")
    assert alice.do("result = os.listdir('/agents') + os.listdir('/applied')") == []


def test_a_link_in_the_place_of_a_proposal_is_not_followed_when_the_agent_starts(open_hive: Open) -> None:
    hive = open_hive(user="root")
    victim = hive.base / "victim"
    victim.mkdir(mode=0o755)
    Puppet(hive, "manager").do(
        f"import shutil; shutil.rmtree('/agents/alice'); os.symlink({str(victim)!r}, '/agents/alice')"
    )
    before = victim.stat()
    restart(Puppet(hive, "alice"))
    assert victim.stat() == before


def test_the_limits_that_were_set_are_the_units(open_hive: Open) -> None:
    hive = open_hive(memory="256M", cpu="150%", tasks=50)
    wanted = [f"--property={name}" for name in ("MemoryMax", "CPUQuotaPerSecUSec", "TasksMax")]
    assert set(call("systemctl", "show", hive.unit("alice"), *wanted).splitlines()) == {
        "MemoryMax=268435456",
        "CPUQuotaPerSecUSec=1.500000s",
        "TasksMax=50",
    }


def test_more_processes_than_were_set_cant_be_made(open_hive: Open) -> None:
    _need("pids")
    alice = Puppet(open_hive(tasks=20), "alice")
    assert alice.fails("while True:\n    if os.fork() == 0:\n        signal.pause()") == "EAGAIN"


def test_who_takes_more_memory_than_was_set_is_killed(open_hive: Open) -> None:
    _need("memory")
    alice = Puppet(open_hive(memory="64M"), "alice")
    assert alice.do("result = os.waitpid(os.fork() or os._exit(len(bytearray(1 << 30)) and 0), 0)[1]") == 9


def _need(controller: str) -> None:
    if controller not in CONTROLLERS.read_text().split():
        pytest.skip(f"the controller '{controller}' is not on cgroup v2 of this machine, so no such limit binds")
