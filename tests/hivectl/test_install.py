"""The service put into a system's tree, and taken away again."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from hyperhive.config import configure
from hyperhive.hivectl import install as installing
from hyperhive.hivectl.main import run
from tests.hivectl.placed import DROP_IN, SETTINGS, SYSUSERS, UNIT, tree

TWISTD = Path(sys.executable).with_name("twistd")


def test_each_file_is_put_in_its_place_and_said(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    assert hivectl("install") == 0
    placed = tree(tmp_path)
    assert placed >= {UNIT, SYSUSERS, SETTINGS}
    assert DROP_IN not in placed
    said = capsys.readouterr().out
    assert set(re.findall(rf"^put {tmp_path}/(.*)$", said, re.MULTILINE)) == placed
    assert said.endswith(f"  systemctl --root={tmp_path} enable hyperhive\n")
    assert {stat.S_IMODE((tmp_path / path).stat().st_mode) for path in placed} == {0o644}


def test_the_service_runs_the_twistd_of_this_installation(hivectl: Any, tmp_path: Path) -> None:
    hivectl("install")
    assert (
        f"\nExecStart={TWISTD} -n --pidfile= hyperhive --config /etc/hyperhive.toml\n" in (tmp_path / UNIT).read_text()
    )


@pytest.mark.parametrize(
    ("path", "word"),
    [("/opt/hive/bin", "/opt/hive/bin"), ("/opt/my hive", '"/opt/my hive"'), ("/opt/100%", "/opt/100%%")],
)
def test_a_path_is_written_as_systemd_reads_it(path: str, word: str) -> None:
    assert installing._as_word(Path(path)) == word


def test_a_dry_run_says_the_same_and_does_nothing(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    assert hivectl("install", "--dry-run") == 0
    assert tree(tmp_path) == set()
    would = capsys.readouterr().out
    hivectl("install")
    assert would.replace("would put", "put") == capsys.readouterr().out


def test_to_install_again_changes_nothing_and_says_so(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    hivectl("install")
    before = {path: (tmp_path / path).read_bytes() for path in tree(tmp_path)}
    capsys.readouterr()
    assert hivectl("install") == 0
    assert {path: (tmp_path / path).read_bytes() for path in tree(tmp_path)} == before
    told, _, _ = capsys.readouterr().out.partition("Next, as root:")
    assert sorted(told.splitlines()) == sorted(f"unchanged {tmp_path}/{path}" for path in before)


def test_to_install_without_local_takes_the_hardening_up_again(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    hivectl("install", "--local")
    capsys.readouterr()
    assert hivectl("install") == 0
    assert f"removed {tmp_path}/{DROP_IN}\n" in capsys.readouterr().out
    assert DROP_IN not in tree(tmp_path)
    hivectl("install", "--local")
    _edit(tmp_path / DROP_IN)
    assert hivectl("install") == 0
    assert f"left {tmp_path}/{DROP_IN}, which was changed\n" in capsys.readouterr().out
    assert DROP_IN in tree(tmp_path)


def test_uninstalling_where_nothing_is_says_so(hivectl: Any, capsys: Any) -> None:
    assert hivectl("uninstall") == 0
    assert capsys.readouterr().out == "nothing to remove: none of the service's files is there\n"


def test_what_an_older_installation_put_is_replaced(
    hivectl: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(installing, "_as_word", lambda _: "/opt/older/twistd")
        hivectl("install")
    assert "/opt/older/twistd" in (tmp_path / UNIT).read_text()
    assert hivectl("install") == 0
    assert "/opt/older/twistd" not in (tmp_path / UNIT).read_text()


def _edit(path: Path) -> None:
    path.write_text(path.read_text() + "# mine\n")


def _replace(path: Path) -> None:
    path.write_text("[Unit]\n")


def _mask(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


@pytest.mark.parametrize("change", [_edit, _replace, _mask])
def test_a_file_that_was_changed_is_named_and_nothing_is_put_anywhere(
    hivectl: Any, tmp_path: Path, capsys: Any, change: Callable[[Path], None]
) -> None:
    hivectl("install")
    change(tmp_path / UNIT)
    (tmp_path / SYSUSERS).unlink()
    capsys.readouterr()
    assert hivectl("install") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"hivectl: nothing was put anywhere: {tmp_path}/{UNIT} was changed by somebody else; --force replaces it\n"
    )
    assert SYSUSERS not in tree(tmp_path)
    assert hivectl("install", "--force") == 0
    assert "WatchdogSec" in (tmp_path / UNIT).read_text()
    assert not (tmp_path / UNIT).is_symlink()


def test_settings_are_never_replaced(hivectl: Any, tmp_path: Path) -> None:
    hivectl("install")
    (tmp_path / SETTINGS).write_text('hive = "apiary"\n')
    assert hivectl("install", "--force") == 0
    assert (tmp_path / SETTINGS).read_text() == 'hive = "apiary"\n'


def test_the_settings_that_are_put_are_the_defaults(hivectl: Any, tmp_path: Path) -> None:
    hivectl("install")
    assert configure({"config": str(tmp_path / SETTINGS)}, {}, root=True) == configure({}, {}, root=True)


def test_uninstalling_removes_what_was_put_and_nothing_else(hivectl: Any, tmp_path: Path) -> None:
    other = tmp_path / "etc/systemd/system/other.service"
    other.parent.mkdir(parents=True)
    other.touch()
    hivectl("install", "--local")
    assert DROP_IN in tree(tmp_path)
    assert hivectl("uninstall") == 0
    assert tree(tmp_path) == {"etc/systemd/system/other.service"}
    assert not (tmp_path / DROP_IN).parent.exists()


def test_uninstalling_leaves_what_was_changed(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    hivectl("install", "--local")
    _edit(tmp_path / SETTINGS)
    (tmp_path / DROP_IN).with_name("mine.conf").touch()
    assert hivectl("uninstall") == 0
    assert f"left {tmp_path}/{SETTINGS}, which was changed\n" in capsys.readouterr().out
    assert tree(tmp_path) == {SETTINGS, str(Path(DROP_IN).with_name("mine.conf"))}


def test_a_dry_run_removes_nothing(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    hivectl("install")
    before = tree(tmp_path)
    assert hivectl("uninstall", "--dry-run") == 0
    assert tree(tmp_path) == before
    assert f"would remove {tmp_path}/{UNIT}\n" in capsys.readouterr().out


def test_an_enabled_service_is_not_uninstalled(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    hivectl("install")
    link = tmp_path / "etc/systemd/system/multi-user.target.wants/hyperhive.service"
    link.parent.mkdir()
    link.symlink_to(f"/{UNIT}")
    assert hivectl("uninstall") == 1
    assert capsys.readouterr().err == (
        "hivectl: the service is enabled; run 'systemctl disable --now hyperhive' first\n"
    )
    assert UNIT in tree(tmp_path)


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_only_root_changes_this_system(command: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run([command]) == 1
    assert capsys.readouterr().err == (
        "hivectl: only root can change this system's services; use sudo, or name another tree with --root\n"
    )


def test_a_place_that_can_not_be_written_is_named(hivectl: Any, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "etc").touch()
    assert hivectl("install") == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"hivectl: {tmp_path}/etc/\S+ can't be changed: (Not a directory|File exists)", sentence)


def test_every_file_that_comes_with_hyperhive_has_a_place() -> None:
    names = {path.name for path in (Path(installing.__file__).parents[1] / "install").iterdir()}
    assert {name for name in names if Path(name).suffix not in installing.PLACES} == set()


def test_the_commands_explain_their_options() -> None:
    options = [one for command in installing.COMMANDS for one in command.params if isinstance(one, click.Option)]
    assert all(option.help for option in options)


def test_a_tree_whose_directories_lead_out_of_it_is_refused_and_nothing_is_put(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    (tree / "etc").mkdir(parents=True)
    outside.mkdir()
    (tree / "etc/sysusers.d").symlink_to(outside)
    result = CliRunner().invoke(installing.install, ["--root", str(tree)])
    assert "leads out of" in result.output
    assert not list(outside.iterdir())
    assert list(tree.rglob("*.service")) == []
