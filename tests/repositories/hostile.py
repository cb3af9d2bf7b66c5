"""What a hostile writer makes of the proposed repository, and a canary that tells what came of it."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from collections.abc import Iterable
from pathlib import Path

from attrs import define, field

from hyperhive.layout import Layout
from tests.repositories.manager import DEFAULT, NAME, Manager

SECRET = b"the secret of somebody else\n"
MEBIBYTE = 1024 * 1024
GIBIBYTE_OF_ZEROS = "4fce05a4e4ed8cefef2d99f32c519b2fd7841b74"
"""The name of the blob."""


@define(eq=False)
class Trap:
    """The proposed repository, what lies outside and must be left alone, and a program that must never be run."""

    manager: Manager
    layout: Layout
    outside: Path
    program: Path = field(init=False)
    git: Path = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.git = self.manager.work / ".git"
        self.outside.mkdir()
        (self.outside / "secret").write_bytes(SECRET)
        self.program = self.outside.parent / "program"
        self.program.write_text(f"#!/bin/sh\ntouch {self.outside}/ran\nexec cat\n")
        self.program.chmod(0o755)

    def neighbour(self) -> str:
        """Make another repository outside, which this one's writer must not get at; its commit."""
        work = self.outside / "repository"
        Manager(self.outside).git("init", "--quiet", "-b", "main", str(work))
        return Manager(work).commit({"agent.toml": SECRET})

    def blob(self, data: bytes) -> str:
        return self.manager.object("blob", data)

    def commit_of(self, entries: Iterable[tuple[str, bytes, str]], *words: str) -> str:
        """A commit of a tree with those entries (mode, name, object) beside a good `agent.toml`."""
        config = ("100644", b"agent.toml", self.blob(DEFAULT["agent.toml"]))
        return self.manager.commit_tree(self.tree([*entries, config]), *words)

    def tree(self, entries: Iterable[tuple[str, bytes, str]]) -> str:
        """A tree with those entries, sorted as git does."""
        rows = sorted(entries, key=lambda row: row[1] + (b"/" if row[0] == "40000" else b""))
        data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(sha) for mode, name, sha in rows)
        return self.manager.object("tree", data)

    def files(self, **files: bytes) -> str:
        return self.commit_of([("100644", name.encode(), self.blob(data)) for name, data in files.items()])

    def overwrite(self, sha: str, data: bytes) -> None:
        """Let the file of a loose object hold those bytes."""
        file = self.manager.loose(sha)
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_bytes(data)

    def put_pack(self, count: int, entries: bytes) -> Path:
        """Write a pack whose checksum is right, whatever is in it."""
        data = b"PACK" + (2).to_bytes(4, "big") + count.to_bytes(4, "big") + entries
        path = self.git / "objects" / "pack" / "pack-00.pack"
        path.write_bytes(data + hashlib.sha1(data).digest())
        return path

    def pack_all(self) -> Path:
        """Put all objects into one pack; the pack, which may be written."""
        self.manager.git("repack", "--quiet", "-a", "-d")
        [pack] = (self.git / "objects" / "pack").glob("*.pack")
        pack.chmod(0o644)
        return pack

    def check(self) -> None:
        """Nothing ran, nothing outside was read into what is ours or written, and nothing is left of the taking in."""
        assert not (self.outside / "ran").exists()
        assert (self.outside / "secret").read_bytes() == SECRET
        assert [path.name for path in self.layout.applications.iterdir()] == [NAME]
        applied = str(self.layout.applied(NAME))
        words = ["git", "--git-dir", applied, "cat-file", "--batch-all-objects", "--batch"]
        assert SECRET not in subprocess.run(words, capture_output=True, check=True).stdout
        subprocess.run(["git", "--git-dir", applied, "fsck", "--strict"], capture_output=True, check=True)


def loose(kind: str, data: bytes) -> bytes:
    """The file of a loose object."""
    return zlib.compress(f"{kind} {len(data)}\0".encode() + data)


def zeros(mebibytes: int, head: bytes = b"") -> bytes:
    """So many compressed mebibytes of zeros after the head, made without compressing them all."""
    first, block, last = zlib.compressobj(), zlib.compressobj(wbits=-15), zlib.compressobj(wbits=-15)
    begun = first.compress(head) + first.flush(zlib.Z_FULL_FLUSH)
    one = block.compress(bytes(MEBIBYTE)) + block.flush(zlib.Z_FULL_FLUSH)
    low, high = zlib.adler32(head) & 0xFFFF, zlib.adler32(head) >> 16
    high = (high + mebibytes * MEBIBYTE * low) % 65521
    return begun + one * mebibytes + last.flush() + (high << 16 | low).to_bytes(4, "big")


def entry(kind: int, size: int, compressed: bytes, base: bytes = b"") -> bytes:
    """One entry of a pack: 3 is a blob, 7 a delta against the object `base`."""
    first, size = kind << 4 | size & 15, size >> 4
    head = bytearray()
    while size:
        head.append(first | 128)
        first, size = size & 127, size >> 7
    return bytes([*head, first]) + base + compressed


def number(value: int) -> bytes:
    """A number as a delta has it."""
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
