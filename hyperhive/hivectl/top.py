"""`hivectl top`: what needs the operator, live on a terminal; where the daemon is gone it says so, and comes back."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any, Final

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.task import LoopingCall, deferLater

from hyperhive.hivectl import config_pages, overview, top_page
from hyperhive.hivectl.client import in_commands
from hyperhive.hivectl.errands import PATIENCE
from hyperhive.hivectl.overview import Standing
from hyperhive.hivectl.page import Line, Page, Table, Verbatim, View
from hyperhive.hivectl.reaching import RefusedError, UnreachableError, connect
from hyperhive.hivectl.screen import Screen
from hyperhive.hivectl.top_items import items
from hyperhive.hivectl.top_state import QUIT, State, Sure
from hyperhive.hivectl.top_terminal import Terminal
from hyperhive.protocols.asker import Asker, ConnectionGone
from hyperhive.wire import host_requests as ask
from hyperhive.wire.codec import WireError
from hyperhive.wire.host_requests import HostRequest
from hyperhive.wire.needs import is_for_operator, is_undecided
from hyperhive.wire.responses import HostResponse

AGAIN: Final = 1.0
"""Seconds until a daemon that is gone is looked for again."""
BREATH: Final = 0.1
"""Seconds between two looks, however much changes."""
LOOK: Final = 5.0
"""Seconds after which it is looked again, though nothing was heard: a daemon that hangs says nothing either."""
DRAW: Final = 1.0
_GONE: Final = (UnreachableError, ConnectionGone, WireError, RefusedError)


@define(eq=False)
class Top:
    """One run of it."""

    reactor: Any
    paths: Sequence[str]
    screen: Screen
    state: State = field(factory=State, init=False)
    _asker: Asker | None = field(default=None, init=False)
    _terminal: Terminal | None = field(default=None, init=False)
    _changed: Deferred[None] = field(factory=Deferred, init=False)
    _ended: Deferred[None] = field(factory=Deferred, init=False)
    _standing: Standing | None = field(default=None, init=False)

    async def run(self) -> None:
        """Show the hive until the operator has enough. Raises UnreachableError where no daemon is to be found."""
        (await connect(self.reactor, self.paths)).abort()
        with Terminal(self.reactor, self.screen.out, self._press, self._end) as self._terminal:
            before = signal.signal(signal.SIGWINCH, lambda *_: self.reactor.callFromThread(self._draw))
            beat, look = LoopingCall(self._draw), LoopingCall(self._wake)
            living = Deferred.fromCoroutine(self._live_on())
            living.addErrback(self._broke)
            try:
                for loop, seconds in ((beat, DRAW), (look, LOOK)):
                    loop.clock = self.reactor
                    loop.start(seconds).addErrback(self._broke)
                await self._ended
            finally:
                signal.signal(signal.SIGWINCH, before)
                for loop in (beat, look):
                    if loop.running:
                        loop.stop()
                living.cancel()

    async def _live_on(self) -> None:
        """Follow the daemon; where it goes away, look for it until it is back."""
        while True:
            try:
                await self._live()
            except _GONE as error:
                self.state.trouble = str(error)
            except TooLate:
                self.state.trouble = "the daemon does not answer"
            self._draw()
            await deferLater(self.reactor, AGAIN)

    async def _live(self) -> None:
        asker = follower = None
        try:
            asker = await connect(self.reactor, self.paths)
            follower = await connect(self.reactor, self.paths)
            await follower.follow(ask.Subscribe(), lambda _: self._wake()).addTimeout(PATIENCE, self.reactor)
            follower.when_lost().addCallback(lambda _: self._wake())
            self._asker = asker
            while not follower.gone:
                changed: Deferred[None] = Deferred()
                self._changed = changed
                await self._look(asker)
                await changed
                await deferLater(self.reactor, BREATH)
            raise ConnectionGone("the daemon closed the connection")
        finally:
            self._asker = None
            for one in (asker, follower):
                if one is not None:
                    one.abort()

    async def _look(self, asker: Asker) -> None:
        standing = Standing.of(await self._ask(asker, *overview.REQUESTS))
        if standing.other_approvals:
            (reply,) = await self._ask(asker, ask.Pending(all=True))
            waiting = filter(is_undecided, reply.approvals or ())
            standing = evolve(standing, approvals=sorted(waiting, key=lambda row: row.id))
        if standing.other_questions:
            (reply,) = await self._ask(asker, ask.Questions(all=True))
            rows = {row.id: row for row in (*standing.questions, *filter(is_for_operator, reply.questions or ()))}
            standing = evolve(standing, questions=[rows[id_] for id_ in sorted(rows)])
        self._standing, self.state.trouble = standing, None
        self._draw()

    async def _ask(self, asker: Asker, *requests: HostRequest) -> list[HostResponse]:
        asking = [asker.ask(request) for request in requests]
        replies = []
        try:
            for one in asking:
                reply: HostResponse = await one.addTimeout(PATIENCE, self.reactor)
                if not reply.ok:
                    raise RefusedError(reply.error or "the daemon refused, and did not say why.")
                replies.append(reply)
        finally:
            for one in asking:
                one.addErrback(lambda _: None)
        return replies

    def _press(self, key: str) -> None:
        what = self.state.press(key)
        if what == QUIT:
            self._end()
            return
        if what is not None:
            doing = self._do(what) if isinstance(what, Sure) else self._open(what)
            Deferred.fromCoroutine(doing).addErrback(self._broke)
        self._draw()

    async def _do(self, sure: Sure) -> None:
        """What the operator said yes to."""
        if await self._answer_to(sure.request) is not None:
            self.state.said = sure.done
            self._wake()
        self._draw()

    async def _open(self, key: str) -> None:
        """Show all of an item; of a commit that waits, what it changes too."""
        state, item = self.state, self.state.item
        if item is None:
            return
        state.open, state.scrolled, state.details = key, 0, item.details
        row = item.approval
        if row is not None and row.commit_ref:
            said = state.said
            reply = await self._answer_to(ask.Diff(row.id))
            if reply is not None and state.open == key:
                state.details = _lines(config_pages.diff(row.id)(reply, self._view()))
                state.said = said
                if reply.digest is not None:
                    state.looked_at[row.id] = reply.digest
        self._draw()

    async def _answer_to(self, request: HostRequest) -> HostResponse | None:
        """The answer; where there is none, the screen says why."""
        try:
            if self._asker is None:
                raise ConnectionGone("the daemon is not there; nothing was done")
            return (await self._ask(self._asker, request))[0]
        except (*_GONE, TooLate) as error:
            self.state.said = in_commands(str(error) or "the daemon did not answer in time")
            return None

    def _draw(self) -> None:
        if self._terminal is None or self._ended.called:
            return
        if self._standing is not None:
            self.state.take(items(self._standing, self._view()))
        self._terminal.draw(top_page.drawn(self.state, *self._terminal.size))

    def _view(self) -> View:
        return self.screen.view(self.reactor.seconds())

    def _wake(self) -> None:
        if not self._changed.called:
            self._changed.callback(None)

    def _end(self) -> None:
        if not self._ended.called:
            self._ended.callback(None)

    def _broke(self, failure: Any) -> None:
        if not failure.check(CancelledError) and not self._ended.called:
            self._ended.errback(failure)


def _lines(page: Page) -> list[Line | Verbatim]:
    return [part for part in page if not isinstance(part, Table) and isinstance(part, Line | Verbatim)]
