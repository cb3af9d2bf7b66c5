"""Questions: to the operator and between agents, with deadlines that outlive the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.agent_config import Rate
from hyperhive.errors import Refused
from hyperhive.limits import LONGEST_TTL, MOST_OPEN_QUESTIONS, MailLimits
from hyperhive.services import verdicts
from hyperhive.services.alarm import Alarm
from hyperhive.services.broker import Broker
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.store import agents, bounds
from hyperhive.store import questions as table
from hyperhive.store.database import Connection
from hyperhive.store.questions import Asked, Glance
from hyperhive.wire import events
from hyperhive.wire.names import OPERATOR, SYSTEM, shown
from hyperhive.wire.records import OpenThread, Question
from hyperhive.wire.states import QuestionStatus

_log = Logger()

OPTIONS_SHOWN = 3
"""How many of a question's options a refusal quotes."""


@define(eq=False)
class Questions(Service):
    """Asks, answers, and lets questions expire."""

    name = "questions"

    _broker: Broker
    _alarm: Alarm = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._alarm = Alarm(self._broker.clock, self._expire)

    def startService(self) -> None:
        """Expire what came due while nobody looked, and wait for the next."""
        super().startService()
        self._expire()

    def stopService(self) -> None:
        """Wait no longer."""
        super().stopService()
        self._alarm.stop()

    def ask(
        self, asker: str, to: str | None, question: str, options: Sequence[str], ttl: int | None, *, multi: bool
    ) -> Deferred[int]:
        """Ask a peer, or the operator (`to` None); fires with the question's id. Fails with Refused or UnknownAgent."""
        _check(asker, to, question, ttl)
        rate = self._broker.rate_for(asker, to or OPERATOR)
        now = self._broker.now()
        asked = Asked(
            asker=asker,
            to=None if to == OPERATOR else to,
            question=question,
            options=options,
            multi=multi,
            at=now,
            deadline_at=None if ttl is None else now + ttl,
        )

        def put(result: tuple[int, Effects]) -> int:
            id_, effects = result
            self._broker.announce(effects)
            if asked.deadline_at is not None:
                self._expire()
            return id_

        change = partial(_ask, asked=asked, limits=self._broker.limits, rate=rate)
        return self._broker.database.perform(change).addCallback(put)

    async def answer(
        self, id_: int, by: str, answer: str | None, choices: Sequence[str] | None, text: str | None
    ) -> None:
        """Answer a question.

        Fails with Refused where `by` was not asked, the choice was not offered, or the question is closed.
        """
        now = self._broker.now()

        def change(connection: Connection) -> Effects:
            question = table.one(connection, id_)
            if by not in (OPERATOR, question.to):
                message = f"question {id_} was put to {question.to or 'the operator'}, who alone can answer it"
                raise Refused(message)
            effects = Effects()
            joined = _joined(question, answer, choices, text)
            verdicts.close_question(connection, effects, id_, QuestionStatus.ANSWERED, joined, by, now)
            return effects

        self._broker.announce(await self._broker.database.perform(change))

    async def cancel(self, id_: int, by: str) -> None:
        """Close a question without an answer. Fails with Refused if it is closed."""
        now = self._broker.now()
        self._broker.announce(await self._broker.database.perform(partial(_cancel, id_=id_, by=by, now=now)))

    def listed(self, *, closed: bool) -> Deferred[tuple[tuple[Question, ...], int]]:
        """The open questions, or all of them, as far as one answer carries them; and how many are open beside those."""

        def look(connection: Connection) -> tuple[tuple[Question, ...], int]:
            rows = table.listed(connection, closed=closed)
            return rows, table.count_beside(connection, rows)

        return self._broker.database.perform(look)

    def glances(self, *, closed: bool) -> Deferred[tuple[Glance, ...]]:
        """All the open questions, or the last of those that are closed, each as a list shows it."""
        return self._broker.database.perform(partial(table.glances, closed=closed))

    def one(self, id_: int) -> Deferred[Question]:
        """A question, however it stands. Fails with Refused if there is none of that id."""
        return self._broker.database.perform(partial(table.one, id_=id_))

    def open_of(self, name: str) -> Deferred[list[OpenThread]]:
        """What the agent was asked and what it asked, still open."""
        return self._broker.database.perform(partial(table.open_of, name=name))

    def _expire(self) -> None:
        if self.running:
            change = partial(_expire_overdue, now=self._broker.now())
            self._broker.database.submit(change, self._expired, self._failed)

    def _expired(self, result: tuple[int | None, Effects]) -> None:
        deadline, effects = result
        self._broker.announce(effects)
        if self.running:
            self._alarm.set(deadline)

    def _failed(self, reason: Failure) -> None:
        _log.failure("overdue questions could not be closed; it is tried again", failure=reason)
        if self.running:
            self._alarm.snooze()


