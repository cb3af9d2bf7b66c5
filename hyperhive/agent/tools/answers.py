"""What a model reads of an answer: short, and nothing that is not so."""

from __future__ import annotations

import re
from typing import Final

from hyperhive.agent.texts import peer, time
from hyperhive.wire import agent_requests as ask
from hyperhive.wire import manager_requests as wish
from hyperhive.wire import responses
from hyperhive.wire.manager_requests import ManagerRequest
from hyperhive.wire.records import Letter, OpenThread
from hyperhive.wire.responses import ManagerResponse

DONE = {wish.Kill: "stopped", wish.Start: "started", wish.Restart: "restarted", wish.Update: "made anew and restarted"}

_LINE_ENDS: Final = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def told(request: ManagerRequest, answer: ManagerResponse) -> str:
    """The answer to a request in words."""
    match answer:
        case responses.Ok():
            return _done(request, answer)
        case responses.Messages(messages=letters):
            return "\n\n".join(map(message, letters)) or "No message came."
        case responses.QuestionQueued(id=number):
            return f"Question {number} is asked. Its answer comes later, as mail from system with this number."
        case responses.Identity(name=name, role=role, hive=hive, generation=generation):
            return f"You are {name}, {role} of the hive {hive}, in your start number {generation}."
        case responses.OpenThreads(rows=rows):
            return "\n\n".join(map(thread, rows)) or "You owe nothing, and nothing is owed to you."
        case responses.List(agents=names):
            return ", ".join(names)
        case responses.Logs(log=lines):
            return quoted("\n".join(lines)) if lines else "Its program has printed nothing."
        case _:
            return f"The daemon answered in a way that is not known here: {type(answer).__name__}."


def waiting(unread: int | None) -> str:
    """The last line of every answer: how much mail waits."""
    if unread is None:
        return "It is not known how much mail waits."
    if unread == 0:
        return "No mail waits."
    return "1 more message waits." if unread == 1 else f"{unread} more messages wait."


def message(letter: Letter) -> str:
    """A message below a line that says whose it is. Its own lines are marked, so that none can pass for that line."""
    sender = letter.sender if letter.via is None else peer(letter.sender, letter.via)
    facts = [f"Message {letter.id} from {sender}, {time(letter.at)}"]
    if letter.in_reply_to is not None:
        facts.append(f"in reply to {letter.in_reply_to}")
    if letter.redelivered:
        facts.append("handed out before")
    return f"{', '.join(facts)}:\n{quoted(letter.body)}"


def thread(row: OpenThread) -> str:
    """What is owed, below a line that says by whom."""
    name = row.peer if row.via is None else peer(row.peer, row.via)
    who = f"You owe {name}" if row.direction == "owes" else f"You are owed by {name}"
    until = "" if row.deadline_at is None else f", until {time(row.deadline_at)}"
    return f"{who}: {row.kind} {row.id}, since {time(row.since)}{until}:\n{quoted(row.text)}"


def quoted(text: str) -> str:
    """Somebody's words: `> ` stands before them, and after all that any reader may take for the end of a line."""
    return "> " + _LINE_ENDS.sub(r"\g<0>> ", text)


def _done(request: ManagerRequest, ok: responses.Ok) -> str:
    match request:
        case ask.Send(to=to):
            return _sent(to, ok)
        case ask.Answer(id=number):
            return f"Question {number} is answered."
        case ask.Remind():
            return f"Reminder {ok.id} is set{_when(request)}."
        case ask.SetStatus():
            return "Your status is set."
        case wish.RequestSpawn() | wish.RequestInitConfig() | wish.RequestApplyCommit():
            return f"Approval {ok.id} is asked for. What the operator decides comes later, as mail from system."
        case wish.CancelApproval(id=number):
            return f"Approval {number} is withdrawn."
        case wish.Kill(name=name) | wish.Start(name=name) | wish.Restart(name=name) | wish.Update(name=name):
            if ok.operation is not None:
                return (
                    f"Operation {ok.operation} on {name} is on disk, and under way; what comes of it is not known yet."
                )
            return f"{name} is {DONE[type(request)]}."
        case _:
            return "Done."


def _sent(to: str, ok: responses.Ok) -> str:
    if ok.kept:
        return f"The reply to {to} is kept: it leaves when your turn has ended well."
    if ok.ids is not None:
        return f"Sent to {len(ok.ids)}: messages {', '.join(map(str, ok.ids))}." if ok.ids else "There is nobody else."
    return f"Message {ok.id} to {to} is taken in."


def _when(request: ask.Remind) -> str:
    return f" for {time(request.at)}" if request.at is not None else f" for in {request.delay_seconds} seconds"
