"""What every test gets: a deadline, a look at what it left behind, and `async def` without a decorator."""

from __future__ import annotations

import functools
import gc
import inspect
import os
import signal
from collections.abc import Callable, Generator, Iterator
from typing import Any

import hypothesis
import pytest
import pytest_twisted
from twisted.internet import defer, task
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import provider

DEADLINE = 30.0

hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture
def logged() -> Iterator[list[Failure]]:
    """The failures logged so far; a test that expects one takes it out of the list."""
    failures: list[Failure] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            failures.append(event["log_failure"])

    globalLogPublisher.addObserver(observe)
    yield failures
    globalLogPublisher.removeObserver(observe)


@pytest.fixture(autouse=True)
def clean_reactor(logged: list[Failure]) -> Iterator[None]:
    """Fail a test that logged or dropped a failure, or left a delayed call or an open selectable."""
    before = _in_reactor()
    yield
    if _in_reactor() - before:
        # As in trial: a peer that was closed needs two turns to notice.
        pytest_twisted.blockon(defer.Deferred.fromCoroutine(_two_turns()))
    left = _in_reactor() - before
    faults = [f"left in the reactor: {it}" for it in left]
    _take_out(left)
    gc.collect()  # a Deferred logs its dropped failure when it is collected
    faults += [f"logged: {failure.getTraceback()}" for failure in logged]
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def pytest_configure() -> None:
    """Have SIGINT again: a shell's background job ignores it, and so would each program that a test starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Keep what was imported out of every later collection, which makes one a test affordable."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None]:
    """Run a coroutine as a Deferred, and cancel whatever Deferred outlives its deadline.

    pytest-timeout cannot do this: the exception of its signal is logged by the reactor and forgotten.
    """
    marker = pyfuncitem.get_closest_marker("deadline")
    seconds = marker.args[0] if marker else DEADLINE
    test = pyfuncitem.obj
    if given := getattr(test, "hypothesis", None):
        inner = given.inner_test
        given.inner_test = _with_deadline(inner, seconds)
        yield
        given.inner_test = inner
    else:
        pyfuncitem.obj = _with_deadline(test, seconds)
        yield
        pyfuncitem.obj = test


def _with_deadline(test: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """The same test; what it returns is None, or a Deferred that fires within `seconds`."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> Any:
        result = test(*args, **kwargs)
        if inspect.iscoroutine(result):
            result = defer.Deferred.fromCoroutine(result)
        if isinstance(result, defer.Deferred):
            result.addTimeout(seconds, _reactor(), onTimeoutCancel=functools.partial(_too_late, seconds=seconds))
        return result

    # pytest-twisted must not take the Deferred for a coroutine.
    vars(run).pop("_pytest_twisted_mark", None)
    return run


def _too_late(outcome: object, _timeout: float, *, seconds: float) -> None:
    where = outcome.getTraceback() if isinstance(outcome, Failure) else outcome
    pytest.fail(f"not done after {seconds:g} seconds; it stood at: {where}", pytrace=False)


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor


def _in_reactor() -> set[Any]:
    """The delayed calls and selectables in the reactor, without its own."""
    reactor = _reactor()
    everything = {*reactor.getDelayedCalls(), *reactor.getReaders(), *reactor.getWriters()}
    return everything - set(reactor._internalReaders)


async def _two_turns() -> None:
    await task.deferLater(_reactor(), 0)
    await task.deferLater(_reactor(), 0)


def _take_out(left: set[Any]) -> None:
    """Spare the next test what this one left."""
    reactor = _reactor()
    for it in left:
        if hasattr(it, "cancel"):
            it.cancel()
        else:
            reactor.removeReader(it)
            reactor.removeWriter(it)
