"""Commands about messages."""

from __future__ import annotations

import sys

import click

from hyperhive.hivectl import completion
from hyperhive.hivectl.errands import Query, deed, query
from hyperhive.hivectl.mail_pages import dead_letters as dead_letters_page
from hyperhive.hivectl.mail_pages import held as held_page
from hyperhive.hivectl.mail_pages import inbox as inbox_page
from hyperhive.hivectl.mail_pages import messages as messages_page
from hyperhive.hivectl.mail_pages import sent
from hyperhive.hivectl.verbs import COUNT, ID, agent_names, numbered, recipients, verb
from hyperhive.wire import host_requests as ask
from hyperhive.wire import host_turn_requests


@verb("send")
@click.argument("to", metavar="TO", shell_complete=recipients)
@click.argument("body", metavar="BODY")
@click.option("--reply-to", metavar="ID", type=ID, help="The message that this one answers.")
def send(to: str, body: str, reply_to: int | None) -> Query:
    """Send a message as the operator.

    TO is an agent, manager, or '*' for everyone; the BODY '-' is read from standard input.
    """
    return query(ask.Send(to, _standard_input() if body == "-" else body, reply_to), sent)


@verb("inbox")
@click.option("-n", "--limit", type=COUNT, default=20, show_default=True, help="How many.")
def inbox(limit: int) -> Query:
    """Show the last messages to the operator, newest first."""
    return query(ask.Inbox(limit), inbox_page)


@verb("messages")
@click.option("--agent", metavar="NAME", shell_complete=agent_names, help="Only those from or to this one.")
@click.option("-n", "--limit", type=COUNT, default=20, show_default=True, help="How many.")
@click.option("--before", metavar="ID", type=ID, help="Only those older than this one.")
def messages(agent: str | None, limit: int, before: int | None) -> Query:
    """Show the last messages of the hive, newest first."""
    return query(ask.Messages(limit, agent, before), messages_page)


@verb("held")
def held() -> Query:
    """List the conversations between agents that are held."""
    return query(host_turn_requests.Held(), held_page)


@verb("release")
@numbered(completion.held, "THREAD")
def release(number: int) -> Query:
    """Let the mail of a held conversation go, and the agents in it go on."""
    return deed(host_turn_requests.Release(number), f"Conversation {number} is released.")


@verb("dead-letters")
def dead_letters() -> Query:
    """List the messages that were given up."""
    return query(ask.DeadLetters(), dead_letters_page)


@verb("requeue")
@numbered(completion.dead_letters)
def requeue(number: int) -> Query:
    """Queue a dead letter again."""
    return deed(ask.Requeue(number), f"Message {number} is queued again.")


COMMANDS = (send, inbox, messages, held, release, dead_letters, requeue)


def _standard_input() -> str:
    if sys.stdin is None:
        raise click.UsageError("Standard input is closed; give the BODY as an argument.")
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise click.UsageError("Standard input is not UTF-8, and a message must be.") from None
    except OSError as error:
        raise click.UsageError(f"Standard input can't be read: {error.strerror}.") from None
