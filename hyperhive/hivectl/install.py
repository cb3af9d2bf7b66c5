"""Commands that put the daemon into a system as a service, and take it away."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from hyperhive.hivectl.pieces import MANUAL, Piece
from hyperhive.hivectl.screen import Screen

PLACES: Final = {
    ".service": "etc/systemd/system/{name}.service",
    ".conf": "etc/systemd/system/hyperhive.service.d/{name}.conf",
    ".sysusers": "etc/sysusers.d/{name}.conf",
    ".tmpfiles": "etc/tmpfiles.d/{name}.conf",
    ".network": "etc/systemd/network/{name}.network",
    ".netdev": "etc/systemd/network/{name}.netdev",
    ".toml": "etc/{name}.toml",
    **{f".{number}": f"usr/local/share/man/man{number}/{{name}}.{number}" for number in MANUAL},
}
"""Where a file of `hyperhive/install/` goes, by the end of its name."""
LOCAL: Final = "hyperhive-local.conf"
"""The drop-in that is put there on demand."""
ENABLED: Final = "etc/systemd/system/multi-user.target.wants/hyperhive.service"
HIDDEN: Final = ("/tmp", "/var/tmp")  # noqa: S108 - nothing is written there
"""What the unit has of its own."""
CHOSEN: Final = re.compile(r"^\s*containers\s*=", re.MULTILINE)
"""The settings say what agents run in."""


_root = click.option(
    "--root", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path), default="/",
    help="Another system's tree, not this one.",
)  # fmt: skip
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@click.command("install")
@_root
@_dry_run
@click.option("--local", is_flag=True, help="Lift all hardening, for agents of the local backend.")
@click.option("--force", is_flag=True, help="Replace files that were changed; never the settings.")
def install(root: Path, *, dry_run: bool, local: bool, force: bool) -> int:
    """Make this installation a systemd service.

    Puts its files in place, and prints what to run next.
    """
    every = dict(_pieces(root))
    pieces = [piece for name, piece in every.items() if local or name != LOCAL]
    if sentence := _objection(root, dry_run=dry_run) or (None if force else _conflict(pieces)):
        return _refuse(sentence)
    if not local and (hidden := _hidden(root)):
        click.echo(f"hivectl: beware, {hidden}", err=True)
    for piece in pieces:
        if piece.is_current:
            click.echo(f"unchanged {piece.path}")
        elif piece.setting and piece.is_there:
            click.echo(f"kept {piece.path}")
        elif sentence := _do(piece, piece.put, "would put" if dry_run else "put", dry_run=dry_run):
            if not piece.is_page:
                return _refuse(sentence)
            # The service runs without its manual, which may lie where not even root can write.
            click.echo(f"hivectl: beware, {sentence}", err=True)
    if not local and (sentence := _take_away(every[LOCAL], dry_run=dry_run)):
        return _refuse(sentence)
    click.echo("\n  ".join(["Next, as root:", *_next(root, local=local)]))
    return 0


@click.command("uninstall")
@_root
@_dry_run
def uninstall(root: Path, *, dry_run: bool) -> int:
    """Take the systemd service away.

    Removes what install put there and nobody changed. Mail and agents stay.
    """
    if sentence := _objection(root, dry_run=dry_run) or _still_enabled(root):
        return _refuse(sentence)
    pieces = [piece for _, piece in _pieces(root) if piece.is_there]
    for piece in pieces:
        if sentence := _take_away(piece, dry_run=dry_run):
            return _refuse(sentence)
    if not pieces:
        click.echo("nothing to remove: none of the service's files is there")
    if root == Path("/") and (units := _running_containers()):
        click.echo(f"containers of agents run on ('systemctl stop' ends them): {', '.join(units)}")
    return 0


COMMANDS: Final = (install, uninstall)


def _pieces(root: Path) -> Iterator[tuple[str, Piece]]:
    from importlib.resources import files

    for source in sorted((files("hyperhive") / "install").iterdir(), key=lambda source: source.name):
        place = PLACES.get(Path(source.name).suffix)
        if place is not None:
            text = source.read_text(encoding="utf-8").replace("@twistd@", _as_word(_twistd()))
            path = root / place.format(name=Path(source.name).stem)
            yield source.name, Piece.of(path, text, setting=source.name.endswith(".toml"))


def _twistd() -> Path:
    return _beside("twistd")


def _beside(program: str) -> Path:
    return Path(sys.executable).absolute().with_name(program)


def _as_word(path: Path) -> str:
    """The path as systemd reads it in a command line."""
    word = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{word}"' if re.search(r"[\s\"'\\;]", word) else word


def _next(root: Path, *, local: bool) -> Iterator[str]:
    there = root == Path("/")
    aside, now = ("", " --now") if there else (" " + shlex.quote(f"--root={root}"), "")
    yield f"systemd-sysusers{aside}"
    if there:
        yield "systemctl daemon-reload"
    if not local:
        networks = " && networkctl reload" if there else ""
        image = "" if there else f" {shlex.quote(str(root / 'var/lib/hyperhive/image'))}"
        yield f"systemctl{aside} enable{now} systemd-networkd{networks}    # for agents with a network"
        yield f"{shlex.quote(str(_beside('hivectl')))} image build{image}"
        settings = root / "etc/hyperhive.toml"
        if not (settings.is_file() and CHOSEN.search(settings.read_text(encoding="utf-8", errors="replace"))):
            yield "# without this agents run as root on this host, isolated from nobody:"
            yield f"sed -i '1i containers = \"nspawn\"' {shlex.quote(str(settings))}"
    yield f"systemctl{aside} enable{now} hyperhive"
    if there:
        yield "usermod -aG hyperhive USER    # for each who is to operate the hive"


def _take_away(piece: Piece, *, dry_run: bool) -> str | None:
    """Remove what some install put there; what was changed stays, and is named."""
    if not piece.is_there:
        return None
    if piece.was_changed:
        click.echo(f"left {piece.path}, which was changed")
        return None
    return _do(piece, piece.remove, "would remove" if dry_run else "removed", dry_run=dry_run)


def _do(piece: Piece, deed: Callable[[], None], told: str, *, dry_run: bool) -> str | None:
    """Do that to the piece, unless it is only told of; gives a sentence if it could not be done."""
    try:
        if not dry_run:
            deed()
    except OSError as error:
        return f"{piece.path} can't be changed: {error.strerror}"
    click.echo(f"{told} {piece.path}")
    return None


def _objection(root: Path, *, dry_run: bool) -> str | None:
    if root == Path("/") and not dry_run and os.geteuid() != 0:
        return "only root can change this system's services; use sudo, or name another tree with --root"
    if not _twistd().exists():
        return f"there is no {_twistd()}, which the service would run; install hyperhive with pip first"
    for _, piece in _pieces(root):
        if not piece.path.parent.resolve().is_relative_to(root.resolve()):
            return f"{piece.path.parent} is a link that leads out of {root}; nothing was put anywhere"
    return None


def _hidden(root: Path) -> str | None:
    """Why the unit, which has a `/tmp` of its own, could not run this installation."""
    needed = (_twistd(), Path(__file__).parents[1])
    hidden = [path for path in needed if any(path.is_relative_to(place) for place in HIDDEN)]
    if hidden and root == Path("/"):
        return f"the service has a /tmp of its own, and does not see {hidden[0]}; install hyperhive elsewhere"
    return None


def _running_containers() -> list[str]:
    import subprocess

    units = ("hyperhive-*.service", "container@h-*.service")
    listing = ["systemctl", "list-units", "--state=active", "--plain", "--no-legend", *units]
    try:
        listed = subprocess.run(listing, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    except OSError:
        return []
    return [line.split()[0] for line in listed.stdout.splitlines()]


def _conflict(pieces: list[Piece]) -> str | None:
    changed = ", ".join(str(piece.path) for piece in pieces if piece.was_changed and not piece.setting)
    return changed and f"nothing was put anywhere: {changed} was changed by somebody else; --force replaces it"


def _still_enabled(root: Path) -> str | None:
    if (root / ENABLED).is_symlink():
        return "the service is enabled; run 'systemctl disable --now hyperhive' first"
    return None


def _refuse(sentence: str) -> int:
    Screen(sys.stdout, sys.stderr).complain(sentence)
    return 1
