"""Answers that are no pages: a sentence as plain text."""

from __future__ import annotations

from typing import Any


def refusal(request: Any, status: int, sentence: str) -> bytes:
    """The body of a refusal; status and kind are set on the request."""
    body = f"{sentence}\n".encode()
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    request.setHeader(b"content-length", b"%d" % len(body))
    return body
