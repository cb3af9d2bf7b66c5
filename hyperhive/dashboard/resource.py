"""The console over HTTP: every request is looked at by the guard, answered by a page, and written as one answer."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, ClassVar, Final

from attrs import define, evolve, field
from jinja2 import Environment
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from hyperhive.dashboard import guard, pages, reading, retry  # noqa: F401 - the pages fill the table of routes
from hyperhive.dashboard.guard import Place
from hyperhive.dashboard.pointing import in_pages
from hyperhive.dashboard.reading import Unreadable, header
from hyperhive.dashboard.routes import Answer, Asked, LetIn, NotFound, Page, find, methods
from hyperhive.dashboard.services import Services
from hyperhive.dashboard.templating import render
from hyperhive.errors import DatabaseTrouble, HiveError
from hyperhive.wire.records import Session

OPEN: Final = ("/login", "/open")
"""The pages that need no session."""
LEAVE: Final = "/leave"
"""What a session that may only look may do all the same."""
_AGAIN: Final = (409, 503)
"""What a form may be sent again after, once it is mended or the trouble is over."""
MOST_SAID: Final = 100
LONGEST_SAID: Final = 1000


@define(eq=False)
class Exchange:
    """One request and, as far as it is known yet, who asks. What changed after `seq` may be missing on the page.

    `content` is what came with it: Twisted forgets that when the browser goes away, and what was sent is done.
    """

    request: Any
    seq: int
    content: bytes = b""
    path: str = "/"
    key: str | None = None
    session: Session | None = None
    typed: reading.Fields = field(factory=dict)
    over: bool = False

    @property
    def method(self) -> str:
        """What it wants done, such as `GET`."""
        return str(self.request.method.decode("ascii", "replace"))

    @property
    def decides(self) -> bool:
        """Whether who asks may decide; who may not has no token, and is shown no form."""
        return self.session is not None and not self.session.read_only

    @property
    def part(self) -> bool:
        """Whether an open page asks, to renew its parts, and no person."""
        return header(self.request, "x-part") is not None


class Console(Resource):
    """Everything but static files and the feed."""

    isLeaf = True
    _log: ClassVar[Logger] = Logger()

    def __init__(self, services: Services, place: Place, templates: Environment) -> None:
        super().__init__()
        self._services = services
        self._place = place
        self._templates = templates
        self._said: OrderedDict[int, str] = OrderedDict()

    def render(self, request: Any) -> int:
        """Answer, once that is known. A decision is carried out to its end, whether or not the browser waits."""
        exchange = Exchange(request, self._services.changes.feed.seq, request.content.read())
        answering = Deferred.fromCoroutine(self._answer(exchange))

        def gone(_: object) -> None:
            exchange.over = True
            if exchange.method != "POST":
                answering.cancel()

        request.notifyFinish().addErrback(gone)
        answering.addErrback(self._broke, exchange)
        answering.addErrback(lambda failure: self._log.failure("the console could not say what broke", failure))
        return NOT_DONE_YET

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._decide(exchange)
        except Unreadable as wrong:
            self._refuse(exchange, wrong.status, str(wrong))
        except NotFound as missing:
            self._refuse(exchange, 404, str(missing))
        except DatabaseTrouble as trouble:
            self._refuse(exchange, 503, str(trouble))
        except HiveError as refusal:
            self._refuse(exchange, 409, str(refusal))

    async def _decide(self, exchange: Exchange) -> None:
        request, method = exchange.request, exchange.method
        if not self._place.is_asked_for(request):
            return self._refuse(exchange, 421, guard.ELSEWHERE)
        path = exchange.path = reading.path_of(request)
        exchange.key = guard.key_of(request)
        if exchange.key is not None:
            exchange.session = await self._services.sessions.of(exchange.key, counts=not exchange.part)
        if exchange.session is None:
            exchange.key = None
            if path not in OPEN:
                return self._refuse(exchange, 401, "run 'hivectl dashboard' on the host, and open its link")
        else:
            request.is_let_in()
        handler, arguments = find("GET" if method == "HEAD" else method, path)
        if handler is None:
            return self._miss(exchange)
        asked = Asked(
            path=path,
            services=self._services,
            session=exchange.session,
            client=header(request, "user-agent") or "a browser without a name",
            part=exchange.part,
            arguments=arguments,
            query=reading.query_of(request),
        )
        if method == "POST":
            asked = evolve(asked, form=reading.form_of(request, exchange.content))
            wrong = self._objection(exchange, asked)
            exchange.typed = asked.form
            if wrong is not None:
                return self._refuse(exchange, 403, wrong)
        return self._give(exchange, await handler(asked))

    def _miss(self, exchange: Exchange) -> None:
        known = methods(exchange.path)
        if not known:
            return self._refuse(exchange, 404, f"there is no page {exchange.path}")
        exchange.request.setHeader(b"allow", ", ".join(known).encode())
        return self._refuse(exchange, 405, f"{exchange.path} takes {' and '.join(known)}, and no {exchange.method}")

    def _objection(self, exchange: Exchange, asked: Asked) -> str | None:
        """Why that form may not be taken; None if it may."""
        if not self._place.sent(exchange.request):
            return "this form was not sent by a page of this console; open the page here and send it again"
        if exchange.session is None or asked.path in OPEN:
            return None
        if exchange.key is None or not guard.is_token(exchange.key, asked.said(guard.TOKEN)):
            return "this form lacks its session's token; load the page again and send it from there"
        if exchange.session.read_only and asked.path != LEAVE:
            return "this session may look and not decide: 'hivectl dashboard' without --read-only opens one that may"
        return None

    def _give(self, exchange: Exchange, answer: Answer) -> None:
        if isinstance(answer, Page):
            return self._show(exchange, answer, self._hear(exchange))
        if isinstance(answer, LetIn):
            self._place.give_cookie(exchange.request, answer.key)
            return self._write(exchange, 303, b"", location="/")
        if answer.said and exchange.session is not None:
            self._say(exchange.session.id, answer.said)
        return self._write(exchange, 303, b"", location=answer.path)

    def _say(self, session: int, sentence: str) -> None:
        """Keep a sentence for the page that the browser is led to. Of many sessions that never look, few are kept."""
        self._said[session] = sentence[:LONGEST_SAID]
        self._said.move_to_end(session)
        if len(self._said) > MOST_SAID:
            self._said.popitem(last=False)

    def _hear(self, exchange: Exchange) -> str | None:
        if exchange.session is None or exchange.part or exchange.method != "GET":
            return None
        return self._said.pop(exchange.session.id, None)

    def _refuse(self, exchange: Exchange, status: int, sentence: str) -> None:
        """A page that says why; what was typed into a form is on it, so that nothing is lost, to be sent again.

        Only what this console's own page sent gets a new token: a foreign one would have the operator press its button.
        """
        template = "login.html" if status == 401 else "refused.html"
        sentence, pointers = in_pages(sentence)
        posted, referer = exchange.method == "POST", header(exchange.request, "referer")
        context = {
            "sentence": sentence,
            "pointers": pointers,
            "status": status,
            "typed": retry.fields(exchange.typed),
            "hidden": list(retry.hidden(exchange.typed)),
            "again": status in _AGAIN,
            "before": retry.page_before(self._place.url, referer, exchange.path) if posted else None,
        }
        self._show(exchange, Page(template, context, status), None)

    def _show(self, exchange: Exchange, page: Page, said: str | None) -> None:
        token = guard.token_of(exchange.key) if exchange.key else None
        context = {
            "session": exchange.session,
            "token": token if exchange.decides else None,
            "own_token": token,
            "path": exchange.path,
            "said": said,
            "hive": self._services.hive,
            "seq": exchange.seq,
            "now": self._services.broker.now(),
            "trouble": str(self._services.broker.database.trouble or ""),
            **page.context,
        }
        self._write(exchange, page.status, render(self._templates, page.template, context))

    def _write(self, exchange: Exchange, status: int, body: bytes, location: str | None = None) -> None:
        request = exchange.request
        if exchange.over:
            return
        exchange.over = True
        request.setResponseCode(status)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        if location is not None:
            request.setHeader(b"location", location.encode())
        request.setHeader(b"content-length", b"%d" % len(body))
        if request.method != b"HEAD":
            request.write(body)
        request.finish()

    def _broke(self, failure: Any, exchange: Exchange) -> None:
        if failure.check(CancelledError) and exchange.over:
            return
        self._log.failure("{method} {path} broke", failure, method=exchange.method, path=exchange.path)
        self._refuse(exchange, 500, "the console has a fault; the daemon's log says which")