def _check(asker: str, to: str | None, question: str, ttl: int | None) -> None:
    """Raises Refused for a question that nobody may be asked."""
    if not question.strip():
        message = "'question' is empty; it must say what is asked"
        raise Refused(message)
    if ttl is not None and ttl > LONGEST_TTL:
        message = f"'ttl_seconds' must be at most {LONGEST_TTL}, not {ttl}"
        raise Refused(message)
    if to == asker:
        message = "you can't ask yourself; 'to' must be another agent of the hive"
        raise Refused(message)


def _ask(connection: Connection, asked: Asked, limits: MailLimits, rate: Rate | None) -> tuple[int, Effects]:
    effects = Effects()
    if rate is not None:
        bounds.check_rate(connection, asked.asker, rate, asked.at)
    if table.count_open(connection, asked.asker) >= MOST_OPEN_QUESTIONS:
        message = (
            f"{asked.asker} has {MOST_OPEN_QUESTIONS} open questions, the most there may be; wait for answers, or let "
            "questions expire by 'ttl_seconds'"
        )
        raise Refused(message)
    if asked.to is not None:
        agents.one(connection, asked.to)
        _check_pace(connection, asked.asker, asked.to, asked.at, limits)
        size = sum(len(text.encode()) for text in (asked.question, *asked.options))
        bounds.check_room(connection, asked.to, size, limits)
    id_ = table.add(connection, asked)
    if asked.to is not None:
        event = events.QuestionAsked(
            id=id_, asker=asked.asker, question=asked.question, options=tuple(asked.options), multi=asked.multi
        )
        effects.tell(connection, asked.to, event, asked.at)
    effects.rows.append((Kind.QUESTION, id_, None))
    return id_, effects


def _check_pace(connection: Connection, asker: str, to: str, now: int, limits: MailLimits) -> None:
    """Raises Refused if the two have asked each other as often of late as a conversation may go round."""
    if table.count_between(connection, asker, to, now - limits.thread_seconds) >= limits.thread_rate:
        message = (
            f"{asker} and {to} have asked each other {limits.thread_rate} questions within {limits.thread_seconds} "
            "seconds, the most there may be; wait, or ask the operator"
        )
        raise Refused(message)


def _cancel(connection: Connection, id_: int, by: str, now: int) -> Effects:
    effects = Effects()
    verdicts.close_question(connection, effects, id_, QuestionStatus.CANCELLED, "[cancelled]", by, now)
    return effects


def _expire_overdue(connection: Connection, now: int) -> tuple[int | None, Effects]:
    """Close what is due; when to look again."""
    effects = Effects()
    for id_ in table.overdue(connection, now):
        verdicts.close_question(connection, effects, id_, QuestionStatus.EXPIRED, "[expired]", SYSTEM, now)
    return table.next_deadline(connection), effects


def _joined(question: Question, answer: str | None, choices: Sequence[str] | None, text: str | None) -> str:
    """The seed's one string: the choices and the free text, joined by a comma and a space."""
    if (answer is None) == (choices is None and text is None):
        message = "give either 'answer', or 'choices' and 'text'"
        raise Refused(message)
    chosen = list(choices or ())
    if not chosen and not (answer or text or "").strip():
        message = "the answer is empty; it must say something, or choose at least one of 'choices'"
        raise Refused(message)
    if answer is not None:
        return answer
    for choice in chosen:
        if choice not in question.options:
            message = (
                f"{shown(choice)} is not among the options of question {question.id} ({_offered(question.options)}); "
                "free text goes in 'text'"
            )
            raise Refused(message)
    if len(set(chosen)) != len(chosen) or (len(chosen) > 1 and not question.multi):
        message = f"question {question.id} takes {'each choice once' if question.multi else 'one choice'}"
        raise Refused(message)
    return ", ".join([*chosen, *([text] if text else [])])


def _offered(options: Sequence[str]) -> str:
    first, others = options[:OPTIONS_SHOWN], len(options) - OPTIONS_SHOWN
    return ", ".join(map(shown, first)) + (f" and {others} more" if others > 0 else "") or "none"
