"""What a request says, as text: its path, its query, its form. What is none is refused, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from hyperhive.dashboard.channel import LARGEST_FORM

MOST_FIELDS: Final = 1000
FORM: Final = "application/x-www-form-urlencoded"

Fields = Mapping[str, Sequence[str]]


class Unreadable(Exception):
    """A request that nobody can make sense of; the status and the sentence that say so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def header(request: Any, name: str) -> str | None:
    """The last value of a header, whatever bytes it is in; None if it is missing."""
    values = request.requestHeaders.getRawHeaders(name.encode())
    return values[-1].decode("utf-8", "replace") if values else None


def path_of(request: Any) -> str:
    """What is asked for, decoded. Raises Unreadable."""
    return _text(unquote_to_bytes(request.path), "the address")


def query_of(request: Any) -> Fields:
    """What stands behind the address's question mark. Raises Unreadable."""
    return _fields(request.uri.partition(b"?")[2], "the address's query")


def form_of(request: Any) -> Fields:
    """The fields of a form, with lines as everything else here ends them. Raises Unreadable."""
    if request.too_large:
        raise Unreadable(413, f"a form may hold {LARGEST_FORM // 1024} KiB, and this one holds more")
    content = request.content.read()
    kind = (header(request, "content-type") or "").partition(";")[0].strip().lower()
    if content and kind != FORM:
        raise Unreadable(415, f"a form is sent here as {FORM}, and not as {kind or 'nothing that has a name'}")
    return _fields(content, "the form")


def _fields(written: bytes, what: str) -> Fields:
    pairs = [pair.partition(b"=") for pair in written.replace(b"+", b" ").split(b"&", MOST_FIELDS) if pair]
    if len(pairs) > MOST_FIELDS:
        raise Unreadable(400, f"{what} has more than {MOST_FIELDS} fields")
    fields: dict[str, list[str]] = {}
    for name, _, value in pairs:
        text = _text(unquote_to_bytes(value), f"a field of {what}").replace("\r\n", "\n")
        fields.setdefault(_text(unquote_to_bytes(name), f"the name of a field of {what}"), []).append(text)
    return fields


def _text(written: bytes, what: str) -> str:
    try:
        return written.decode()
    except UnicodeDecodeError:
        raise Unreadable(400, f"{what} is no UTF-8") from None
