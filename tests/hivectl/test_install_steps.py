"""What is told beside the files: the steps that come next, what to beware of, and what runs on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyperhive.config import configure
from hyperhive.hivectl import install as installing
from hyperhive.hivectl.main import run
from tests.docs.pages import page
from tests.hivectl.placed import SETTINGS


def steps(capsys: Any) -> list[str]:
    """What is to be run next, without its remarks."""
    _, _, told = capsys.readouterr().out.partition("Next, as root:\n")
    return [line.partition("    #")[0].strip() for line in told.splitlines() if not line.startswith("  #")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`hivectl COMMAND` for this system, by root, installed elsewhere than here; nothing is done."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(installing, "_beside", lambda program: tmp_path / "bin" / program)
    monkeypatch.setattr(installing, "HIDDEN", ("/somewhere/else",))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "twistd").touch()
    return lambda command, *options: run([command, "--dry-run", *options])


@pytest.mark.skipif(Path("/etc/hyperhive.toml").exists(), reason="this system has settings of its own")
def test_what_to_run_next_leads_to_agents_in_containers(here: Any, tmp_path: Path, capsys: Any) -> None:
    assert here("install") == 0
    assert steps(capsys) == [
        "systemd-sysusers",
        "systemctl daemon-reload",
        "systemctl enable --now systemd-networkd && networkctl reload",
        f"{tmp_path}/bin/hivectl image build",
        "sed -i '1i containers = \"nspawn\"' /etc/hyperhive.toml",
        "systemctl enable --now hyperhive",
        "usermod -aG hyperhive USER",
    ]
    assert here("install", "--local") == 0
    assert not [step for step in steps(capsys) if "nspawn" in step or "image" in step or "networkd" in step]


def test_the_setting_that_is_to_be_made_can_be_made_so_and_is_then_told_no_more(
    hivectl: Any, tmp_path: Path, capsys: Any
) -> None:
    hivectl("install")
    settings = tmp_path / SETTINGS
    settings.write_text(settings.read_text() + "[nspawn]\nmemory = '4G'\n")
    (step,) = [step for step in steps(capsys) if step.startswith("sed ")]
    subprocess.run(step, shell=True, check=True)
    assert configure({"config": str(settings)}, {}, root=True).containers == "nspawn"
    hivectl("install")
    assert not [step for step in steps(capsys) if step.startswith("sed ")]


def test_pages_tell_the_same_steps(here: Any, capsys: Any) -> None:
    here("install")
    told = [step.rpartition("/bin/")[2] if "/bin/" in step else step for step in steps(capsys)]
    for name in ("README.md", "docs/service.md", "docs/nspawn-backend.md"):
        lines = [line.partition("    #")[0].strip() for line in page(name).splitlines()]
        lines = [line.replace("sudo ", "").replace("/opt/hyperhive/bin/", "") for line in lines]
        wanted = [step.replace("USER", "alice") for step in told]
        assert [line for line in lines if line in wanted] == wanted, name


def test_an_installation_that_the_service_does_not_see_is_warned_of(
    here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(installing, "HIDDEN", (str(tmp_path),))
    assert here("install") == 0
    assert capsys.readouterr().err == (
        f"hivectl: beware, the service has a /tmp of its own, and does not see {tmp_path}/bin/twistd; "
        "install hyperhive elsewhere\n"
    )
    assert here("install", "--local") == 0
    assert capsys.readouterr().err == ""


def test_containers_that_run_on_are_named(
    here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.write_text("#!/bin/sh\necho 'hyperhive-alice.service loaded active running Agent'\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert here("uninstall") == 0
    assert capsys.readouterr().out.endswith(
        "containers of agents run on ('systemctl stop' ends them): hyperhive-alice.service\n"
    )
