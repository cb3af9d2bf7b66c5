"""Questions: who may answer what, when it is too late, and what the asker hears."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hyperhive.errors import InboxFull, Refused, UnknownAgent
from hyperhive.limits import LONGEST_TTL, MOST_OPEN_QUESTIONS, MailLimits
from hyperhive.services import verdicts
from hyperhive.services.alarm import AGAIN
from hyperhive.services.effects import Effects
from hyperhive.store import fitting
from hyperhive.store import questions as table
from hyperhive.wire import events
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.states import Outcome, QuestionStatus
from tests.bench import Bench
from tests.fakes import NOW


@pytest.fixture(autouse=True)
def running(bench: Bench) -> Any:
    bench.questions.startService()
    yield
    bench.questions.stopService()


def ask(bench: Bench, to: str | None = None, options: tuple[str, ...] = (), **more: Any) -> int:
    ttl, multi = more.get("ttl"), more.get("multi", False)
    return bench.get(bench.questions.ask("alice", to, "so?", options, ttl, multi=multi))


def answer(bench: Bench, id_: int, by: str = OPERATOR, **given: Any) -> None:
    said = {"answer": None, "choices": None, "text": None, **given}
    bench.get(bench.questions.answer(id_, by, said["answer"], said["choices"], said["text"]))


def status(bench: Bench, id_: int) -> QuestionStatus:
    return next(row for row in bench.get(bench.questions.listed(closed=True))[0] if row.id == id_).status


def heard(bench: Bench, name: str = "alice") -> Any:
    return bench.events_of(name)[-1]


def test_the_operator_answers_and_the_asker_hears_it(bench: Bench) -> None:
    waiting = bench.receive("alice", 1, 30)
    id_ = ask(bench)
    answer(bench, id_, answer="yes")
    assert heard(bench) == events.OperatorAnswered(
        id=id_, question="so?", answer="yes", outcome=Outcome.ANSWERED, answered_by=OPERATOR
    )
    assert len(bench.get(waiting).letters) == 1
    assert status(bench, id_) is QuestionStatus.ANSWERED
    assert bench.get(bench.questions.listed(closed=False))[0] == ()


def test_a_peer_is_asked_and_answers(bench: Bench) -> None:
    id_ = ask(bench, "bob", ("a", "b"))
    assert bench.events_of("bob") == [
        events.QuestionAsked(id=id_, asker="alice", question="so?", options=("a", "b"), multi=False)
    ]
    answer(bench, id_, "bob", choices=["b"], text="really")
    assert heard(bench) == events.QuestionAnswered(
        id=id_, question="so?", answer="b, really", answerer="bob", outcome=Outcome.ANSWERED
    )


@pytest.mark.parametrize(("to", "by"), [(None, "alice"), (None, "bob"), ("bob", "alice"), ("bob", "manager")])
def test_only_who_was_asked_answers(bench: Bench, to: str | None, by: str) -> None:
    id_ = ask(bench, to)
    with pytest.raises(Refused, match="who alone can answer it"):
        answer(bench, id_, by, answer="yes")
    assert status(bench, id_) is QuestionStatus.OPEN


def test_the_first_answer_wins_and_the_second_hears_it(bench: Bench) -> None:
    id_ = ask(bench)
    answer(bench, id_, answer="yes")
    with pytest.raises(Refused, match=f"question {id_} was already answered by operator: yes"):
        answer(bench, id_, answer="no")
    with pytest.raises(Refused, match="already answered by operator: yes"):
        bench.get(bench.questions.cancel(id_, OPERATOR))
    assert len(bench.events_of("alice")) == 1


@pytest.mark.parametrize(
    ("options", "multi", "given", "sentence"),
    [
        (("a",), False, {"choices": ["x"]}, "'x' is not among the options of question 1 ('a')"),
        ((), False, {"choices": ["x"]}, "(none); free text goes in 'text'"),
        (("a", "b"), False, {"choices": ["a", "b"]}, "question 1 takes one choice"),
        (("a", "b"), True, {"choices": ["a", "a"]}, "question 1 takes each choice once"),
        ((), False, {}, "give either 'answer', or 'choices' and 'text'"),
        ((), False, {"answer": "a", "text": "b"}, "give either 'answer', or 'choices' and 'text'"),
        (("a",), False, {"answer": "a", "choices": ["a"]}, "give either 'answer', or 'choices' and 'text'"),
        ((), False, {"answer": ""}, "the answer is empty"),
        ((), False, {"answer": " \n"}, "the answer is empty"),
        ((), False, {"text": ""}, "the answer is empty"),
        (("a",), False, {"choices": []}, "the answer is empty"),
        (("a",), False, {"choices": [], "text": " "}, "the answer is empty"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(
    bench: Bench, options: tuple[str, ...], multi: bool, given: dict[str, Any], sentence: str  # noqa: FBT001
) -> None:  # fmt: skip
    id_ = ask(bench, None, options, multi=multi)
    with pytest.raises(Refused) as refused:
        answer(bench, id_, **given)
    assert sentence in str(refused.value)
    assert status(bench, id_) is QuestionStatus.OPEN


def test_a_refusal_quotes_no_more_than_a_sentence_holds(bench: Bench) -> None:
    id_ = ask(bench, None, tuple(f"{number}" * 10_000 for number in range(10, 70)))
    with pytest.raises(Refused, match="and 57 more") as refused:
        answer(bench, id_, choices=["x" * 10_000])
    assert len(str(refused.value)) < 1000
    answer(bench, id_, answer="y" * 10_000)
    with pytest.raises(Refused, match="was already answered by operator: yyy") as refused:
        answer(bench, id_, answer="no")
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        ({"choices": ["a", "b"]}, "a, b"),
        ({"choices": ["b"], "text": "and c"}, "b, and c"),
        ({"text": "other"}, "other"),
        ({"answer": "a, typed"}, "a, typed"),
    ],
)
def test_the_answer_is_one_string(bench: Bench, given: dict[str, Any], joined: str) -> None:
    answer(bench, ask(bench, None, ("a", "b"), multi=True), **given)
    assert heard(bench).answer == joined


def test_a_question_expires(bench: Bench) -> None:
    id_ = ask(bench, ttl=60)
    bench.pass_time(59)
    assert status(bench, id_) is QuestionStatus.OPEN
    bench.pass_time(1)
    assert status(bench, id_) is QuestionStatus.EXPIRED
    assert (heard(bench).answer, heard(bench).outcome) == ("[expired]", Outcome.EXPIRED)
    with pytest.raises(Refused, match="was already expired"):
        answer(bench, id_, answer="late")


def test_a_person_who_types_expired_is_told_apart(bench: Bench) -> None:
    answer(bench, ask(bench), answer="[expired]")
    assert (heard(bench).answer, heard(bench).outcome) == ("[expired]", Outcome.ANSWERED)


def test_each_question_expires_at_its_own_time(bench: Bench) -> None:
    ids = [ask(bench, ttl=ttl) for ttl in (100, 50, 200, 0)]
    bench.settle()
    for seconds, left in ((0, 3), (50, 2), (50, 1), (100, 0)):
        bench.pass_time(seconds)
        assert len(bench.get(bench.questions.listed(closed=False))[0]) == left
    assert [event.id for event in bench.events_of("alice")] == [ids[3], ids[1], ids[0], ids[2]]


def test_what_could_not_be_expired_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, logged: list[object]
) -> None:
    tries: list[object] = []

    def no_room(*given: object) -> None:
        tries.append(given)
        raise sqlite3.OperationalError("database or disk is full")

    id_ = ask(bench, ttl=60)
    with monkeypatch.context() as full:
        full.setattr(table, "overdue", no_room)
        bench.pass_time(60)
        bench.pass_time(AGAIN - 1)
        assert len(tries) == 2  # in its batch, and alone
        assert len(logged) == 1
    logged.clear()
    assert status(bench, id_) is QuestionStatus.OPEN
    bench.pass_time(1)
    assert status(bench, id_) is QuestionStatus.EXPIRED


def test_a_deadline_is_met_after_a_restart(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add_agents("alice")
    bench.questions.startService()
    ids = [ask(bench, ttl=60), ask(bench, ttl=600)]
    bench.questions.stopService()
    bench.pass_time(100)
    bench.close()
    again = Bench(tmp_path)
    again.clock.advance(100)
    again.questions.startService()
    again.settle()
    assert [status(again, id_) for id_ in ids] == [QuestionStatus.EXPIRED, QuestionStatus.OPEN]
    again.pass_time(500)
    assert status(again, ids[1]) is QuestionStatus.EXPIRED
    again.questions.stopService()
    again.close()


def test_a_cancelled_question_says_so(bench: Bench) -> None:
    id_ = ask(bench)
    bench.get(bench.questions.cancel(id_, OPERATOR))
    assert (heard(bench).answer, heard(bench).outcome) == ("[cancelled]", Outcome.CANCELLED)
    with pytest.raises(Refused, match="was already cancelled"):
        answer(bench, id_, answer="late")


def test_what_is_no_question_is_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="there is no question 9"):
        answer(bench, 9, answer="yes")
    with pytest.raises(Refused, match="there is no question 9"):
        bench.get(bench.questions.cancel(9, OPERATOR))


def test_a_long_question_keeps_no_later_one_out_of_a_list(bench: Bench) -> None:
    long = ask(bench, options=("\u202e" * 5000,) * 64)
    others = [ask(bench, options=("yes",)) for _ in range(6)]
    rows, more = bench.get(bench.questions.listed(closed=False))
    assert len(rows) + more == 7
    glances = bench.get(bench.questions.glances(closed=False))
    assert [row.id for row in glances] == [long, *others]
    assert (glances[0].options, glances[0].unoffered) == ((), True)
    assert (glances[1].options, glances[1].unoffered, glances[1].cut) == (("yes",), False, False)


def test_of_what_does_not_fit_it_is_said_how_many_are_open(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MAX_LINE", 100)
    answer(bench, ask(bench, options=("x" * 90,)), answer="yes")
    for _ in range(3):
        ask(bench, options=("x" * 90,))
    rows, more = bench.get(bench.questions.listed(closed=False))
    assert ([row.id for row in rows], more) == ([2], 2)
    rows, more = bench.get(bench.questions.listed(closed=True))
    assert ([row.id for row in rows], more) == ([4], 2)


def test_in_a_list_a_long_text_is_cut_and_that_is_said(bench: Bench) -> None:
    id_ = bench.get(bench.questions.ask("alice", None, "q" * 3000, (), None, multi=False))
    (row,) = bench.get(bench.questions.glances(closed=False))
    assert (row.question, row.cut) == ("q" * table.GLANCE, True)
    answer(bench, id_, answer="a" * 3000)
    (row,) = bench.get(bench.questions.glances(closed=True))
    assert row.answer == "a" * table.GLANCE
    assert bench.get(bench.questions.glances(closed=False)) == ()
    assert len(bench.get(bench.questions.one(id_)).answer or "") == 3000


def test_with_an_agent_all_its_questions_end_however_long_they_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MAX_LINE", 2)
    ids = [ask(bench) for _ in range(3)]

    def change(connection: sqlite3.Connection) -> None:
        verdicts.cancel_questions_of(connection, Effects(), "alice", OPERATOR, NOW)

    bench.get(bench.database.perform(change))
    assert {bench.get(bench.questions.one(id_)).status for id_ in ids} == {QuestionStatus.CANCELLED}


def test_questions_that_nobody_could_answer_are_refused(bench: Bench) -> None:
    with pytest.raises(UnknownAgent):
        ask(bench, "nobody")
    with pytest.raises(Refused, match="you can't ask yourself"):
        ask(bench, "alice")
    with pytest.raises(Refused, match="'question' is empty"):
        bench.get(bench.questions.ask("alice", None, " \n", (), None, multi=False))
    with pytest.raises(Refused, match="'ttl_seconds' must be at most"):
        ask(bench, ttl=LONGEST_TTL + 1)
    assert ask(bench, ttl=LONGEST_TTL)


def test_to_ask_the_operator_by_name_is_to_ask_the_operator(bench: Bench) -> None:
    id_ = ask(bench, OPERATOR)
    assert bench.get(bench.questions.listed(closed=False))[0][0].to is None
    answer(bench, id_, answer="yes")
    assert isinstance(heard(bench), events.OperatorAnswered)


def test_open_threads_are_what_one_owes_and_is_owed(bench: Bench) -> None:
    owed = ask(bench, "bob", ttl=60)
    threads = bench.get(bench.roster.open_threads("alice"))
    assert [(thread.direction, thread.kind, thread.id, thread.peer) for thread in threads] == [
        ("owed", "question", owed, "bob")
    ]
    assert threads[0].deadline_at == NOW + 60
    bench.taken("bob")
    assert [(thread.direction, thread.kind) for thread in bench.get(bench.roster.open_threads("bob"))] == [
        ("owes", "question"), ("owes", "message")
    ]  # fmt: skip


def test_an_asker_has_only_so_many_questions_open(bench: Bench) -> None:
    for _ in range(MOST_OPEN_QUESTIONS):
        bench.get(bench.questions.ask("alice", None, "q?", (), None, multi=False))
    with pytest.raises(Refused, match="alice has 100 open questions, the most there may be"):
        bench.get(bench.questions.ask("alice", None, "q?", (), None, multi=False))
    bench.get(bench.questions.ask("bob", None, "q?", (), None, multi=False))
    bench.get(bench.questions.cancel(1, "operator"))
    bench.get(bench.questions.ask("alice", None, "q?", (), None, multi=False))


def test_a_question_needs_room_in_the_inbox_of_who_is_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits=MailLimits(max_inbox=1))
    bench.add_agents("alice", "bob")
    bench.send("alice", "bob", "one")
    with pytest.raises(InboxFull):
        bench.get(bench.questions.ask("alice", "bob", "q?", (), None, multi=False))
    assert bench.get(bench.questions.listed(closed=True))[0] == ()


@pytest.mark.parametrize(("question", "options"), [("é" * 30, ()), ("q?", ["é" * 30])])
def test_the_room_that_a_question_needs_is_counted_in_bytes(tmp_path: Path, question: str, options: list[str]) -> None:
    bench = Bench(tmp_path, limits=MailLimits(inbox_bytes=50))
    bench.add_agents("alice", "bob")
    with pytest.raises(InboxFull):
        bench.get(bench.questions.ask("alice", "bob", question, options, None, multi=False))


def test_questions_that_do_not_fit_on_a_line_are_not_all_read(bench: Bench) -> None:
    for _ in range(3):
        bench.get(bench.questions.ask("alice", None, "q" * 16384, ["o" * 16384] * 60, None, multi=False))
    assert len(bench.get(bench.questions.listed(closed=False))[0]) == 1


def test_two_that_ask_each_other_for_ever_are_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits=MailLimits(thread_rate=4, thread_seconds=60))
    bench.add_agents("alice", "bob")

    def ask(asker: str, to: str) -> None:
        id_ = bench.get(bench.questions.ask(asker, to, "and you?", (), None, multi=False))
        bench.get(bench.questions.answer(id_, to, "and you?", None, None))

    for pair in [("alice", "bob"), ("bob", "alice")] * 2:
        ask(*pair)
    with pytest.raises(Refused, match="alice and bob have asked each other 4 questions within 60 seconds"):
        ask("alice", "bob")
    bench.pass_time(60)
    ask("alice", "bob")
    bench.close()
