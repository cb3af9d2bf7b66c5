"""Pages for those who follow: one line a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperhive.hivectl.agent_pages import sentence_of, sentence_of_operation
from hyperhive.hivectl.decision_pages import sentence_of_approval, sentence_of_question
from hyperhive.hivectl.mail_pages import sentence_of_message
from hyperhive.hivectl.page import Line, Page, View
from hyperhive.hivectl.turn_pages import sentence_of_turn

if TYPE_CHECKING:
    from hyperhive.wire.records import Change
    from hyperhive.wire.responses import HostResponse


def event(reply: HostResponse, view: View) -> Page:
    """One change, or that some can't be told any more."""
    if reply.resync:
        return (Line(f"{view.clock()} some changes were missed: hivectl status shows how all stands."),)
    if reply.change is None:
        return ()
    return (Line(_sentence(reply.change, view)),)


def _sentence(change: Change, view: View) -> str:
    if change.gone:
        return f"{view.clock()} {change.kind} {change.name or change.id} is gone"
    if change.agent is not None:
        return sentence_of(change.agent, view)
    if change.message is not None:
        told = sentence_of_message(change.message, view)
    elif change.approval is not None:
        told = sentence_of_approval(change.approval)
    elif change.question is not None:
        told = sentence_of_question(change.question, view)
    elif change.operation is not None:
        told = sentence_of_operation(change.operation)
    elif change.turn is not None:
        told = sentence_of_turn(change.turn)
    else:
        told = f"{change.kind} changed"
    return f"{view.clock()} {told}"
