"""Who may ask what: by the host that was asked for, the session, and where a form was sent from."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen

from hyperhive.limits import SESSION_SECONDS
from hyperhive.origins import PORTS

COOKIE: Final = b"hive-session"
ELSEWHERE: Final = "the console does not go by this name; run 'hivectl dashboard' on the host, and open its link"
"""What is said to who asks by another name: never the right one, as whoever knows it can be sent the cookie."""
TOKEN: Final = "token"  # noqa: S105 - the name of a field
SECRET: Final = (TOKEN, "word", "login")
"""Fields that are shown to nobody again."""
HEADERS: Final = {
    b"content-security-policy": b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    b"x-content-type-options": b"nosniff",
    # With 'no-referrer' browsers would send our own forms as if from nowhere: 'Origin: null'.
    b"referrer-policy": b"same-origin",
    b"cache-control": b"no-store",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}
"""On every answer, refusals too."""


@frozen
class Place:
    """Where the console is, as browsers have to call it: `url` such as `http://hive-0123456789abcdef.localhost:7000`."""

    url: str

    @property
    def secure(self) -> bool:
        """Whether the cookie may travel by HTTPS alone."""
        return self.url.startswith("https:")

    def is_asked_for(self, request: Any) -> bool:
        """Whether the request names this place, once; one that was led here by a foreign name does not."""
        values = request.requestHeaders.getRawHeaders(b"host") or []
        scheme, _, own = self.url.partition("://")
        if len(values) != 1:
            return False
        return _named(scheme, values[0].decode("ascii", "replace")) == _named(scheme, own)

    def sent(self, request: Any) -> bool:
        """Whether a form was sent by one of our own pages.

        Every browser that can show them says so by `Origin`; what does not is no browser, and is refused.
        """
        origins = request.requestHeaders.getRawHeaders(b"origin") or []
        sites = request.requestHeaders.getRawHeaders(b"sec-fetch-site") or []
        return origins == [self.url.encode()] and sites in ([], [b"same-origin"])

    def give_cookie(self, request: Any, key: str) -> None:
        """Have the browser keep the key of its session."""
        request.addCookie(
            COOKIE, key,
            path=b"/", httpOnly=True, sameSite=b"strict", secure=self.secure, max_age=b"%d" % SESSION_SECONDS,
        )  # fmt: skip


def _named(scheme: str, host: str) -> tuple[str, int] | None:
    """A host and its port, of which one may be left out and the other written in any case; None if it is no such."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return None
    if parts.hostname is None or parts.netloc != host or "@" in host:
        return None
    return parts.hostname, PORTS[scheme] if port is None else port


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
