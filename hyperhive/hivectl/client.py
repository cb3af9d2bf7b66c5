"""Runs errands: asks the daemon, shows the pages, and knows with which status the program ends."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, DeferredQueue

from hyperhive.hivectl.errands import PATIENCE, Errand, Home, Query, Reading, Settings, Watch, Work
from hyperhive.hivectl.page import Line, Page, View
from hyperhive.hivectl.reaching import OperationError, RefusedError, UnreachableError, connect
from hyperhive.hivectl.screen import Screen, UnwritableError
from hyperhive.protocols.asker import Asker, ConnectionGone, WrongSocket
from hyperhive.wire.codec import HOST, WireError
from hyperhive.wire.host_requests import HostRequest
from hyperhive.wire.responses import HostResponse

DONE: Final = 0
REFUSED: Final = 1
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130

COMMANDS_FOR: Final = {
    "'config_log' lists": "'hivectl config log' lists",
    "'dead_letters' lists": "'hivectl dead-letters' lists",
    "'held' lists": "'hivectl held' lists",
    "'diff' shows": "'hivectl diff' shows",
    "'list' names": "'hivectl list' names",
    "'logs ": "'hivectl logs ",
    "'operations' with 'all' lists": "'hivectl operations --all' lists",
    "'pending' lists": "'hivectl pending' lists",
    "'questions' lists": "'hivectl questions' lists",
    "'sessions' lists": "'hivectl sessions' lists",
    "'turns' lists": "'hivectl turns' lists",
    "look at 'diff' again": "look at 'hivectl diff' again",
    "free text goes in 'text'": "free text goes in --text",
}

T = TypeVar("T")


@define(eq=False)
class Client:
    """One run of `hivectl`. `paths` are the sockets to try."""

    reactor: Any
    paths: Sequence[str]
    settings: Settings
    screen: Screen
    goes_on: str = field(default="", init=False)
    """What to say of work that is under way, should we leave it."""

    async def run(self, errand: Errand) -> int:
        """Do it; what went wrong is told on the screen. Gives the exit status; cancelling this is Ctrl-C."""
        try:
            await self._perform(errand)
        except CancelledError:
            if self.goes_on:
                self.screen.complain(f"interrupted; {self.goes_on}")
            return INTERRUPTED
        except (RefusedError, OperationError, UnwritableError, WrongSocket) as error:
            self.screen.complain(in_commands(str(error)))
            return REFUSED
        except WireError as error:
            self.screen.complain(f"the daemon's answer can't be read, is it of another version than hivectl? {error}")
            return REFUSED
        except (UnreachableError, ConnectionGone) as error:
            self.screen.complain("; ".join(filter(None, (str(error), self.goes_on))))
            return UNREACHABLE
        except BrokenPipeError:
            return DONE
        except Exception as error:  # noqa: BLE001 - a mistake of ours is told in a sentence too
            self.screen.complain(f"internal error, please report it: {type(error).__name__}: {error}")
            return REFUSED
        return DONE

    async def _perform(self, errand: Errand) -> None:
        match errand:
            case Query():
                await self._within(self._query(errand), self.settings.timeout or errand.patience)
            case Work():
                await self._within(self._work(errand), self.settings.timeout)
            case Watch():
                await self._watch(errand)
            case Reading():
                await self._read(errand)
            case Home():
                from hyperhive.hivectl.top import Top

                await Top(self.reactor, self.paths, self.screen).run()

    async def _query(self, errand: Query) -> None:
        asker = await self._connect()
        try:
            replies = await self._ask(asker, *errand.requests)
        finally:
            asker.abort()
        self._show(errand.page(replies, self._view()))

    async def _work(self, errand: Work) -> None:
        asker = await self._connect()
        try:
            if not errand.wait:
                self._show(_started((await self._ask(asker, errand.starting))[0]))
                return
            if errand.lasting is not None and not self._is_lively:
                await self._wait(asker, errand.lasting)
            else:
                await self._follow(asker, errand.starting)
        finally:
            asker.abort()
        self._show((Line(errand.done),))

    async def _wait(self, asker: Asker, request: HostRequest) -> None:
        self.goes_on = "the operation goes on, hivectl operations shows it"
        await self._ask(asker, request)

    async def _follow(self, asker: Asker, request: HostRequest) -> None:
        from hyperhive.hivectl.following import Spinner, all_ended

        numbers = _operations((await self._ask(asker, request))[0])
        if not numbers:
            return
        verb = "goes" if len(numbers) == 1 else "go"
        self.goes_on = f"{_named(numbers)} {verb} on, hivectl operations shows it"
        follower = await self._connect()
        try:
            with Spinner.on(self.screen, self.reactor, lively=self._is_lively) as spinner:
                lines = await all_ended(numbers, asker, follower, spinner)
        finally:
            follower.abort()
        if self.settings.json:
            for line in lines:
                self.screen.raw(line)

    async def _read(self, errand: Reading) -> None:
        from hyperhive.hivectl.reading import Reader

        async def answer(request: HostRequest) -> HostResponse:
            return (await self._within(self._ask(askers[0], request), self.settings.timeout or PATIENCE))[0]

        askers = [await self._connect()]
        try:
            reader = Reader(answer, self._show, self._view)
            if errand.follow:
                askers.append(await self._connect())
                await reader.subscribe(askers[1])
            await reader.read(errand.turn, follow=errand.follow, mail=not self.settings.json)
        finally:
            for asker in askers:
                asker.abort()

    async def _watch(self, errand: Watch) -> None:
        news: DeferredQueue[bytes | None] = DeferredQueue()
        follower = await self._within(self._subscribe(errand, news), self.settings.timeout or PATIENCE)
        try:
            while (line := await news.get()) is not None:
                if self.settings.json:
                    self.screen.raw(line)
                else:
                    self._show(errand.page(_understood(follower, line), self._view()))
        finally:
            follower.abort()
        raise UnreachableError("the daemon closed the connection; nothing more will be told.")

    async def _subscribe(self, errand: Watch, news: DeferredQueue[bytes | None]) -> Asker:
        follower = await self._connect()
        try:
            line = await follower.follow(errand.request, news.put)
            if self.settings.json:
                self.screen.raw(line)
            _understood(follower, line)
            if errand.before is not None:
                await self._query(errand.before)
        except BaseException:
            follower.abort()
            raise
        follower.when_lost().addCallback(lambda _: news.put(None))
        return follower

    async def _connect(self) -> Asker:
        return await connect(self.reactor, self.paths)

    async def _ask(self, asker: Asker, *requests: HostRequest) -> list[HostResponse]:
        """The answers to requests that are sent together. Raises RefusedError at the first that is refused."""
        under_way = [asker.ask_for_line(HOST.line_of_request(request)) for request in requests]
        replies = []
        try:
            for answered in under_way:
                line = await answered
                if self.settings.json:
                    self.screen.raw(line)
                replies.append(_understood(asker, line))
        finally:
            for answered in under_way:
                answered.addErrback(lambda _: b"")
        return replies

    def _within(self, doing: Coroutine[Any, Any, T], seconds: float | None) -> Deferred[T]:
        done = Deferred.fromCoroutine(doing)
        if seconds is not None:
            done.addTimeout(seconds, self.reactor, onTimeoutCancel=_too_late)
        return done

    @property
    def _is_lively(self) -> bool:
        return self.screen.is_lively and not self.settings.json

    def _show(self, page: Page) -> None:
        if not self.settings.json:
            self.screen.show(page)

    def _view(self) -> View:
        return self.screen.view(self.reactor.seconds())


def in_commands(sentence: str) -> str:
    """A sentence of the daemon, which points at verbs of the wire, with the commands for them."""
    for verb, command in COMMANDS_FOR.items():
        sentence = sentence.replace(verb, command)
    return sentence


def _understood(asker: Asker, line: bytes) -> HostResponse:
    reply: HostResponse = asker.read(line)
    if not reply.ok:
        raise RefusedError(reply.error or "the daemon refused, and did not say why.")
    return reply


def _operations(reply: HostResponse) -> list[int]:
    if reply.operations:
        return [row.id for row in reply.operations]
    return [] if reply.operation is None else [reply.operation]


def _named(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"operation {numbers[0]}"
    return f"operations {', '.join(map(str, numbers))}"


def _started(reply: HostResponse) -> Page:
    numbers = _operations(reply)
    told = f"Under way as {_named(numbers)}" if numbers else "Under way"
    return (Line(f"{told}: hivectl operations --all shows how it ends."),)


def _too_late(_outcome: object, seconds: float) -> None:
    raise UnreachableError(f"no end within {seconds:g} s; --timeout gives the daemon longer")
