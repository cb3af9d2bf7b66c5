"""What objects will be once they are unpacked, told before git unpacks them: their sizes, and how many there are."""

from __future__ import annotations

import re
import zlib
from typing import Final

from attrs import define

from hyperhive.errors import RepositoryError

MOST_FILES: Final = 20_000
MOST_BYTES: Final = 64 * 1024 * 1024
MOST_PACKS: Final = 100
MOST_OBJECTS: Final = 100_000
LARGEST_OBJECT: Final = 16 * 1024 * 1024
MOST_UNPACKED: Final = 256 * 1024 * 1024
START_AFRESH: Final = "start its history afresh, and clear away what is left of the old one with 'git gc --prune=now'"

_LOOSE = re.compile(rb"(?:blob|tree|commit|tag) ([0-9]{1,15})\0")
_OFFSET_DELTA, _REF_DELTA = 6, 7
_CHUNK: Final = 4096


@define(eq=False)
class Scales:
    """What was seen of one repository so far, against what it may hold. Each method raises RepositoryError."""

    repository: str
    files: int = 0
    copied: int = 0
    packs: int = 0
    objects: int = 0
    unpacked: int = 0

    def see(self, files: int) -> None:
        """Count files in its directories of objects."""
        self.files += files
        self._hold(self.files, MOST_FILES, "files of objects")

    def copy(self, size: int) -> None:
        """Count the bytes of a file."""
        self.copied += size
        self._hold(self.copied, MOST_BYTES, "bytes of objects")

    def loose(self, file: bytes) -> str | None:
        """Count the object that the file of a loose one holds; what is wrong with it, if it is not to be copied."""
        try:
            found = _LOOSE.match(zlib.decompressobj().decompress(file[:256], 64))
        except zlib.error:
            found = None
        if found is None:
            return "is damaged"
        size = int(found[1])
        if size > LARGEST_OBJECT:
            return f"is {size} bytes large, and {LARGEST_OBJECT} are the most"
        self._count(size)
        return None

    def pack(self, file: bytes) -> None:
        """Count the objects of a pack."""
        self.packs += 1
        self._hold(self.packs, MOST_PACKS, "packs; 'git gc' makes one of them")
        if file[:4] != b"PACK" or len(file) < 32:
            raise self._damaged()
        count = int.from_bytes(file[8:12], "big")
        self.objects += count
        self._hold(self.objects, MOST_OBJECTS, "objects")
        entries, position = memoryview(file)[:-20], 12
        for _ in range(count):
            position = self._entry(entries, position)

    def _entry(self, pack: memoryview, position: int) -> int:
        """Count the entry of a pack that begins there; where the next one does."""
        try:
            kind = pack[position] >> 4 & 7
            size, position = _number(pack, position, first_bits=4)
            if kind == _OFFSET_DELTA:
                _, position = _number(pack, position)
            elif kind == _REF_DELTA:
                position += 20
            self._count(size)
            head, position = _inflated(pack, position, size)
            if kind in {_OFFSET_DELTA, _REF_DELTA}:
                _, at = _number(memoryview(head), 0)
                self._count(_number(memoryview(head), at)[0])
        except (IndexError, ValueError, zlib.error) as error:
            raise self._damaged() from error
        return position

    def _count(self, size: int) -> None:
        if size > LARGEST_OBJECT:
            raise RepositoryError(
                f"{self.repository} holds an object of {size} bytes, and {LARGEST_OBJECT} are the most: {START_AFRESH}"
            )
        self.unpacked += size
        self._hold(self.unpacked, MOST_UNPACKED, "bytes of unpacked objects")

    def _hold(self, number: int, most: int, what: str) -> None:
        if number > most:
            raise RepositoryError(f"{self.repository} holds more than {most} {what}: {START_AFRESH}")

    def _damaged(self) -> RepositoryError:
        return RepositoryError(f"{self.repository} holds a damaged pack; 'git fsck' there tells more")


def _number(data: memoryview, position: int, first_bits: int = 7) -> tuple[int, int]:
    """A number that ends with the first byte below 128, lowest bits first; and the position after it."""
    number, shift = data[position] & (1 << first_bits) - 1, first_bits
    while data[position] & 128:
        position += 1
        number |= (data[position] & 127) << shift
        shift += 7
        if shift > 63:
            raise ValueError(number)
    return number, position + 1


def _inflated(data: memoryview, position: int, size: int) -> tuple[bytes, int]:
    """The first bytes of a compressed stream that must give `size` bytes; and the position after it."""
    stream = zlib.decompressobj()
    head, produced = b"", 0
    while not stream.eof:
        chunk = data[position : position + _CHUNK]
        if not chunk:
            raise ValueError(position)
        part = stream.decompress(chunk)  # a thousandfold at most
        head = head or part[:32]
        produced += len(part)
        position += len(chunk) - len(stream.unused_data)
        if produced > size:
            raise ValueError(produced)
    if produced != size:
        raise ValueError(produced)
    return head, position
