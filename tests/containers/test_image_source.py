"""Which image is there: told apart from what takes its place, and the same for as long as nothing does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from hyperhive.containers.image_source import ImageSource
from hyperhive.containers.tarball import Unpacked
from hyperhive.errors import ContainerError
from hyperhive.images.place import Place
from hyperhive.images.record import ImageRecord

RECORD = ImageRecord(hyperhive="1", python="3.11", suite="bookworm", built_at=1, packages={"git": "2"})


@pytest.fixture
def source(reactor: Any, tmp_path: Path) -> ImageSource:
    return ImageSource(reactor, tmp_path / "image", Unpacked(reactor, tmp_path / "images"))


def built(tree: Path, record: ImageRecord) -> Path:
    (tree / "etc").mkdir(parents=True)
    record.write(tree)
    return tree


def test_an_image_that_was_built_again_is_another(source: ImageSource, tmp_path: Path) -> None:
    built(source.path, RECORD)
    first = source.identity()
    Place(source.path).put(built(tmp_path / "new", evolve(RECORD, built_at=2)), replace=True)
    assert source.identity() != first


def test_an_image_that_was_moved_or_used_is_the_same(source: ImageSource, tmp_path: Path) -> None:
    built(source.path, RECORD)
    first = source.identity()
    source.path.rename(tmp_path / "moved")
    os.utime(tmp_path / "moved")
    assert source.at(tmp_path / "moved").identity() == first


def test_a_plain_tree_is_the_same_until_another_takes_its_place(source: ImageSource, tmp_path: Path) -> None:
    source.path.mkdir()
    first = source.identity()
    list(source.path.iterdir())
    assert source.identity() == first
    (tmp_path / "new").mkdir()
    source.path.rename(tmp_path / "old")
    (tmp_path / "new").rename(source.path)
    assert source.identity() != first


def test_a_tarball_is_the_same_until_it_is_written_again(source: ImageSource, tmp_path: Path) -> None:
    source.path.write_bytes(b"x")
    first = source.identity()
    assert source.identity() == first
    source.path.write_bytes(b"xy")
    assert source.identity() != first


def test_where_there_is_no_image_that_is_said(source: ImageSource) -> None:
    with pytest.raises(ContainerError, match=r"the image .*/image can't be read: No such file or directory"):
        source.identity()
