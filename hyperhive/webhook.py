"""The web hook: a notice as one HTTP request, as ntfy and what is like it take them."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Final

from attrs import define
from twisted.internet.interfaces import IReactorThreads

from hyperhive.services.notices import Notice, NotSent
from hyperhive.threads import in_thread

SECONDS: Final = 10.0
"""How long one request may take."""


@define(eq=False)
class WebHook:
    """Posts notices to `url`. `console` is where a tap on one leads to; None: nowhere."""

    _reactor: IReactorThreads
    _url: str
    _console: str | None

    async def send(self, notice: Notice) -> None:
        """Hand one over. Raises NotSent."""
        headers = {"Title": notice.title, "Priority": "high", "Content-Type": "text/plain; charset=utf-8"}
        if self._console is not None:
            headers["Click"] = self._console.rstrip("/") + notice.path
        await in_thread(self._reactor, _post, self._url, headers, notice.text.encode())


def _post(url: str, headers: dict[str, str], body: bytes) -> None:
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - http and https alone are set
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310 - likewise
            pass
    except (OSError, ValueError) as error:
        # The address may hold a secret: it stays out of the log.
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        message = f"the web hook's server did not take it ({reason})"
        raise NotSent(message) from error
