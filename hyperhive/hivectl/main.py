"""The program: from arguments to an exit status."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any, Final, NoReturn, TextIO

import click

from hyperhive.hivectl.errands import Chore, Errand, Home, Query, Reading, Settings, Watch, Work
from hyperhive.hivectl.places import candidates
from hyperhive.hivectl.screen import Screen, UnwritableError, written
from hyperhive.hivectl.tree import cli

INTERRUPTED: Final = 130


def main() -> int:
    """`hivectl`, with the arguments of this process; gives or raises its exit status."""
    # Imports leave no garbage, and looking for it would take a tenth of the time that a command takes.
    gc.disable()
    try:
        with written():
            return run(sys.argv[1:])
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except UnwritableError as error:
        Screen(sys.stdout, sys.stderr).complain(str(error))
        return 1
    finally:
        _let_go_of(sys.stdout)


def run(arguments: list[str]) -> int:
    """Read the command line and do what it says; gives the exit status, or raises it as SystemExit."""
    settings = Settings()
    try:
        errand = cli.main(arguments, "hivectl", standalone_mode=False, obj=settings)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    if isinstance(errand, Query | Work | Watch | Reading | Home | Chore):
        for stream in (sys.stdout, sys.stderr):
            _make_patient(stream, settings)
        if isinstance(errand, Chore):
            return errand.do(settings, Screen(sys.stdout, sys.stderr))
        _perform(errand, settings)
    return int(errand or 0)


def _perform(errand: Errand, settings: Settings) -> NoReturn:
    # Twisted comes in here: neither help nor completion nor a mistyped command waits for it.
    from twisted.internet import task

    task.react(_errand, (errand, settings, Screen(sys.stdout, sys.stderr)))


async def _errand(reactor: Any, errand: Errand, settings: Settings, screen: Screen) -> None:
    from twisted.internet.defer import Deferred

    from hyperhive.hivectl.client import Client

    gc.freeze()
    gc.enable()
    client = Client(reactor, candidates(settings.socket, os.environ), settings, screen)
    doing = Deferred.fromCoroutine(client.run(errand))
    reactor.addSystemEventTrigger("before", "shutdown", doing.cancel)
    if status := await doing:
        raise SystemExit(status)


def _make_patient(stream: TextIO, settings: Settings) -> None:
    """Let `stream` take every character; what its encoding lacks is spelled out, and `--json` is UTF-8 always."""
    reconfigure: Any = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8" if settings.json else None, errors="backslashreplace")


def _let_go_of(stream: TextIO) -> None:
    """Flush; should nobody take it any more, spare the reader Python's complaint about that."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
