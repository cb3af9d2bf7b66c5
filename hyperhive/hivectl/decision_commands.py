"""Commands by which the operator decides: approvals and questions."""

from __future__ import annotations

import sys

import click
from click.shell_completion import CompletionItem

from hyperhive.hivectl import completion, config_pages
from hyperhive.hivectl.decision_pages import all_approvals, all_questions
from hyperhive.hivectl.decision_pages import pending as pending_page
from hyperhive.hivectl.decision_pages import questions as questions_page
from hyperhive.hivectl.errands import Query, Settings, Work, deed, query
from hyperhive.hivectl.page import BRIEF
from hyperhive.hivectl.safe import shortened
from hyperhive.hivectl.verbs import numbered, verb
from hyperhive.wire import host_requests as ask
from hyperhive.wire.agent_requests import Answer


def _options(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    found = completion.options(ctx.ensure_object(Settings).socket)
    return [item for item in found if item.value.startswith(incomplete)]


@verb("pending")
@click.option("--all", "everything", is_flag=True, help="Every kind, and the decided ones too.")
def pending(*, everything: bool) -> Query:
    """List the approvals that wait for a decision."""
    return query(ask.Pending(everything or None), all_approvals if everything else pending_page)


@verb("diff")
@numbered(completion.commits)
@click.option(
    "--against", type=click.Choice(tuple(config_pages.AGAINST)),
    help="What to compare the commit with. Otherwise it is what runs or, once that is decided, what ran then.",
)  # fmt: skip
def diff(number: int, against: str | None) -> Query:
    """Show what a commit changes, or was to change when that was decided.

    Of one that waits, against what runs, it ends with the digest of the very change, and the command that approves
    that and nothing else.
    """
    return query(ask.Diff(number, against), config_pages.diff(number, against))


@verb("approve")
@numbered(completion.approvals)
@click.option(
    "--digest", metavar="DIGEST", help="What 'hivectl diff' ended with; if it is no longer so, it is refused."
)
@click.option("--wait/--no-wait", default=False, help="Wait until what it started has ended; status 1 if that failed.")
def approve(number: int, *, digest: str | None, wait: bool) -> Work:
    """Grant an approval; what it asks for is done now."""
    done = f"Approval {number} is granted, and what it asked for is done."
    return Work(ask.Approve(number, digest), None, done, wait=wait)


@verb("deny")
@numbered(completion.approvals)
@click.option("--note", metavar="TEXT", help="Why, for who asked.")
def deny(number: int, note: str | None) -> Query:
    """Refuse an approval."""
    return deed(ask.Deny(number, note), f"Approval {number} is denied.")


@verb("questions")
@click.option("--all", "everything", is_flag=True, help="The closed ones too, with their answers.")
def questions(*, everything: bool) -> Query:
    """List the open questions."""
    return query(ask.Questions(everything or None), all_questions if everything else questions_page)


@verb("answer")
@numbered(completion.questions)
@click.argument("words", metavar="[TEXT]", required=False)
@click.option(
    "--choose", metavar="OPTION", multiple=True, shell_complete=_options, help="One of the options; may be repeated."
)
@click.option("--text", metavar="TEXT", help="Free words, beside the choices or instead of them.")
@click.pass_context
def answer(ctx: click.Context, number: int, words: str | None, choose: tuple[str, ...], text: str | None) -> Query:
    """Answer a question, in words or by choice.

    TEXT that is none of the options, where there are any, is confirmed on a terminal and refused elsewhere; --text
    sends it without asking.
    """
    if words is not None and text is not None:
        raise click.UsageError("Give the words once: as TEXT, or with --text.")
    if words is None and text is None and not choose:
        raise click.UsageError("Say the answer: TEXT, or --choose OPTION for one that is offered.")
    if words is not None and not choose:
        _confirm_none_of(completion.options_of(ctx.ensure_object(Settings).socket, number), words)
    if choose:
        request = Answer(number, choices=choose, text=words if text is None else text)
    else:
        request = Answer(number, answer=words, text=text)
    return deed(request, f"Question {number} is answered.")


@verb("cancel-question")
@numbered(completion.questions)
def cancel_question(number: int) -> Query:
    """Close a question without an answer."""
    return deed(ask.CancelQuestion(number), f"Question {number} is cancelled.")


COMMANDS = (pending, diff, approve, deny, questions, answer, cancel_question)


def _confirm_none_of(options: tuple[str, ...], words: str) -> None:
    if not options or words in options:
        return
    doubt = f"'{shortened(words, BRIEF)}' is none of the options ({shortened(' | '.join(options), BRIEF)})"
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(f"{doubt}: choose one with --choose, or say it all the same with --text.")
    if not click.confirm(f"{doubt}. Answer so all the same?", err=True):
        raise click.ClickException("nothing was answered.")
