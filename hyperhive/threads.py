"""Work that blocks, done in a thread of the reactor's."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import deferToThreadPool

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(reactor: IReactorThreads, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """Call the function in a thread of the reactor's pool; fires with what it returns, or fails with what it raises."""
    return deferToThreadPool(reactor, reactor.getThreadPool(), function, *args, **kwargs)
