"""The text of the files that the `nixos` backend writes; that NixOS's containers take them is tested in tests/host."""

from __future__ import annotations

import shlex
import subprocess
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from hyperhive.agent_config import AgentConfig, Limits, Mount
from hyperhive.backends import longest_name
from hyperhive.config import configure
from hyperhive.containers import imperative
from hyperhive.containers.imperative import Made, read_made
from hyperhive.containers.kind import Kind, machine_name
from hyperhive.containers.network import Network
from hyperhive.containers.nixos import Nixos
from hyperhive.containers.nixos_files import bound, conf, drop_in, environment
from hyperhive.errors import ContainerError, StartupError
from hyperhive.layout import Layout
from hyperhive.limits import HOST_NETWORK, NAT, NO_NETWORK, MachineSettings


def assignments(text: str) -> dict[str, str]:
    """What a shell makes of that text, which is how an EnvironmentFile= is read as well."""
    return dict(word.split("=", 1) for word in shlex.split(text, comments=True))


@pytest.mark.parametrize(("network", "private"), [(NAT, "1"), (NO_NETWORK, "1"), (HOST_NETWORK, "0")])
def test_a_conf_has_no_addresses_and_the_network_that_was_chosen(network: str, private: str) -> None:
    settings = assignments(conf(network, []))
    assert settings.pop("PRIVATE_NETWORK") == private
    assert settings.pop("AUTO_START") == "0"
    assert set(settings.values()) == {""}
    assert set(settings) >= {"HOST_ADDRESS", "LOCAL_ADDRESS", "HOST_ADDRESS6", "LOCAL_ADDRESS6", "HOST_BRIDGE"}


def test_the_flags_of_a_conf_are_what_a_split_at_spaces_gives_back() -> None:
    flags = ["--quiet", "--bind=/srv/hive@1/state:/state", "--network-zone=hive"]
    assert assignments(conf(NAT, flags))["EXTRA_NSPAWN_FLAGS"].split() == flags


@pytest.mark.parametrize(
    "path", ["/srv/my hive", "/srv/*", "/srv/'", '/srv/"', "/srv/$x", "/srv/\\", "/srv/\n", "/srv/ü"]
)
def test_a_path_that_can_not_be_passed_on_is_refused(path: str) -> None:
    with pytest.raises(ContainerError, match="can't be passed on by nixos-container"):
        conf(NAT, [bound(Path(path), "/state", writable=True)])


def test_a_path_with_a_colon_is_refused() -> None:
    with pytest.raises(ContainerError, match="without ':'"):
        bound(Path("/srv/a:b"), "/state")


def test_a_drop_in_sets_the_limits_there_are_and_leaves_starting_to_hyperhive() -> None:
    lines = drop_in(MachineSettings(memory=1 << 30, cpu=150, tasks=None), 2.5).splitlines()
    assert {"MemoryMax=1073741824", "CPUQuota=150%", "TimeoutStopSec=2.5"} <= set(lines)
    assert {"Restart=no", "RestartForceExitStatus=", "Before=hyperhive.service"} <= set(lines)
    assert not [line for line in lines if line.startswith("TasksMax")]


VALUES = {
    "PLAIN": "word",
    "SPACES": "two words",
    "QUOTES": 'it\'s "so"',
    "MORE": "$HOME `id` \\ \\n",
    "LINES": "a\nb\n",
}


def test_an_environment_is_read_by_a_shell_as_it_was_meant(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text(environment(VALUES))
    for name, value in VALUES.items():
        script = f'. "$0"; printf "%s." "${name}"'
        printed = subprocess.run(["/bin/sh", "-c", script, str(file)], check=True, stdout=subprocess.PIPE, text=True)
        assert printed.stdout == f"{value}."


@pytest.fixture
def kind() -> Nixos:
    unused: Any = None
    return Nixos(
        reactor=unused,
        layout=Layout(state=Path("/s"), run=Path("/r")),
        bus=unused,
        flake="/etc/hyperhive/flake#default",
        settings=MachineSettings(subnet=IPv4Network("10.0.0.0/8")),
        network=Network(unused, unused, NAT, IPv4Network("10.0.0.0/8")),
        commands=lambda _: ("hive-agent", "serve"),
        environment={},
        grace=10.0,
    )


def test_it_is_a_kind_of_machines_whose_names_nixos_container_takes(kind: Kind) -> None:
    assert kind.unit("alice") == "container@h-alice.service"
    assert len(machine_name("x" * kind.longest_name)) == 11


def test_what_such_a_container_can_not_have_is_refused_by_its_name(kind: Nixos) -> None:
    def said(config: AgentConfig) -> str:
        return kind.objection(config) or ""

    assert said(AgentConfig(network="host", limits=Limits(tasks=100))) == ""
    assert "'image' can't be had with containers 'nixos'" in said(AgentConfig(image=Path("/srv/image")))
    for source in ("/srv/my data", "/srv/a:b"):
        mount = Mount(source=Path(source), target=Path("/srv/data"))
        assert f"'mounts' can't have the path '{source}'" in said(AgentConfig(mounts=(mount,)))


def test_a_record_tells_whose_container_it_is(tmp_path: Path) -> None:
    record = tmp_path / "nixos.json"
    assert read_made(record) is None
    record.write_text('{"flake": "/f", "locked": "1"}')
    assert read_made(record) == Made(flake="/f", locked="1")
    record.write_text('{"flake": "/f", "locked": "1", "files": "2"}')
    assert read_made(record) == Made(flake="/f", locked="1", files="2")
    record.write_text("{")
    assert read_made(record) == Made()


def test_commands_of_different_containers_run_in_different_units() -> None:
    assert imperative.build_unit("h-alice") == "hyperhive.build-h-alice.service"


def test_a_hive_without_a_flake_does_not_start() -> None:
    with pytest.raises(StartupError, match=r"set 'nixos\.flake', such as"):
        configure({"containers": "nixos"}, {}, root=False)


def test_the_flake_is_a_setting_and_shortens_names(tmp_path: Path) -> None:
    file = tmp_path / "hive.toml"
    file.write_text('containers = "nixos"\n[nixos]\nflake = "git+file:///srv/flake?ref=main#agents"\n')
    config = configure({"config": str(file)}, {}, root=False)
    assert config.flake == "git+file:///srv/flake?ref=main#agents"
    assert longest_name(config) == 9


@pytest.mark.parametrize("flake", ["", "relative/path", "./flake#default", "/with space", "--option", "nixpkgs"])
def test_a_flake_that_depends_on_the_place_or_on_a_registry_is_refused(tmp_path: Path, flake: str) -> None:
    file = tmp_path / "hive.toml"
    file.write_text(f'[nixos]\nflake = "{flake}"\n')
    with pytest.raises(StartupError, match=r"'nixos\.flake' in .* must be a flake, as an absolute path or a URL"):
        configure({"config": str(file)}, {}, root=False)
