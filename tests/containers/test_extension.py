"""A flake that extends another one by an agent's files; that nix builds it is tested in tests/host."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from hyperhive.containers.extension import Extension, fault
from hyperhive.errors import ContainerError


@pytest.fixture
def extension(tmp_path: Path) -> Extension:
    (tmp_path / "files/deeper").mkdir(parents=True)
    (tmp_path / "files/agent.nix").write_text("{ ... }: { }\n")
    (tmp_path / "files/deeper/more.nix").write_text("1")
    (tmp_path / "files/agent.nix").chmod(0o444)
    return Extension(files=tmp_path / "files", directory=tmp_path / "runtime/flake")


def flake(extension: Extension) -> str:
    return (extension.directory / "flake.nix").read_text()


def test_the_flake_has_the_configured_one_as_its_input_and_the_files_beside_it(extension: Extension) -> None:
    assert extension.laid_out("git+file:///srv/flake?ref=main#agents") == f"path:{extension.directory}#agents"
    assert 'inputs.hive.url = "git+file:///srv/flake?ref=main";' in flake(extension)
    assert 'hive.nixosConfigurations."agents".extendModules' in flake(extension)
    assert "modules = [ ./config/agent.nix ];" in flake(extension)
    copied = extension.directory / "config"
    assert (copied / "agent.nix").read_text() == "{ ... }: { }\n"
    assert (copied / "deeper/more.nix").read_text() == "1"


def test_a_path_is_an_input_as_the_directory_that_it_is_and_has_the_default_attribute(extension: Extension) -> None:
    assert extension.laid_out("/etc/hyperhive/flake").endswith("#container")
    assert 'inputs.hive.url = "path:/etc/hyperhive/flake";' in flake(extension)


def test_nothing_in_a_flakes_name_is_nix(extension: Extension) -> None:
    extension.laid_out('/srv/${x}\\"#a"b')
    assert r'inputs.hive.url = "path:/srv/\${x}\\\"";' in flake(extension)
    assert r'nixosConfigurations."a\"b"' in flake(extension)


def test_each_time_it_is_laid_out_anew(extension: Extension) -> None:
    extension.laid_out("/f")
    (extension.directory / "flake.lock").write_text("old")
    (extension.directory / "config/gone.nix").touch()
    extension.laid_out("/f")
    assert sorted(path.name for path in extension.directory.rglob("*")) == [
        *("agent.nix", "config", "deeper", "flake.nix", "more.nix"),
    ]


def test_the_digest_changes_with_every_file_and_by_nothing_else(extension: Extension) -> None:
    first = extension.digest()
    assert extension.digest() == first
    (extension.files / "deeper/more.nix").write_text("2")
    second = extension.digest()
    (extension.files / "deeper/more.nix").rename(extension.files / "more.nix")
    assert len({first, second, extension.digest()}) == 3


def test_a_flake_that_can_not_be_written_is_said(extension: Extension) -> None:
    extension.directory.parent.touch()
    with pytest.raises(ContainerError, match="can't be written: Not a directory"):
        extension.laid_out("/f")


def test_a_link_is_not_followed(extension: Extension) -> None:
    (extension.files / "link.nix").symlink_to("/etc/passwd")
    with pytest.raises(ContainerError, match=r"link\.nix is a link, which no configuration may hold"):
        extension.laid_out("/f")


@pytest.mark.skipif(shutil.which("nix-instantiate") is None, reason="there is no nix")
@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        ("{ ... }: { }\n", None),
        ("{\n  a = ;\n}\n", "agent.nix, line 2: syntax error, unexpected ';'"),
        ("{\n  a = b;\n}\n", "agent.nix, line 2: undefined variable 'b'"),
        ('{ a = "', "agent.nix, line 1: syntax error, unexpected end of file"),
        ('{ a = builtins.readFile "/etc/shadow"; }', None),
    ],
)
async def test_what_nix_can_not_read_is_told_with_its_line_and_nothing_is_evaluated(
    reactor: Any, module: str, wrong: str | None
) -> None:
    found = await fault(reactor, module.encode())
    assert found == wrong if wrong is None else str(found).startswith(wrong)
