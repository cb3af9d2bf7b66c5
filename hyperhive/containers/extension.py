"""The operator's flake extended by an agent's own NixOS module: a small flake, laid out anew before each build.

It has the configured flake as its one input, so that whatever that one pins stays pinned, and beside it the files of
the agent's commit in `config`. Its lock file is nix's, made with it and gone with it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from hyperhive.containers.commands import IReactor, attempt
from hyperhive.containers.plans import NIX_MODULE
from hyperhive.errors import ContainerError

DEFAULT_ATTRIBUTE: Final = "container"
"""What nixos-container builds of a flake where nothing stands behind a `#`."""
FILES: Final = "config"
FLAKE: Final = """\
# hyperhive's, written anew before each build of the container.
{{
  inputs.hive.url = {url};
  outputs =
    {{ self, hive }}:
    {{
      nixosConfigurations.{attribute} = hive.nixosConfigurations.{attribute}.extendModules {{
        modules = [ ./{files}/{module} ];
      }};
    }};
}}
"""


async def fault(reactor: IReactor, module: bytes) -> str | None:
    """What nix can't read of that module, as a sentence with its line; None if it can.

    Nothing of it is evaluated. Raises ContainerError if nix can't be asked.
    """
    parsed = await attempt(reactor, "nix-instantiate", "--parse", "-", given=module)
    if parsed.succeeded:
        return None
    said = "\n".join(parsed.complaints)
    what, where = re.search(r"^error: (.*)$", said, re.MULTILINE), re.search(r"«stdin»:(\d+)", said)
    line = f", line {where[1]}" if where else ""
    return f"{NIX_MODULE}{line}: {what[1] if what else parsed.complaint or 'nix can not read it'}"


@frozen(kw_only=True)
class Extension:
    """The `files` of an agent's commit, `agent.nix` among them, and the `directory` that the flake is laid out in."""

    files: Path
    directory: Path

    def digest(self) -> str:
        """What tells these files from others. Raises ContainerError."""
        digest = hashlib.sha256()
        try:
            for path in self._paths():
                digest.update(f"{path.relative_to(self.files)}\0{path.stat().st_mode & 0o111}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise ContainerError(f"{self.files} can't be read: {error.strerror}") from error
        return digest.hexdigest()

    def laid_out(self, flake: str) -> str:
        """Make the flake that extends that one; how nix names it. Raises ContainerError."""
        base, _, attribute = flake.partition("#")
        attribute = attribute or DEFAULT_ATTRIBUTE
        url = f"path:{base}" if base.startswith("/") else base
        text = FLAKE.format(url=_quoted(url), attribute=_quoted(attribute), files=FILES, module=NIX_MODULE)
        try:
            if self.directory.exists():
                shutil.rmtree(self.directory)
            self.directory.mkdir(parents=True)
            for path in self._paths():
                copy = self.directory / FILES / path.relative_to(self.files)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
                copy.chmod(path.stat().st_mode & 0o555 | 0o200)
            (self.directory / "flake.nix").write_text(text)
        except OSError as error:
            raise ContainerError(f"the flake {self.directory} can't be written: {error.strerror}") from error
        return f"path:{self.directory}#{attribute}"

    def _paths(self) -> Iterator[Path]:
        for path in sorted(self.files.rglob("*")):
            if path.is_symlink():  # it could lead to any file of the host, which then everybody could read in the store
                raise ContainerError(f"{path} is a link, which no configuration may hold")
            if path.is_file():
                yield path


def _quoted(text: str) -> str:
    """A string as Nix reads it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${") + '"'
