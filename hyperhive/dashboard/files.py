"""The console's own files: style, script, icon. An address names what is in the file, so that browsers keep it."""

from __future__ import annotations

import hashlib
import mimetypes
from importlib.resources import files
from typing import Any, Final

from attrs import frozen
from twisted.web.resource import Resource

from hyperhive.dashboard.guard import HEADERS

KEPT: Final = b"public, max-age=31536000, immutable"


@frozen
class File:
    """One file: its bytes, their kind, and what tells this version from others."""

    content: bytes
    kind: str
    version: str


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
                kind = mimetypes.guess_type(name)[0] or "text/plain"
                found[name] = File(content, kind, hashlib.sha256(content).hexdigest()[:12])
    return found


class Files(Resource):
    """Answers below `/static/`; needs no session."""

    isLeaf = True

    def __init__(self, own: dict[str, File]) -> None:
        super().__init__()
        self._own = own

    def render_GET(self, request: Any) -> bytes:
        """The file, for ever."""
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        file = self._own.get("/".join(part.decode("utf-8", "replace") for part in request.postpath))
        if file is None:
            request.setResponseCode(404)
            request.setHeader(b"content-type", b"text/plain")
            return b"there is no such file\n"
        request.setHeader(b"cache-control", KEPT)
        request.setHeader(b"content-type", f"{file.kind}; charset=utf-8".encode())
        return file.content
