"""The objects of a proposed repository, copied as data into one of our own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from attrs import field, frozen

from hyperhive.errors import RepositoryError
from hyperhive.layout import Layout
from hyperhive.repositories import plain
from hyperhive.repositories.weighing import MOST_BYTES, MOST_FILES, Scales

FANS: Final = tuple(f"{number:02x}" for number in range(256))
_LOOSE = re.compile(r"[0-9a-f]{38}")
_PACK = re.compile(r"pack-[0-9a-zA-Z-]{1,100}\.pack")


@frozen(kw_only=True)
class Copied:
    """The packs, which have no index yet, and which objects stayed behind, each with the reason (`is damaged`)."""

    packs: list[Path] = field(factory=list)
    left: dict[str, str] = field(factory=dict)


def copy(layout: Layout, name: str, into: Path) -> Copied:
    """Copy loose objects and packs of `proposed` to `into`, our own repository's directory for them.

    Nothing else of it is copied: neither an index, which could lie, nor `alternates`, which lead elsewhere.
    Raises RepositoryError for what is in the way, and for too much.
    """
    shown = "/".join([*plain.below(layout, name), ".git"])
    scales = Scales(f"the proposed repository of {name!r}")
    copied = Copied()
    try:
        with plain.directory(layout.state, *plain.below(layout, name), ".git", "objects") as objects:
            for fan, files in _loose(objects, shown, scales).items():
                with plain.inside(objects, fan, f"{shown}/objects/{fan}") as directory:
                    _copy_loose(directory, fan, files, into, scales, copied)
            _copy_packs(objects, f"{shown}/objects/pack", into / "pack", scales, copied)
    except plain.NotThere as error:
        raise RepositoryError(f"there is no repository to take a commit from: {error}") from error
    except OSError as error:
        raise RepositoryError(f"{scales.repository} can't be copied: {error.strerror}") from error
    return copied


def _loose(objects: int, shown: str, scales: Scales) -> dict[str, list[str]]:
    """The files of loose objects by their directory; all counted before one is copied."""
    found = {}
    for fan in FANS:
        try:
            with plain.inside(objects, fan, f"{shown}/objects/{fan}") as directory:
                files = plain.names(directory, MOST_FILES)
        except plain.NotThere:
            continue
        scales.see(len(files))
        found[fan] = [file for file in files if _LOOSE.fullmatch(file)]
    return found


def _copy_loose(directory: int, fan: str, files: list[str], into: Path, scales: Scales, copied: Copied) -> None:
    (into / fan).mkdir()
    for file in files:
        data, objection = _read(directory, file, scales)
        objection = objection or scales.loose(data)
        if objection:
            copied.left[fan + file] = objection
        else:
            (into / fan / file).write_bytes(data)


def _copy_packs(objects: int, shown: str, into: Path, scales: Scales, copied: Copied) -> None:
    try:
        with plain.inside(objects, "pack", shown) as directory:
            files = plain.names(directory, MOST_FILES)
            scales.see(len(files))
            for file in filter(_PACK.fullmatch, files):
                data, objection = _read(directory, file, scales)
                if objection:
                    raise RepositoryError(f"{shown}/{file} {objection}")
                scales.pack(data)
                own = into / f"pack-{len(copied.packs):040x}.pack"
                own.write_bytes(data)
                copied.packs.append(own)
    except plain.NotThere:
        return


def _read(directory: int, file: str, scales: Scales) -> tuple[bytes, str | None]:
    """The bytes of a file; or what is wrong with it."""
    try:
        with plain.regular(directory, file) as descriptor:
            if descriptor is None:
                return b"", "is no ordinary file"
            data = plain.contents(descriptor, MOST_BYTES - scales.copied)
            scales.copy(len(data))
    except PermissionError:
        return b"", "can't be read: permission denied"
    return data, None
