"""What an installation holds: the packages, the console scripts and one plugin file."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel of this checkout, built from a copy so that the checkout stays as it is."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    parts = [ROOT / name for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md", "hyperhive", "twisted")]
    subprocess.run(["cp", "-r", *(part for part in parts if part.exists()), source], check=True)
    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--disable-pip-version-check", "--no-deps", "-w", str(target)]
    subprocess.run([*pip, str(source)], check=True)
    (built,) = target.glob("*.whl")
    return ZipFile(built)


def test_the_wheel_holds_one_file_of_twisted_and_it_is_the_plugin(wheel: ZipFile) -> None:
    assert [name for name in wheel.namelist() if name.startswith("twisted/")] == ["twisted/plugins/hyperhive_plugin.py"]


def test_the_wheel_holds_every_file_of_the_package(wheel: ZipFile) -> None:
    on_disk = {str(path.relative_to(ROOT)) for path in ROOT.glob("hyperhive/**/*") if path.is_file()}
    assert {name for name in on_disk if not name.endswith(".pyc")} - set(wheel.namelist()) == set()


def test_the_wheel_holds_the_unit_of_the_service(wheel: ZipFile) -> None:
    assert b"\nType=notify\n" in wheel.read("hyperhive/install/hyperhive.service")


def test_the_wheel_declares_both_console_scripts(wheel: ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    declared = ConfigParser()
    declared.read_string(wheel.read(name).decode())
    assert dict(declared["console_scripts"]) == {
        "hivectl": "hyperhive.hivectl.main:main",
        "hive-agent": "hyperhive.agent.main:main",
    }


def test_twistd_finds_the_plugin_from_any_directory(tmp_path: Path) -> None:
    twistd = [sys.executable, "-m", "twisted", "--help"]
    shown = subprocess.run(twistd, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "The host daemon of a hive of coding agents." in " ".join(shown.split())
