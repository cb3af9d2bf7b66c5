"""The console's own files: style, scripts, icon.

Their address names the version of them all, `/static/<version>/<name>`, so that browsers keep them: a script that
imports another by a relative name then has the one of its own version.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from attrs import field, frozen
from twisted.web.resource import Resource

from hyperhive.dashboard import plain

KEPT: Final = b"public, max-age=31536000, immutable"
KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@frozen
class File:
    """One file: its bytes, their kind, and the same bytes for those who take them packed."""

    content: bytes
    kind: str
    packed: bytes = field(init=False, repr=False)

    @packed.default
    def _pack(self) -> bytes:
        return gzip.compress(self.content, mtime=0)


def own_files() -> dict[str, File]:
    """Every file below `static`, by its path there."""
    found: dict[str, File] = {}
    folders = [("", files("hyperhive.dashboard") / "static")]
    while folders:
        before, folder = folders.pop()
        for entry in folder.iterdir():
            name = f"{before}{entry.name}"
            if entry.is_dir():
                folders.append((f"{name}/", entry))
            else:
                content = entry.read_bytes()
                kind = KINDS.get(name.rpartition(".")[2], "text/plain")
                found[name] = File(content, kind)
    return found


def version_of(own: Mapping[str, File]) -> str:
    """What tells these files from those of any other version."""
    digest = hashlib.sha256()
    for name in sorted(own):
        digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(own[name].content).digest())
    return digest.hexdigest()[:12]


class Files(Resource):
    """Answers below `/static/`; needs no session."""

    isLeaf = True

    def __init__(self, own: dict[str, File]) -> None:
        super().__init__()
        self._own = own
        self._version = version_of(own)

    def address(self, name: str) -> str:
        """Where a file is; KeyError if there is none of that name."""
        self._own[name]
        return f"/static/{self._version}/{name}"

    def render(self, request: Any) -> bytes:
        """The file, for ever."""
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return plain.refusal(request, 405, "a file takes GET and HEAD")
        version, _, name = b"/".join(request.postpath).decode("utf-8", "replace").partition("/")
        file = self._own.get(name)
        if file is None:
            return plain.refusal(request, 404, "there is no such file")
        if version == self._version:
            request.setHeader(b"cache-control", KEPT)
        request.setHeader(b"content-type", f"{file.kind}; charset=utf-8".encode())
        request.setHeader(b"vary", b"accept-encoding")
        content = file.content
        if _takes_gzip(request):
            request.setHeader(b"content-encoding", b"gzip")
            content = file.packed
        request.setHeader(b"content-length", b"%d" % len(content))
        return b"" if request.method == b"HEAD" else content


def _takes_gzip(request: Any) -> bool:
    """Whether it is named without conditions, as every browser does."""
    named = b",".join(request.requestHeaders.getRawHeaders(b"accept-encoding") or [])
    return b"gzip" in {one.strip() for one in named.lower().split(b",")}
