"""An image takes its place whole, and what it replaces is kept while it is in use."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from hyperhive.images.place import Place
from hyperhive.images.record import RECORD, ImageError, ImageRecord

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its root directory")


def image(tree: Path, version: str = "1") -> Path:
    (tree / RECORD).parent.mkdir(parents=True)
    ImageRecord(hyperhive=version, python="3.11.2", suite="bookworm", built_at=0, packages={}).write(tree)
    return tree


def version(tree: Path) -> str:
    return ImageRecord.read(tree).hyperhive


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@contextmanager
def running_on(tree: Path) -> Iterator[Path]:
    """A process that has the image as its root; gives the file in which it finds the record."""
    program = "import os, sys; os.chroot(sys.argv[1]); print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, tree], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield Path(f"/proc/{process.pid}/root") / RECORD
        process.stdin.close()


def test_a_new_image_takes_an_empty_place(tmp_path: Path) -> None:
    place = Place(tmp_path / "image")
    with place.workshop() as workshop:
        assert place.put(image(workshop / "tree"), replace=False) is None
    assert version(place.image) == "1"
    assert names(tmp_path) == ["image"]


def test_a_new_image_takes_the_place_of_an_old_one_that_nobody_uses(tmp_path: Path) -> None:
    place = Place(image(tmp_path / "image"))
    with place.workshop() as workshop:
        assert place.put(image(workshop / "tree", "2"), replace=True) is None
    assert version(place.image) == "2"
    assert names(tmp_path) == ["image"]


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    place = Place(image(tmp_path / "image"))
    with suppress(ZeroDivisionError), place.workshop() as workshop:
        image(workshop / "tree", "2")
        raise ZeroDivisionError
    assert version(place.image) == "1"
    assert names(tmp_path) == ["image"]


def test_an_image_that_came_meanwhile_is_not_replaced_without_leave(tmp_path: Path) -> None:
    place = Place(tmp_path / "image")
    with place.workshop() as workshop:
        image(place.image)
        with pytest.raises(ImageError, match="holds an image already"):
            place.put(image(workshop / "tree", "2"), replace=False)
    assert version(place.image) == "1"


def test_nothing_but_an_image_is_ever_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    for there in (tmp_path, tmp_path / "precious"):
        with pytest.raises(ImageError, match="holds something that is no image of ours"):
            Place(there).check(replace=True)


def test_one_builds_at_a_time(tmp_path: Path) -> None:
    place = Place(tmp_path / "image")
    with (
        place.workshop() as workshop,
        pytest.raises(ImageError, match=r"another build .* is under way"),
        place.workshop(),
    ):
        pass
    assert not workshop.exists()


def test_a_new_image_waits_for_who_copies_the_old_one(tmp_path: Path) -> None:
    place = Place(image(tmp_path / "image"))
    copying = os.open(place.image, os.O_RDONLY)
    fcntl.flock(copying, fcntl.LOCK_SH)
    with place.workshop() as workshop:
        waiting = Thread(target=place.put, args=(image(workshop / "tree", "2"),), kwargs={"replace": True})
        waiting.start()
        assert version(place.image) == "1"
        os.close(copying)
        waiting.join()
        assert version(place.image) == "2"


@ROOT_ONLY
def test_an_image_that_something_runs_on_is_kept_until_that_ends(tmp_path: Path) -> None:
    place = Place(image(tmp_path / "image"))
    with running_on(place.image) as seen:
        with place.workshop() as workshop:
            kept = place.put(image(workshop / "tree", "2"), replace=True)
        assert kept is not None
        with place.workshop() as workshop:
            assert place.put(image(workshop / "tree", "3"), replace=True) is None
        assert names(tmp_path) == [kept.name, "image"]
        assert '"hyperhive": "1"' in seen.read_text()
    with place.workshop():
        assert not kept.exists()


@ROOT_ONLY
def test_the_old_image_of_a_build_killed_in_the_last_moment_is_kept_too(tmp_path: Path) -> None:
    place = Place(image(tmp_path / "image"))
    with running_on(place.image) as seen:
        left = tmp_path / ".image.building" / "tree"
        left.parent.mkdir()
        place.image.rename(left)
        image(place.image, "2")
        with place.workshop() as workshop:
            assert names(workshop) == []
        assert '"hyperhive": "1"' in seen.read_text()
