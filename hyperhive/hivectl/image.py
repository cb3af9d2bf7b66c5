"""Commands about the images that agents' containers start from; they ask no daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from hyperhive.hivectl.errands import Chore, Settings
from hyperhive.hivectl.page import Column, Line, Page, Remark, Table, duration
from hyperhive.hivectl.verbs import remember

if TYPE_CHECKING:
    from hyperhive.hivectl.screen import Screen
    from hyperhive.images.building import Built
    from hyperhive.images.record import ImageRecord

STATE: Final = "/var/lib/hyperhive"
PLACE: Final = click.Path(path_type=Path, readable=False)  # who may not read it is told so by us
SUITES: Final = ("bookworm", "trixie")
F = Callable[..., Any]


def _place_options(function: F) -> F:
    for option in (
        click.option("--json", is_flag=True, expose_value=False, callback=remember, help="Print one JSON object."),
        click.option(
            "--state-dir", metavar="PATH", type=PLACE, default=STATE, show_default=True,
            help="The daemon's state directory, in which DIRECTORY is `image` unless it is given.",
        ),
        click.argument("directory", metavar="[DIRECTORY]", type=PLACE, required=False),
    ):  # fmt: skip
        function = option(function)
    return function


@click.group("image")
def image() -> None:
    """Make the image that agents' containers start from, and look at it."""


@image.command("build")
@_place_options
@click.option(
    "--suite", metavar="NAME", default=SUITES[0], show_default=True, help="Which Debian.",
    shell_complete=lambda _ctx, _param, incomplete: [name for name in SUITES if name.startswith(incomplete)],
)  # fmt: skip
@click.option("--mirror", metavar="URL", help="Where its packages come from, instead of debootstrap's default.")
@click.option("--package", "packages", metavar="NAME", multiple=True, help="One more of its packages; may be repeated.")
@click.option("--hyperhive", "source", metavar="SOURCE", help="A checkout, a wheel, or what else pip takes.")
@click.option("--force", "replace", is_flag=True, help="Replace an image that is there.")
def build(directory: Path | None, state_dir: Path, **wanted: Any) -> Chore:
    """Build an image by debootstrap, with hive-agent inside.

    As root. The one that is there is left alone until the new one is finished.
    """
    return Chore(lambda settings, screen: _build(_place(directory, state_dir), wanted, settings, screen))


@image.command("show")
@_place_options
def show(directory: Path | None, state_dir: Path) -> Chore:
    """Show what an image was built from."""
    return Chore(lambda settings, screen: _show(_place(directory, state_dir), settings, screen))


COMMANDS = (image,)


def _place(directory: Path | None, state_dir: Path) -> Path:
    from hyperhive.layout import Layout

    return directory or Layout(state=state_dir, run=state_dir / "run").image


def _build(place: Path, wanted: dict[str, Any], settings: Settings, screen: Screen) -> int:
    from hyperhive.hivectl.unfolding import unfolding
    from hyperhive.images.building import Order, build
    from hyperhive.images.record import ImageError

    began = time.monotonic()
    try:
        with unfolding(screen) as progress:
            built = build(Order(image=place, **wanted), progress)
    except ImageError as error:
        screen.complain(str(error))
        return 1
    seconds = round(time.monotonic() - began)
    if settings.json:
        kept = None if built.kept is None else str(built.kept)
        _print_json(screen, place, built.record, size=_size(place), seconds=seconds, kept=kept)
    else:
        screen.show(_built_page(place, built, seconds))
    return 0


def _built_page(place: Path, built: Built, seconds: int) -> Page:
    size = f"{_size(place) // 1_000_000} MB"
    done = Line(f"{place} is built: {_contents(built.record)}, {size}. It took {duration(seconds)}.")
    if built.kept is None:
        return (done,)
    still = f"Agents still run on the image that it replaced, which is {built.kept} now"
    return (done, Remark(f"{still}; the first build after they were all started again removes it."))


def _show(place: Path, settings: Settings, screen: Screen) -> int:
    from hyperhive.images.record import ImageError, ImageRecord

    try:
        record = ImageRecord.read(place)
    except ImageError as error:
        screen.complain(str(error))
        return 1
    if settings.json:
        _print_json(screen, place, record)
    else:
        built = screen.view(time.time()).moment(record.built_at)
        packages = Table((Column("PACKAGE"), Column("VERSION")), tuple(sorted(record.packages.items())))
        screen.show((Line(f"{place}: {_contents(record)}, built {built}"), packages))
    return 0


def _contents(record: ImageRecord) -> str:
    return f"Debian {record.suite}, Python {record.python}, hyperhive {record.hyperhive}"


def _print_json(screen: Screen, place: Path, record: ImageRecord, **more: Any) -> None:
    import attrs

    screen.raw(json.dumps({"path": str(place), **attrs.asdict(record), **more}).encode())


def _size(tree: Path) -> int:
    """Bytes that it takes on the disk."""
    import os

    seen: dict[int, int] = {}
    for directory, names, files in os.walk(tree):
        for name in (*names, *files):
            status = Path(directory, name).lstat()
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())
