"""The service that was put into a tree, looked at by systemd's own tools and by man."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.groff import said
from tests.docs.pages import page
from tests.hivectl.placed import MANUAL, SETTINGS, SYSUSERS, UNIT, systemd, tree


@pytest.mark.parametrize("options", [(), ("--local",)])
def test_systemd_finds_nothing_wrong_with_the_unit(hivectl: Any, tmp_path: Path, options: tuple[str, ...]) -> None:
    hivectl("install", *options)
    said("man", "--version")  # it looks for the pages that the unit names
    ran = systemd("systemd-analyze", "verify", str(tmp_path / UNIT), MANPATH=str(tmp_path / MANUAL))
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_the_page_has_systemd_s_figure(hivectl: Any, tmp_path: Path) -> None:
    hivectl("install")
    ran = systemd("systemd-analyze", "security", "--offline=true", str(tmp_path / UNIT))
    if ran.returncode and "unrecognized option" in ran.stderr:
        pytest.skip("systemd-analyze has no --offline")
    (figure,) = re.findall(r"Overall exposure level for hyperhive\.service: ([\d.]+)", ran.stdout)
    version = systemd("systemd-analyze", "--version").stdout.split()[1]
    if version != "252":
        pytest.skip(f"the page has the figure of systemd 252, and this is {version}")
    assert f"**{figure}**" in page("docs/service.md")


@pytest.mark.parametrize(("number", "name"), [("1", "hivectl"), ("1", "hive-agent"), ("8", "hyperhive")])
def test_man_finds_the_pages_and_they_are_as_clean_as_before(
    hivectl: Any, tmp_path: Path, number: str, name: str
) -> None:
    hivectl("install")
    path = tmp_path / MANUAL / f"man{number}" / f"{name}.{number}"
    assert said("man", "-M", str(tmp_path / MANUAL), "-w", number, name) == f"{path}\n"
    assert said("groff", "-man", "-ww", "-z", str(path)) == ""
    assert f'"{name} - ' in said("lexgrog", str(path))


def test_man_finds_the_page_of_the_settings_which_is_no_setting(hivectl: Any, tmp_path: Path) -> None:
    hivectl("install")
    path = tmp_path / MANUAL / "man5/hyperhive.toml.5"
    assert said("man", "-M", str(tmp_path / MANUAL), "-w", "hyperhive.toml") == f"{path}\n"
    written = path.read_text()
    path.write_text(written + "changed\n")
    assert hivectl("install") == 1
    assert hivectl("install", "--force") == 0
    assert path.read_text() == written


def test_a_manual_that_can_not_be_put_does_not_keep_the_service_away(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "usr").touch()
    assert hivectl("install") == 0
    said = capsys.readouterr()
    assert tree(tmp_path) >= {UNIT, SYSUSERS, SETTINGS}
    assert "Next, as root:" in said.out
    beware = re.compile(rf"hivectl: beware, {tmp_path}/usr/\S+ can't be changed: (Not a directory|File exists)")
    assert [bool(beware.fullmatch(line)) for line in said.err.splitlines()] == [True] * 4


def test_sysusers_makes_the_group(hivectl: Any, tmp_path: Path) -> None:
    hivectl("install")
    ran = systemd("systemd-sysusers", f"--root={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^hyperhive:x:\d+:", (tmp_path / "etc/group").read_text(), re.MULTILINE)
