"""The tools of every agent, in the words that a model acts on."""

from __future__ import annotations

from typing import Final

from hyperhive.agent.tools.tool import Argument, Effect, Tool
from hyperhive.limits import DEFAULT_WAIT, LARGEST_BATCH, LONGEST_BATCH_WAIT, LONGEST_TTL
from hyperhive.wire.agent_requests import (
    Answer,
    Ask,
    AskOperator,
    GetOpenThreads,
    Recv,
    Remind,
    Send,
    SetStatus,
    Whoami,
)

_QUESTION: Final = {
    "question": Argument(about="The question, with all that is needed to answer it."),
    "options": Argument(about="Answers to choose from. Without any, the answer is free text."),
    "multi": Argument(about="Whether several options may be chosen. False if absent."),
    "ttl_seconds": Argument(
        about="Seconds after which the question expires unanswered. Without it, it stays open.",
        least=1,
        most=LONGEST_TTL,
    ),
}

SEND: Final = Tool(
    request=Send,
    about=(
        "Send a message to another agent, to 'manager', to 'operator' (the person in charge), or to '*' (everyone"
        " else). When this answers, the message is on disk and will not be lost. To somebody whose message you have"
        " in hand it is a reply to the newest of those. A reply to a message in hand is kept, and leaves when your turn"
        " has ended well; if the turn fails or is cancelled, it is forgotten and the message comes to you again."
        " Everything else leaves at once. There is no answer to wait for: one comes as mail, in a later turn."
    ),
    effect=Effect.ADDS,
    arguments={
        "to": Argument(about="Who gets it: an agent's name, 'manager', 'operator', or '*'."),
        "body": Argument(about="The message, as text."),
        "in_reply_to": Argument(about="The number of the message that this one answers, if it is not the newest."),
    },
    always={"in_turn": True},
)
RECV: Final = Tool(
    request=Recv,
    about=(
        "Take mail that waits for you, or wait for some. What you take belongs to this turn: it is done when the turn"
        " ends well, and comes to you again, marked as handed out before, when it does not. So take no more than you"
        " mean to deal with now; what you leave waits for a later turn."
    ),
    effect=Effect.ADDS,
    arguments={
        "max": Argument(about="How many messages to take at most.", least=1, most=LARGEST_BATCH, default=1),
        "wait_seconds": Argument(
            about="How long to wait where there is none; 0 only looks.",
            least=0,
            most=LONGEST_BATCH_WAIT,
            default=DEFAULT_WAIT,
        ),
    },
)
ASK_OPERATOR: Final = Tool(
    request=AskOperator,
    about=(
        "Ask the operator, the person in charge, something that only a person can decide. This does not wait: it"
        " answers with the question's number, and the answer comes later as mail from 'system' with that number."
        " The mail says how it ended: 'answered' is a person's answer; 'expired' and 'cancelled' mean that nobody"
        " answered, so take neither for a yes."
    ),
    effect=Effect.ADDS,
    arguments=_QUESTION,
)
ASK: Final = Tool(
    request=Ask,
    about=(
        "Ask another agent. This does not wait: it answers with the question's number, and the answer comes later as"
        " mail from 'system' with that number. 'expired' and 'cancelled' mean that nobody answered. The question stays"
        " among the other's open threads until it is answered; for what needs no answer use send."
    ),
    effect=Effect.ADDS,
    arguments={"to": Argument(about="Whom to ask: an agent's name, or 'manager'."), **_QUESTION},
)
ANSWER: Final = Tool(
    request=Answer,
    about=(
        "Answer a question that you were asked: it came as mail from 'system' with the event 'question_asked', and is"
        " among your open threads. The answer is on disk, and on its way, when this answers; it can't be taken back."
        " Give either 'answer', or 'choices' from its options, with 'text' beside them if there is more to say."
    ),
    effect=Effect.ADDS,
    arguments={
        "id": Argument(about="The question's number."),
        "answer": Argument(about="The answer as text."),
        "choices": Argument(about="The options that you choose, each exactly as it was given."),
        "text": Argument(about="What there is to say beside the choices."),
    },
)
REMIND: Final = Tool(
    request=Remind,
    about=(
        "Have a message delivered to yourself later, from 'reminder'. It is on disk when this answers, and comes even"
        " if you, or the whole hive, were restarted meanwhile; a time that passed while the hive was down comes as soon"
        " as it is up. Use it for what you promised to look at again. Give either 'delay_seconds' or 'at'."
    ),
    effect=Effect.ADDS,
    arguments={
        "message": Argument(about="What you want to be told then, for somebody who remembers nothing of now."),
        "delay_seconds": Argument(about="How many seconds from now.", least=0, most=LONGEST_TTL),
        "at": Argument(about="When, as a unix time in seconds."),
    },
)
SET_STATUS: Final = Tool(
    request=SetStatus,
    about=(
        "Say in a few words what you are doing; the operator sees them beside your name until you say something else."
        " Nobody is told."
    ),
    effect=Effect.SETS,
    arguments={"text": Argument(about="What you are doing, in a few words.")},
)
GET_OPEN_THREADS: Final = Tool(
    request=GetOpenThreads,
    about=(
        "What you owe and what you are owed: questions that wait for your answer or that you asked, mail in hand,"
        " approvals that you asked for, reminders that are still to come. Look here when you have lost the thread, as"
        " after a restart."
    ),
    effect=Effect.SHOWS,
)
WHOAMI: Final = Tool(
    request=Whoami,
    about="Your name, your role ('agent' or 'manager'), the hive's name, and how often you have been started.",
    effect=Effect.SHOWS,
)

AGENT_TOOLS: Final = (SEND, RECV, ASK_OPERATOR, ASK, ANSWER, REMIND, SET_STATUS, GET_OPEN_THREADS, WHOAMI)
