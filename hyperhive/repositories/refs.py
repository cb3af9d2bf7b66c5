"""Where the branches and tags of a proposed repository are, read as data: only to tell it to whoever asks for one."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from hyperhive.errors import RepositoryError, brief
from hyperhive.layout import Layout
from hyperhive.repositories import plain

HEX = re.compile(r"[0-9a-f]{4,40}")
MOST_BYTES: Final = 1024 * 1024
LONGEST: Final = 255

WHOLE = re.compile(r"[0-9a-f]{40}")
_FULL = re.compile(r"[^\s\x00-\x1f\x7f~^:?*\[\\]+")


@frozen(kw_only=True)
class Pointed:
    """What a name is (`a branch`), and the object that it points to."""

    what: str
    sha: str


def look(layout: Layout, name: str, ref: str) -> Pointed | None:
    """Where that branch or tag of `proposed` is, None if there is none. Raises RepositoryError."""
    if not _is_name(ref):
        return None
    try:
        with plain.directory(layout.state, *plain.below(layout, name), ".git") as repository:
            packed = _packed(repository)
            for what, full in _candidates(ref):
                if sha := _followed(repository, full, packed):
                    return Pointed(what=what, sha=sha)
    except plain.NotThere:
        return None
    except OSError as error:
        raise RepositoryError(f"the branches of the proposed repository of {name!r} can't be read: {error}") from error
    return None


def quoted(ref: str) -> str:
    """A name that somebody asked for, as a sentence can hold it."""
    return repr(brief(ref))


def _candidates(ref: str) -> list[tuple[str, str]]:
    short = ref.removeprefix("refs/")
    return [
        ("a branch", f"refs/heads/{short.removeprefix('heads/')}"),
        ("a tag", f"refs/tags/{short.removeprefix('tags/')}"),
        ("a name", f"refs/{short}"),
        ("a name", ref),
    ]


def _is_name(ref: str) -> bool:
    parts = ref.split("/")
    fits = len(ref.encode(errors="replace")) <= LONGEST and _FULL.fullmatch(ref) is not None
    return fits and all(part and not part.startswith(".") for part in parts)


def _followed(repository: int, full: str, packed: dict[str, str]) -> str | None:
    """The object that a name points to, over a few others such as HEAD does."""
    for _ in range(5):
        text = _text(repository, full) or packed.get(full, "")
        if WHOLE.fullmatch(text):
            return text
        full = text.removeprefix("ref: ")
        if full == text or not _is_name(full):
            return None
    return None


def _text(repository: int, full: str) -> str:
    """What the file of a name says, without its line's end; empty if there is none. Raises OSError."""
    first, *rest = full.split("/")
    if not rest:
        with plain.regular(repository, first) as descriptor:
            data = plain.contents(descriptor, LONGEST) if descriptor is not None else b""
        return data.decode(errors="replace").strip()
    try:
        with plain.inside(repository, first, first) as inner:
            return _text(inner, "/".join(rest))
    except RepositoryError:
        return ""


def _packed(repository: int) -> dict[str, str]:
    with plain.regular(repository, "packed-refs") as descriptor:
        data = plain.contents(descriptor, MOST_BYTES) if descriptor is not None else b""
    words = [line.split(" ", 1) for line in data.decode(errors="replace").split("\n") if line[:1] not in {"#", "^"}]
    return {pair[1].strip(): pair[0] for pair in words if len(pair) == 2}
