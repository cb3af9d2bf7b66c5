"""Daemons that die at a step of an operation: `python -m tests.contract.mortal`, told of each by a line of JSON.

One process imports what a daemon needs; each daemon is a fork of it, and the real `twistd` from there on, but that
every step of the operation which is named is counted, before it is done and while it is done. At the step that is its
last the daemon says which that is, and ends itself by SIGKILL.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Final

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

# What an operation does that can be seen from outside, or on disk. What only asks is left out: it leaves nothing.
COMMON: Final = (
    "hyperhive.store.database:Database.perform",
    "hyperhive.services.homes:make",
    "hyperhive.services.homes:purge",
    "hyperhive.sockets:Doors.open",
    "hyperhive.sockets:Doors.close",
    "hyperhive.services.launches:Launches.becomes_healthy",
    "hyperhive.repositories.repositories:Repositories.make",
    "hyperhive.repositories.repositories:Repositories.write_out",
    "hyperhive.repositories.repositories:Repositories.tag",
    "hyperhive.repositories.repositories:Repositories.move",
)
MACHINES: Final = (
    "hyperhive.containers.starts:write_start",
    "hyperhive.containers.commands:run",
    "hyperhive.containers.files:own",
    "hyperhive.containers.files:put",
    "hyperhive.containers.system_bus:SystemBus.start_transient",
    "hyperhive.containers.system_bus:SystemBus.start_unit",
    "hyperhive.containers.system_bus:SystemBus.stop_unit",
    "hyperhive.containers.system_bus:SystemBus.reset_failed",
    "hyperhive.containers.system_bus:SystemBus.reload",
    "hyperhive.threads:in_thread",
    "shutil:rmtree",
)
STEPS_OF: Final = {
    "local": (
        *COMMON,
        "hyperhive.threads:in_thread",
        "hyperhive.containers.keeping:runtime_directory",
        "hyperhive.containers.records:forget_exit",
        "hyperhive.containers.keeping:start_keeper",
        "hyperhive.containers.records:require_run",
    ),
    "nspawn": (*COMMON, *MACHINES),
    "nixos": MACHINES,  # which are slow, and between what is common to both
}
READS: Final = {f"Database.perform {change}" for change in ("should_run", "look_up", "_take_due")}


def main() -> None:
    """One daemon after the other, until there are no more lines."""
    for module in ("twisted.scripts._twistd_unix", "hyperhive.hive", "hyperhive.tap"):
        importlib.import_module(module)
    while line := sys.stdin.readline():
        task = json.loads(line)
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            run(task)
        print(f"daemon {pid} is born", flush=True)
        os.waitpid(pid, 0)
        print(f"daemon {pid} is gone", flush=True)


def run(task: dict[str, Any]) -> None:
    """Be the daemon of that task: `options`, `backend`, and the `agent`, the `kind` and the `step` to die at."""
    from twisted.scripts.twistd import run

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["twistd", "-n", "--pidfile=", "hyperhive", *task["options"]]
    watch(Death(task["agent"], task["kind"], task["step"]), STEPS_OF[task["backend"]])
    run()
    sys.stdout.flush()
    os._exit(0)


@define
class Death:
    """When to die: at that step of that kind of operation on that agent, counted from 1."""

    agent: str
    kind: str
    left: int

    def comes(self, step: str) -> bool:
        """Count this step; whether it is the last."""
        self.left -= 1
        if self.left == 0:
            os.write(1, f"dies {step}\n".encode())
        return self.left == 0


_COUNTED: ContextVar[bool] = ContextVar("_COUNTED", default=False)


def watch(death: Death, steps: tuple[str, ...]) -> None:
    """Have every step counted, within the operation alone."""
    from hyperhive.services.labour import Labour

    carry_out = Labour.carry_out

    async def counted(self: Labour, work: Any) -> Any:
        _COUNTED.set((work.agent, work.kind.value) == (death.agent, death.kind))
        try:
            return await carry_out(self, work)
        finally:
            _COUNTED.set(False)

    Labour.carry_out = counted  # type: ignore[method-assign]
    for step in steps:
        module, _, name = step.partition(":")
        importlib.import_module(module)
        *owners, last = name.split(".")
        owner = functools.reduce(getattr, owners, sys.modules[module])
        real = getattr(owner, last)
        replace(owner, last, real, _watched(death, name, real))


def replace(owner: Any, name: str, real: Callable[..., Any], watched: Callable[..., Any]) -> None:
    """Put it in the place of the real one, wherever in hyperhive that is known by its name."""
    setattr(owner, name, watched)
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("hyperhive.") and getattr(module, name, None) is real:
            setattr(module, name, watched)


def _watched(death: Death, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def watched(*args: Any, **kwargs: Any) -> Any:
        called = " ".join([name, *(part.__name__ for part in _functions(args))])
        if not _COUNTED.get() or called in READS:
            return real(*args, **kwargs)
        if death.comes(f"before {called}"):
            os.kill(os.getpid(), signal.SIGKILL)
        doing = real(*args, **kwargs)
        if inspect.iscoroutine(doing):
            doing = Deferred.fromCoroutine(doing)
        parts = doing if isinstance(doing, tuple) else (doing,)
        if any(isinstance(part, Deferred) for part in parts) and death.comes(f"in {called}"):
            Deferred.fromCoroutine(_die_soon())
        return doing

    return watched


async def _die_soon() -> None:
    """Once what was asked for has gone out: a write waits for the next turn of the reactor."""
    from twisted.internet import reactor

    for _ in range(2):
        await deferLater(reactor, 0, lambda: None)
    os.kill(os.getpid(), signal.SIGKILL)


def _functions(args: tuple[Any, ...]) -> Iterator[Callable[..., Any]]:
    return (arg for arg in (getattr(arg, "func", arg) for arg in args) if inspect.isfunction(arg))


if __name__ == "__main__":
    main()
