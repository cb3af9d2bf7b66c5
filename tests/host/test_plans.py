"""What an agent's configuration comes to in a real machine: seen from inside, by checks, and on its unit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted

from hyperhive.agent_config import AgentConfig, Limits, Mount
from hyperhive.boundaries import Plan
from hyperhive.containers import proc, visit, visitors
from hyperhive.errors import ContainerError
from tests.host.hives import call
from tests.host.nixos.standin import remains
from tests.host.plan_bench import Bench, backend, files
from tests.host.tarballs import small_copy

PRIVATE = """
import os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
own = {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
assert not any(own.values()), own
assert status["NoNewPrivs"].strip() == "1"
assert os.getresuid() == (1000, 1000, 1000) and os.getresgid() == (1000, 1000, 1000), os.getresuid()
assert os.getgroups() == [1000], os.getgroups()
assert set(os.listdir("/proc/self/fd")) == {"0", "1", "2", "3"}, os.listdir("/proc/self/fd")
assert set(os.environ) - {"LC_CTYPE"} == set(KEYS), os.environ
assert os.path.samefile("/proc/1/root" if os.access("/proc/1/root", os.R_OK) else "/", "/")
assert len([name for name in os.listdir("/proc") if name.isdigit()]) < 40
assert not os.path.exists("/var/lib/hive-test")
assert os.uname().nodename == "h-alice", os.uname()
assert os.getcwd() == "/state"
"""


@pytest_twisted.async_yield_fixture(params=["nspawn", "nixos"])
async def bench(request: pytest.FixtureRequest, state: Path, agent_image: Path) -> AsyncIterator[Bench]:
    from twisted.internet import reactor

    bench = Bench(reactor, backend(request.param, state, agent_image), state)
    yield bench
    await bench.end()
    call("rm", "-rf", f"/run/{state.name}")
    assert request.param == "nspawn" or remains("alice") == []


only_nspawn = pytest.mark.parametrize("bench", ["nspawn"], indirect=True)
only_nixos = pytest.mark.parametrize("bench", ["nixos"], indirect=True)


@pytest.mark.deadline(60)
async def test_an_agent_has_its_variables_files_and_mounts(bench: Bench) -> None:
    for name in ("shown", "lent"):
        (bench.base / name).mkdir()
        (bench.base / name / "note").write_text(name)
    os.chown(bench.base / "lent", 1000, 1000)
    mounts = (
        Mount(source=bench.base / "shown", target=Path("/srv/shown")),
        Mount(source=bench.base / "lent", target=Path("/srv/lent"), writable=True),
        Mount(source=bench.base / "shown/note", target=Path("/srv/note")),
    )
    config = AgentConfig(environment={"GREETING": "two 'words' $HOME \"x\" %n \\"}, mounts=mounts)
    environment = await bench.start("alice", Plan(config=config, files=files(bench.base, agent_toml="# empty")))
    assert environment["GREETING"] == "two 'words' $HOME \"x\" %n \\"
    assert (environment["HIVE_CONFIG_DIR"], environment["HIVE_AGENT"]) == ("/config", "alice")
    assert await bench.says('test "$(cat /config/agent.toml)" = "# empty"') == ""
    assert "Read-only file system" in await bench.says("touch /config/x")
    assert await bench.says('test "$(cat /srv/shown/note /srv/note)" = "shownshown"') == ""
    assert "Read-only file system" in await bench.says("touch /srv/shown/x")
    assert await bench.says("echo kept > /srv/lent/new && test $(stat -c %u /srv/lent) = 1000") == ""
    assert (bench.base / "lent/new").read_text() == "kept\n"
    assert (bench.base / "lent/new").stat().st_uid == 1000


@pytest.mark.deadline(60)
async def test_a_check_is_the_agents_user_with_its_variables_and_nothing_of_the_host(bench: Bench) -> None:
    await bench.start("alice", Plan(config=AgentConfig(environment={"GREETING": "a 'b' $c"})))
    record = json.loads((bench.layout.runtime("alice") / visitors.RECORD).read_text())
    script = f"KEYS = {sorted(record['environment'])!r}\n{PRIVATE}\nassert os.environ['GREETING'] == \"a 'b' $c\""
    await bench.containers.check("alice", ["python3", "-c", script])


@pytest.mark.deadline(60)
async def test_a_check_that_fails_or_takes_too_long_is_told_and_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.start("alice", Plan())
    assert await bench.says("echo first; echo no good >&2; exit 3") == "no good"
    with pytest.raises(ContainerError, match="'false' failed: it did not say why"):
        await bench.containers.check("alice", ["false"])
    with pytest.raises(ContainerError, match=r"'/no/such' can't be run: No such file or directory"):
        await bench.containers.check("alice", ["/no/such"])
    monkeypatch.setattr(visitors, "CHECK_SECONDS", 1.0)
    with pytest.raises(ContainerError, match="did not end within 1 seconds: it was killed"):
        await bench.containers.check("alice", ["sh", "-c", "setsid sleep 1234 & sleep 1234"])
    assert subprocess.run(["pgrep", "-f", "sleep 1234"], check=False, stdout=subprocess.PIPE).stdout == b""
    assert call("systemctl", "list-units", "--all", "--plain", "--no-legend", "hyperhive.check-*") == ""
    await bench.containers.check("alice", ["true"])
    await bench.containers.stop("alice")
    with pytest.raises(ContainerError, match="alice does not run, and can't be checked"):
        await bench.containers.check("alice", ["true"])


@pytest.mark.deadline(60)
async def test_a_number_that_is_another_process_by_now_is_not_entered(bench: Bench) -> None:
    await bench.start("alice", Plan())
    leader = proc.look(await bench.leader())
    assert leader is not None
    record = str(bench.layout.runtime("alice") / visitors.RECORD)
    words = (sys.executable, "-I", "-S", visit.__file__, record, str(leader.pid), str(leader.started + 1), "true")
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stderr) == (visit.CAN_NOT_RUN, "the machine can't be entered: No such process\n")


@pytest.mark.deadline(60)
async def test_an_agents_limits_are_its_units_and_the_daemons_are_where_it_has_none(bench: Bench) -> None:
    await bench.start("alice", Plan(config=AgentConfig(limits=Limits(memory=256 << 20, cpu=50))))
    properties = ("MemoryMax", "CPUQuotaPerSecUSec", "TasksMax")
    assert bench.shown(*properties) == {"MemoryMax=268435456", "CPUQuotaPerSecUSec=500ms", "TasksMax=4096"}
    await bench.containers.stop("alice")
    await bench.start("alice", Plan(config=AgentConfig(limits=Limits(tasks=99))), generation=2)
    assert bench.shown(*properties) == {"MemoryMax=infinity", "CPUQuotaPerSecUSec=infinity", "TasksMax=99"}


@pytest.mark.deadline(60)
async def test_an_agents_network_is_its_own_also_to_the_daemon_that_comes_after(bench: Bench) -> None:
    hosts = Path("/proc/self/ns/net").readlink()
    await bench.start("alice", Plan(config=AgentConfig(network="none")))
    assert Path(f"/proc/{await bench.leader()}/ns/net").readlink() != hosts
    await bench.close()
    bench.open()
    await bench.containers.start("alice", 1, Plan(config=AgentConfig(network="none")))
    assert (await bench.containers.running())["alice"].generation == 1
    await bench.containers.check("alice", ["true"])
    await bench.containers.stop("alice")
    await bench.start("alice", Plan(), generation=2)
    assert Path(f"/proc/{await bench.leader()}/ns/net").readlink() == hosts


@pytest.mark.deadline(60)
async def test_what_can_not_be_mounted_is_told_and_nothing_runs(bench: Bench) -> None:
    bench.layout.agent_socket("alice").parent.mkdir(parents=True)
    missing = Mount(source=bench.base / "nowhere", target=Path("/srv/x"))
    with pytest.raises(ContainerError, match=r"alice could not be started: there is no .*/nowhere to be mounted"):
        await bench.containers.start("alice", 1, Plan(config=AgentConfig(mounts=(missing,))))
    ours = Mount(source=bench.base, target=Path("/srv/x"))
    with pytest.raises(ContainerError, match=r"alice could not be started: .* which is the hive's own"):
        await bench.containers.start("alice", 2, Plan(config=AgentConfig(mounts=(ours,))))
    assert not await bench.containers.running()


@only_nspawn
async def test_a_mount_that_systemd_nspawn_refuses_is_told_in_its_words(bench: Bench) -> None:
    bench.layout.agent_socket("alice").parent.mkdir(parents=True)
    (bench.base / "data").mkdir()
    mount = Mount(source=bench.base / "data", target=Path("/not-in-the-image"))
    with pytest.raises(ContainerError, match=r"could not be started: .*/not-in-the-image.*Read-only file system"):
        await bench.containers.start("alice", 1, Plan(config=AgentConfig(mounts=(mount,))))


@only_nspawn
@pytest.mark.deadline(90)
async def test_an_agent_can_have_an_image_of_its_own(bench: Bench, agent_image: Path) -> None:
    plain = Plan()
    own = Plan(config=AgentConfig(image=small_copy(agent_image, bench.base / "own")))
    (bench.base / "own/etc/mine").touch()
    bench.layout.agent_socket("alice").parent.mkdir(parents=True)
    assert await bench.containers.origin(plain) == await bench.containers.origin(plain)
    assert await bench.containers.origin(own) != await bench.containers.origin(plain)
    object.__setattr__(bench.containers._kind, "commands", lambda _: ("/bin/sleep", "1000"))  # type: ignore[attr-defined]
    await bench.containers.start("alice", 1, own)
    assert await bench.says("test -e /etc/mine") == ""
    await bench.containers.stop("alice")
    await bench.containers.start("alice", 2, plain)
    assert await bench.says("test ! -e /etc/mine") == ""


async def test_the_managers_files_are_the_agents_users(bench: Bench) -> None:
    assert await bench.containers.writer() == (1000, 1000)


@only_nspawn
async def test_without_an_image_nobody_knows_whose_the_managers_files_are(bench: Bench) -> None:
    image = bench.containers._kind.image.at(Path("/nowhere"))  # type: ignore[attr-defined]
    bench.containers._kind.image = image  # type: ignore[attr-defined]
    with pytest.raises(ContainerError, match="there is no image /nowhere"):
        await bench.containers.writer()
    with pytest.raises(ContainerError, match="the image /nowhere can't be read"):
        await bench.containers.origin(Plan())


MODULE = "{ ... }: { environment.etc.greeting.text = import ./texts/greeting.nix; }\n"


@only_nixos
@pytest.mark.deadline(90)
async def test_an_agents_own_module_is_in_its_container_and_built_when_it_has_changed(bench: Bench) -> None:
    written = files(bench.base, agent_nix=MODULE, texts__greeting_nix='"hello"')
    await bench.start("alice", Plan(files=written))
    assert await bench.says('test "$(cat /etc/greeting)" = hello') == ""
    assert await bench.says("test -e /config/texts/greeting.nix") == ""
    profile = Path("/nix/var/nix/profiles/per-container/h-alice/system")
    first = profile.resolve()
    await bench.containers.stop("alice")
    await bench.start("alice", Plan(files=written), generation=2)
    assert profile.resolve() == first
    await bench.containers.stop("alice")
    (written / "texts/greeting.nix").unlink()
    files(bench.base, texts__greeting_nix='"good day"')
    await bench.start("alice", Plan(files=written), generation=3)
    assert await bench.says('test "$(cat /etc/greeting)" = "good day"') == ""
    await bench.containers.stop("alice")
    await bench.start("alice", Plan(), generation=4)
    assert await bench.says("test ! -e /etc/greeting") == ""


@only_nixos
@pytest.mark.deadline(90)
async def test_a_change_of_the_operators_flake_reaches_an_agent_with_a_module(bench: Bench) -> None:
    plan = Plan(files=files(bench.base, agent_nix=MODULE, texts__greeting_nix='"hello"'))
    await bench.start("alice", plan)
    origin = await bench.containers.origin(plan)
    assert await bench.containers.origin(plan) == origin
    (bench.base / "flake/etc/motd").write_text("new")
    assert await bench.containers.origin(plan) != origin
    await bench.containers.stop("alice")
    await bench.start("alice", plan, generation=2)
    assert await bench.says('test "$(cat /etc/motd /etc/greeting)" = newhello') == ""


@only_nixos
@pytest.mark.deadline(60)
async def test_a_module_that_can_not_be_built_is_told_and_nothing_runs(bench: Bench) -> None:
    bench.layout.agent_socket("alice").parent.mkdir(parents=True)
    written = files(bench.base, agent_nix="{ ... }: {\n  environment = nonsense;\n}\n")
    with pytest.raises(ContainerError, match=r"could not be started: 'nixos-container create h-alice' failed: error: "):
        await bench.containers.start("alice", 1, Plan(files=written))
    assert not await bench.containers.running()
