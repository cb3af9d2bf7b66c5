"""Images that are none, or are not there, are refused in a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hyperhive.errors import ContainerError
from tests.containers.tarballs import Tarball, tree

REFUSED = {
    "text": (b"hello\n", "is neither a directory nor a tarball; 'nspawn.image' takes a root tree, or one as .tar"),
    "nothing": (b"", "is neither a directory nor a tarball"),
    "cut": (None, "can't be unpacked: tar: Unexpected EOF in archive"),
    "gzip of nothing": (b"\x1f\x8b\x08", "can't be unpacked: gzip: stdin: unexpected end of file"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_no_tarball_is_refused(tarball: Tarball, what: str) -> None:
    content, sentence = REFUSED[what]
    tarball.path.write_bytes(tarball.path.read_bytes()[:2000] if content is None else content)
    with pytest.raises(ContainerError, match=sentence):
        await tree(tarball.source())
    assert not tarball.unpacked.exists() or tarball.trees() == []


async def test_a_tarball_of_something_else_is_refused(tarball: Tarball) -> None:
    tarball.pack(names=("usr", "version"))
    with pytest.raises(ContainerError, match="holds no /etc/passwd; it must hold a root tree, with its etc and usr at"):
        await tree(tarball.source())
    assert tarball.trees() == []


@pytest.mark.parametrize("point", ["run", "state", "applied"])
async def test_a_link_in_the_place_of_a_mount_point_is_refused(tarball: Tarball, point: str) -> None:
    (tarball.content / point).symlink_to("/tmp")
    tarball.pack()
    with pytest.raises(ContainerError, match=f"has a link at /{point}, where a directory must be"):
        await tree(tarball.source())


async def test_a_missing_program_is_named(tarball: Tarball, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball.pack("--zstd")
    (tmp_path / "bin").mkdir()
    for program in ("tar", "setpriv"):
        (tmp_path / "bin" / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ContainerError, match="can't be unpacked without 'zstd'; install it on this host"):
        await tree(tarball.source())


async def test_an_image_that_is_not_there_is_refused(tarball: Tarball) -> None:
    tarball.path.unlink()
    with pytest.raises(ContainerError, match=r"there is no image .*image\.tar; 'hivectl image build' makes one"):
        await tree(tarball.source())
