"""The console over HTTP: every request is looked at by the guard, answered by a page, and written as one answer."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from urllib.parse import parse_qs

from attrs import evolve
from jinja2 import Environment
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from hyperhive.dashboard import guard, pages  # noqa: F401 - the pages fill the table of routes
from hyperhive.dashboard.guard import HEADERS, Place
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, LetIn, NotFound, Page, find
from hyperhive.dashboard.services import Services
from hyperhive.dashboard.templating import render
from hyperhive.errors import HiveError
from hyperhive.wire.records import Session

OPEN: Final = ("/login", "/open")
"""The pages that need no session."""


class Console(Resource):
    """Everything but static files and the feed."""

    isLeaf = True
    _log: ClassVar[Logger] = Logger()

    def __init__(self, services: Services, place: Place, templates: Environment) -> None:
        super().__init__()
        self._services = services
        self._place = place
        self._templates = templates
        self._said: dict[int, str] = {}

    def render(self, request: Any) -> int:
        """Answer, once that is known."""
        answering = Deferred.fromCoroutine(self._answer(request))
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addErrback(self._broke, request)
        return NOT_DONE_YET

    async def _answer(self, request: Any) -> None:
        method, path = request.method.decode("ascii", "replace"), request.path.decode("utf-8", "replace")
        if not self._place.is_asked_for(request):
            return self._refuse(request, 421, None, f"this console is at {self._place.url}; ask for it by that name")
        key = guard.key_of(request)
        session = None if key is None else await self._services.sessions.of(key)
        if session is None and path not in OPEN:
            return self._refuse(request, 401, None, "you are not let in: run 'hivectl dashboard' and open its link")
        handler, arguments, known = find("GET" if method == "HEAD" else method, path)
        if handler is None:
            status = 405 if known else 404
            sentence = f"{path} takes no {method}" if known else f"there is no page {path}"
            return self._refuse(request, status, session, sentence)
        asked = Asked(
            path=path,
            services=self._services,
            session=session,
            client=request.getHeader("user-agent") or "a browser without a name",
            arguments=arguments,
            query=_decoded(_query(request)),
        )
        if method == "POST":
            asked = evolve(asked, form=_decoded(request.args))
            wrong = self._objection(request, key, asked)
            if wrong is not None:
                return self._refuse(request, 403, session, wrong)
        await self._give(request, key, asked, handler)
        return None

    def _objection(self, request: Any, key: str | None, asked: Asked) -> str | None:
        """Why that form may not be taken; None if it may."""
        if not self._place.sent(request):
            return "this form was not sent by a page of this console; open the page here and send it again"
        if asked.session is None:
            return None
        if key is None or not guard.is_token(key, asked.said(guard.TOKEN)):
            return "this form lacks its session's token; load the page again and send it from there"
        if asked.session.read_only:
            return "this session may look and not decide: 'hivectl dashboard' without --read-only opens one that may"
        return None

    async def _give(self, request: Any, key: str | None, asked: Asked, handler: Any) -> None:
        try:
            answer: Answer = await handler(asked)
        except NotFound as missing:
            return self._refuse(request, 404, asked.session, str(missing))
        except HiveError as refusal:
            return self._refuse(request, 409, asked.session, str(refusal), asked)
        if isinstance(answer, LetIn):
            request.addCookie(
                guard.COOKIE, answer.key, path=b"/", httpOnly=True, sameSite=b"strict", secure=self._place.secure
            )
            return self._write(request, 303, b"", location=b"/")
        if isinstance(answer, Elsewhere):
            if answer.said and asked.session is not None:
                self._said[asked.session.id] = answer.said
            return self._write(request, 303, b"", location=answer.path.encode())
        said = None if asked.session is None else self._said.pop(asked.session.id, None)
        return self._show(request, answer, asked.session, key, asked.path, said)

    def _refuse(
        self, request: Any, status: int, session: Session | None, sentence: str, asked: Asked | None = None
    ) -> None:
        """A page that says why; what was typed into a form is shown on it, so that nothing is lost."""
        typed = {} if asked is None else {name: values for name, values in asked.form.items() if name != guard.TOKEN}
        page = Page("refused.html", {"sentence": sentence, "status": status, "typed": typed}, status)
        self._show(request, page, session, None, request.path.decode("utf-8", "replace"), None)

    def _show(
        self, request: Any, page: Page, session: Session | None, key: str | None, path: str, said: str | None
    ) -> None:
        context = {
            "session": session,
            "token": None if key is None else guard.token_of(key),
            "path": path,
            "said": said,
            "hive": self._services.hive,
            **page.context,
        }
        self._write(request, page.status, render(self._templates, page.template, context))

    def _write(self, request: Any, status: int, body: bytes, location: bytes | None = None) -> None:
        request.setResponseCode(status)
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        if location is not None:
            request.setHeader(b"location", location)
        request.setHeader(b"content-length", b"%d" % len(body))
        if request.method != b"HEAD":
            request.write(body)
        request.finish()

    def _broke(self, failure: Any, request: Any) -> None:
        if failure.check(CancelledError):
            return
        self._log.failure("{method} {path} broke", failure, method=request.method, path=request.path)
        self._refuse(request, 500, None, "the console has a fault; the daemon's log says which")


def _query(request: Any) -> dict[bytes, list[bytes]]:
    return parse_qs(request.uri.partition(b"?")[2], keep_blank_values=True, max_num_fields=64)


def _decoded(fields: dict[bytes, list[bytes]]) -> dict[str, list[str]]:
    return {
        name.decode("utf-8", "replace"): [value.decode("utf-8", "replace").replace("\r\n", "\n") for value in values]
        for name, values in fields.items()
    }
