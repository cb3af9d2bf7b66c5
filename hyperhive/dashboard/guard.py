"""Who may ask what: by the host that was asked for, the session, and where a form was sent from."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen

COOKIE: Final = b"hive-session"
TOKEN: Final = "token"  # noqa: S105 - the name of a field
HEADERS: Final = {
    b"content-security-policy": b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    b"x-content-type-options": b"nosniff",
    # Under `no-referrer` browsers send forms with `Origin: null`, which no form of ours may have.
    b"referrer-policy": b"same-origin",
    b"cache-control": b"no-store",
    b"cross-origin-opener-policy": b"same-origin",
}
"""On every answer, refusals too."""


@frozen
class Place:
    """Where the console is, as browsers have to call it: `url` such as `http://hive.localhost:7000`."""

    url: str

    @property
    def host(self) -> str:
        """What a request must have as its `Host`."""
        return urlsplit(self.url).netloc

    @property
    def secure(self) -> bool:
        """Whether the cookie may travel by HTTPS alone."""
        return self.url.startswith("https:")

    def is_asked_for(self, request: Any) -> bool:
        """Whether the request names this place; one that was led here by a foreign name does not."""
        return (request.getHeader("host") or "") == self.host

    def sent(self, request: Any) -> bool:
        """Whether a form was sent by one of our own pages."""
        origin, site = request.getHeader("origin"), request.getHeader("sec-fetch-site")
        return origin == self.url and site in (None, "same-origin")


def key_of(request: Any) -> str | None:
    """The session's key that the browser shows."""
    value = request.getCookie(COOKIE)
    return value.decode("ascii", "replace") if value else None


def token_of(key: str) -> str:
    """What every form of that session carries: known to its own pages alone."""
    return hmac.new(key.encode(), b"form", hashlib.sha256).hexdigest()


def is_token(key: str, given: str | None) -> bool:
    """Whether a form carried the session's token."""
    return given is not None and hmac.compare_digest(token_of(key).encode(), given.encode())
