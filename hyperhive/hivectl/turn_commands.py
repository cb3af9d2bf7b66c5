"""Commands about what agents do in their turns, and orders to the programs that run them."""

from __future__ import annotations

import sys

import click

from hyperhive.hivectl import completion
from hyperhive.hivectl.errands import ORDER_PATIENCE, Query, Reading, deed, query
from hyperhive.hivectl.turn_pages import turns as turns_page
from hyperhive.hivectl.verbs import COUNT, ID, agent_names, numbered, one_agent, verb
from hyperhive.wire import host_turn_requests as ask
from hyperhive.wire.host_requests import HostRequest


@verb("turns")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=agent_names)
@click.option("-n", "--limit", type=COUNT, default=20, show_default=True, help="How many.")
@click.option("--before", metavar="ID", type=ID, help="Only those older than this one.")
def turns(name: str | None, limit: int, before: int | None) -> Query:
    """List the last turns of an agent, or of all, newest first."""
    return query(ask.Turns(limit, name, before), turns_page)


@verb("turn")
@numbered(completion.turns)
@click.option("--follow", "-f", is_flag=True, help="Go on with what its runner writes, until it has ended.")
def turn(number: int, *, follow: bool) -> Reading:
    """Show one turn: what it was about, what its runner wrote, how it ended and what it took."""
    return Reading(number, follow)


@verb("cancel-turn")
@one_agent
def cancel_turn(name: str) -> Query:
    """End the turn that an agent is in; its mail comes back.

    It is taken up again at once, unless the agent was paused before: hivectl pause NAME.
    """
    back = f"Its message comes back, and is taken up again at once unless {name} is paused: hivectl pause {name}"
    return _order(ask.CancelTurn(name), f"{name} has been told to end its turn. {back}")


@verb("compact")
@one_agent
def compact(name: str) -> Query:
    """Let an agent write notes and shorten its context."""
    return _order(ask.Compact(name), f"{name} has been told to shorten its context, once it is between two turns.")


@verb("new-session")
@one_agent
def new_session(name: str) -> Query:
    """Let an agent begin its next turn with an empty context."""
    return _order(ask.NewSession(name), f"{name} begins a new session with its next turn.")


@verb("model")
@one_agent
@click.argument("model", metavar="[MODEL]", required=False)
def model(name: str, model: str | None) -> Query:
    """Let an agent work with a model, or with the configured one, until its next start.

    For good the model stands in the agent's configuration: runner.model in agent.toml.
    """
    if model is not None and not model.strip():
        raise click.UsageError("The model is empty: name one, or leave it out for the configured one.")
    which, until = ("the configured model", "") if model is None else (model, ", until it is started again")
    return _order(ask.SetModel(name, model), f"{name} works with {which} from its next turn on{until}.")


@verb("login")
@one_agent
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input, and ask for none.")
def login(name: str, *, token_stdin: bool) -> Query:
    """Give an agent's runner a token to log in with.

    On a terminal the token is asked for, and not shown. Without one the runner tries again with what it has. The
    daemon passes it on and keeps none.
    """
    token = _token(name, from_stdin=token_stdin)
    done = f"{name} has the token." if token else f"{name} tries again with what it has."
    return _order(ask.Login(name, token), done)


COMMANDS = (turns, turn, cancel_turn, compact, new_session, model, login)


def _order(request: HostRequest, done: str) -> Query:
    return deed(request, done)._replace(patience=ORDER_PATIENCE)


def _token(name: str, *, from_stdin: bool) -> str | None:
    if from_stdin:
        token = "" if sys.stdin is None else sys.stdin.read().strip()
        if not token:
            raise click.UsageError("There is no token on standard input.")
        return token
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    asked = f"Token for {name} (empty: try again with what it has)"
    return click.prompt(asked, hide_input=True, err=True, default="", show_default=False).strip() or None
