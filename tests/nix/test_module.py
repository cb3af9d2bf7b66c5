"""The NixOS module, evaluated against a stub of nixpkgs: what it makes is what `hivectl install` puts in place."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "hyperhive" / "install" / "hyperhive.service"

pytestmark = pytest.mark.skipif(shutil.which("nix-instantiate") is None, reason="there is no nix-instantiate")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the module makes of some settings."""
    return json.loads(nix(tmp_path_factory.mktemp("nix"), "--eval", "--strict", "--json", "-E", given()))


@pytest.mark.parametrize("file", ["nix/module.nix", "nix/flake.nix"])
def test_a_file_is_nix(tmp_path: Path, file: str) -> None:
    assert nix(tmp_path, "--parse", str(ROOT / file))


def test_the_service_has_every_setting_of_the_unit_and_no_other(evaluated: Any) -> None:
    settings = {name: words(value) for name, value in service(evaluated)["serviceConfig"].items()}
    expected = unit()["Service"]
    assert settings.pop("ExecStart")[1:4] == expected.pop("ExecStart")[1:4]
    assert settings == expected


def test_the_service_is_ordered_limited_and_enabled_as_the_unit_is(evaluated: Any) -> None:
    made, sections = service(evaluated), unit()
    assert sections["Unit"] == {
        "Description": words(made["description"]),
        "Documentation": words(made["documentation"]),
        "After": words(made["after"]),
        "StartLimitIntervalSec": words(made["startLimitIntervalSec"]),
        "StartLimitBurst": words(made["startLimitBurst"]),
    }
    assert sections["Install"] == {"WantedBy": words(made["wantedBy"])}


def test_the_program_is_the_package_s_and_reads_the_settings(evaluated: Any) -> None:
    program, *options = words(service(evaluated)["serviceConfig"]["ExecStart"])
    assert program == "/nix/store/of/hyperhive/bin/twistd"
    assert options == [
        *("-n", "--pidfile=", "hyperhive", "--config"),
        '/nix/store/of/hyperhive.toml?{"mail":{"max_inbox":7}}',
    ]


def test_the_bridge_of_the_hive_is_configured_as_by_the_file(evaluated: Any) -> None:
    made = evaluated["on"]["systemd"]["network"]["networks"]["70-hyperhive"]
    settings = {
        section.removesuffix("Config").capitalize(): {name: words(value) for name, value in named.items()}
        for section, named in made.items()
    }
    assert settings == unit(UNIT.with_name("70-hyperhive.network"))


def test_what_only_nixos_container_makes_is_there_for_the_service_to_write(evaluated: Any) -> None:
    made = {rule.split()[1] for rule in evaluated["on"]["systemd"]["tmpfiles"]["rules"]}
    writable = {path.lstrip("-") for path in unit()["Service"]["ReadWritePaths"]}
    assert made == {path for path in writable if path.endswith("/nixos-containers")}


def test_operators_are_members_of_the_group(evaluated: Any) -> None:
    assert evaluated["on"]["users"]["groups"] == {"hyperhive": {"members": ["alice"]}}


def test_what_is_not_enabled_changes_nothing(evaluated: Any) -> None:
    assert evaluated["off"] == {}


def test_every_option_is_described_and_only_the_package_must_be_given(evaluated: Any) -> None:
    options = evaluated["options"]
    assert all(option["description"] for option in options.values())
    assert {name for name, option in options.items() if "default" not in option} == {"enable", "package"}


def test_the_flake_offers_the_module(evaluated: Any) -> None:
    assert evaluated["modules"] == ["default"]


def given() -> str:
    """The expression that is evaluated."""
    return f'import {ROOT}/tests/nix/stub.nix {{ settings.mail.max_inbox = 7; operators = [ "alice" ]; }}'


def nix(home: Path, *arguments: str) -> str:
    """What `nix-instantiate` prints; it keeps its state below `home`."""
    places = {f"NIX_{name}_DIR": str(home / name) for name in ("STATE", "STORE", "LOG", "CONF")}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), **places}
    command = [str(shutil.which("nix-instantiate")), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def service(evaluated: Any) -> Any:
    return evaluated["on"]["systemd"]["services"]["hyperhive"]


def unit(path: Path = UNIT) -> dict[str, dict[str, list[str]]]:
    """The sections of the unit; the values of a setting that is given several times are joined."""
    sections: dict[str, dict[str, list[str]]] = {}
    settings: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line.startswith("["):
            settings = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).extend(value.split())
    return sections


def words(value: Any) -> list[str]:
    """A setting as the unit's file would have it."""
    if isinstance(value, list):
        return [word for one in value for word in words(one)]
    return [{True: "yes", False: "no"}[value]] if isinstance(value, bool) else str(value).split()
