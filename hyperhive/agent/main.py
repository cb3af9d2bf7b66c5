"""`hive-agent`: serve the agent's mail, or send, receive and ask once, from inside its container.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 no daemon, 4 no mail came.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import click

from hyperhive import __version__

if TYPE_CHECKING:
    from hyperhive.client import Hive, Letter
    from hyperhive.wire.responses import Identity

REFUSED: Final = 1
USAGE: Final = 2
NO_DAEMON: Final = 3
NO_MAIL: Final = 4


class Whole(click.IntRange):
    """A whole number that the wire can carry."""

    name = "whole number"


ID: Final = Whole(-(2**63), 2**63 - 1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hive-agent")
@click.option("--socket", "path", envvar="HIVE_SOCKET", metavar="PATH", help="The agent's socket [env: HIVE_SOCKET].")
@click.pass_context
def main(context: click.Context, path: str | None) -> None:
    """The hive from inside an agent's container.

    Exit status: 0 done, 1 refused, 2 wrong usage, 3 no daemon, 4 no mail came.
    """
    context.obj = path


@main.command()
@click.pass_obj
def serve(path: str | None) -> None:
    """Do a turn for every message, with the runner in HIVE_RUNNER: `command` or `claude`.

    `command` is HIVE_RUNNER_COMMAND: the body is its standard input, HIVE_FROM and HIVE_MESSAGE_ID say whose it is and
    its number, what it writes is the reply. A message is done when its turn ends well, and queued again otherwise.
    """
    from hyperhive.agent import program
    from hyperhive.agent.settings import WrongSetting, settings_in

    try:
        settings = settings_in(os.environ)
    except WrongSetting as error:
        leave(USAGE, str(error))
    sys.exit(program.serve(known(path), settings, os.environ))


@main.command()
@click.pass_obj
def mcp(path: str | None) -> None:
    """Serve the hive as tools for a coding agent, over standard input and output, until the input ends."""
    from hyperhive.agent.tools import program

    sys.exit(program.serve(known(path)))


@main.command()
@click.argument("to")
@click.argument("body")
@click.option("--in-reply-to", type=ID, metavar="ID", help="The message that this one answers.")
@click.pass_obj
def send(path: str | None, to: str, body: str, in_reply_to: int | None) -> None:
    """Send BODY (`-`: standard input) to an agent, `manager`, `operator`, or `*`; prints the message's number."""
    body = text(sys.stdin.buffer.read() if body == "-" else os.fsencode(body), "BODY")
    with hive(path) as daemon:
        sent = daemon.send(text(os.fsencode(to), "TO"), body, in_reply_to)
    for number in (sent.ids or ()) if sent.id is None else (sent.id,):
        click.echo(number)


@main.command()
@click.option("--wait", default=30, type=Whole(0, 180), show_default=True, help="Seconds to wait for mail.")
@click.option("--json", "as_json", is_flag=True, help="Print the message with sender and number as one JSON line.")
@click.pass_obj
def recv(path: str | None, wait: int, *, as_json: bool) -> None:
    """Take one message, print it, and acknowledge it once it is printed."""
    with hive(path) as daemon:
        for letter in daemon.recv(wait=wait, max=1):
            try:
                put(line(letter) if as_json else letter.body.removesuffix("\n").encode() + b"\n")
            except OSError as error:
                daemon.requeue([letter.id], spent=False)
                leave(REFUSED, f"message {letter.id} could not be written ({error.strerror}) and is queued again")
            daemon.ack([letter.id])
            return
    sys.exit(NO_MAIL)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON line.")
@click.pass_obj
def whoami(path: str | None, *, as_json: bool) -> None:
    """Whose socket this is, and the number of this start of the agent."""
    with hive(path) as daemon:
        me = daemon.whoami()
    put(line(me) if as_json else f"{me.name} ({me.role}) of {me.hive}, start {me.generation}\n".encode())


@main.command()
@click.argument("question")
@click.option("--option", "options", multiple=True, metavar="O", help="One of the answers to choose from.")
@click.option("--multi", is_flag=True, help="Several options may be chosen.")
@click.option("--ttl", type=Whole(1, 2**63 - 1), metavar="S", help="Seconds after which the question expires.")
@click.option("--json", "as_json", is_flag=True, help="Print the question's number as one JSON line.")
@click.pass_obj
def ask(
    path: str | None, question: str, options: tuple[str, ...], *, multi: bool, ttl: int | None, as_json: bool
) -> None:
    """Ask the operator. The answer comes as mail from `system` that carries the question's number.

    The number is told on standard error: what a runner writes to standard output becomes its reply.
    """
    question = text(os.fsencode(question), "QUESTION")
    chosen_from = [text(os.fsencode(option), "--option") for option in options]
    with hive(path) as daemon:
        number = daemon.ask_operator(question, chosen_from, multi=multi, ttl=ttl)
    click.echo(f"question {number} is asked", err=True)
    if as_json:
        put(b'{"id":%d}\n' % number)


@main.command()
@click.argument("status")
@click.pass_obj
def status(path: str | None, status: str) -> None:
    """Say what this agent is doing; the operator sees STATUS beside its name."""
    with hive(path) as daemon:
        daemon.set_status(text(os.fsencode(status), "STATUS"))


@contextmanager
def hive(path: str | None) -> Iterator[Hive]:
    """A connection; what goes wrong on it ends the program with one sentence."""
    from hyperhive import client

    try:
        with client.Hive(known(path)) as daemon:
            yield daemon
    except client.ConnectionGone as error:
        leave(NO_DAEMON, str(error))
    except (client.Refused, client.WireError) as error:
        leave(REFUSED, str(error))


def known(path: str | None) -> str:
    """The socket's path, without which nothing works."""
    if not path:
        leave(USAGE, "HIVE_SOCKET is not set; it must hold the path of the agent's socket, as it does inside an agent")
    return path


def text(given: bytes, what: str) -> str:
    """What was given as text."""
    try:
        return given.decode()
    except UnicodeDecodeError:
        leave(USAGE, f"{what} is not UTF-8; the hive carries nothing else")


def line(record: Letter | Identity) -> bytes:
    """A record as a line of JSON."""
    import orjson

    from hyperhive.wire.codec import plain

    return orjson.dumps(plain(record), option=orjson.OPT_APPEND_NEWLINE)


def put(written: bytes) -> None:
    """Write it to standard output, past Python's buffer: when this returns, it is written. Raises OSError."""
    while written:
        written = written[os.write(1, written) :]


def leave(status: int, sentence: str) -> NoReturn:
    """End with a sentence on standard error."""
    click.echo(f"hive-agent: {sentence}", err=True)
    sys.exit(status)
