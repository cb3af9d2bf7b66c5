"""Questions in the console: the open ones are answered, the closed ones stay."""

from __future__ import annotations

import json

import pytest

from hyperhive.dashboard.pages.questions import SHOWN
from tests.daemon.client import next_event
from tests.daemon.harness import Hive
from tests.dashboard.console import Console

HOSTILE = "<b>Which?</b> \" ' \u202e"


def ask(hive: Hive, question: str = "Which colour?", **more: object) -> int:
    """The id of a question of the manager's."""
    with hive.manager() as manager:
        verb = "ask" if "to" in more else "ask_operator"
        return int(manager.ask(verb, **{"question": question, "options": [], "multi": False, **more})["id"])


def outcome(hive: Hive, id_: int) -> tuple[str, str | None]:
    """How the question stands, and its answer."""
    with hive.host() as host:
        (row,) = [row for row in host.ask("questions", all=True)["questions"] if row["id"] == id_]
    return row["status"], row.get("answer")


def test_a_hive_in_which_nobody_asks_says_so(console: Console) -> None:
    shown = console.get("/questions")
    assert "Nobody waits for an answer of yours" in shown.part("mine")
    assert "No question was closed yet" in shown.part("closed")


def test_an_open_question_is_shown_with_all_that_it_needs(hive: Hive, console: Console) -> None:
    id_ = ask(hive, options=["red", "green"], ttl_seconds=600)
    shown = console.get("/questions")
    card = shown.part(f"question-{id_}")
    for words in ("manager asks you", "Which colour?", "red", "green", "expires in", "Choose one"):
        assert words in card
    inputs = {attributes["value"]: attributes for tag, attributes in shown.tags if attributes.get("name") == "choice"}
    assert [(inputs[name]["type"], inputs[name]["data-key"]) for name in ("red", "green")] == [
        ("radio", "1"), ("radio", "2"),
    ]  # fmt: skip
    assert any("data-deadline" in attributes for _, attributes in shown.tags)


def test_only_nine_options_have_a_key(hive: Hive, console: Console) -> None:
    ask(hive, options=[f"option {number}" for number in range(12)], multi=True)
    digits = [attributes["data-key"] for _, attributes in console.get("/questions").tags if "data-key" in attributes]
    assert digits == [str(digit) for digit in range(1, 10)]


def test_a_choice_and_words_beside_it_are_the_answer(hive: Hive, console: Console) -> None:
    id_ = ask(hive, options=["red", "green"])
    after = console.post(f"/questions/{id_}/answer", choice="green", text="but dark")
    assert f"Question {id_} is answered." in after.text
    assert outcome(hive, id_) == ("answered", "green, but dark")
    with hive.manager() as manager:
        assert next_event(manager, "operator_answered")["answer"] == "green, but dark"
    closed = after.part(f"closed-{id_}")
    assert "answered" in closed
    assert "green, but dark" in closed
    assert "by operator" in closed


def test_several_options_are_chosen_where_that_may_be(hive: Hive, console: Console) -> None:
    id_ = ask(hive, options=["red", "green", "blue"], multi=True)
    assert [a["type"] for _, a in console.get("/questions").tags if a.get("name") == "choice"] == ["checkbox"] * 3
    console.post(f"/questions/{id_}/answer", choice=["red", "blue"])
    assert outcome(hive, id_) == ("answered", "red, blue")


def test_words_alone_are_an_answer_though_none_of_the_options_is_chosen(hive: Hive, console: Console) -> None:
    id_ = ask(hive, options=["red", "green"])
    console.post(f"/questions/{id_}/answer", choice="", text="mauve")
    assert outcome(hive, id_) == ("answered", "mauve")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "is empty; choose an option or write something"),
        ({"choice": "", "text": "  "}, "is empty; choose an option or write something"),
        ({"choice": "mauve"}, "'mauve' is not among the options"),
        ({"choice": ["red", "green"]}, "takes one choice"),
        ({"text": "x" * 16385}, "the answer is too long"),
    ],
)
def test_what_is_no_answer_is_refused_in_a_sentence_and_the_question_stays_open(
    hive: Hive, console: Console, fields: dict[str, str | list[str]], sentence: str
) -> None:
    id_ = ask(hive, options=["red", "green"])
    answer = console.post(f"/questions/{id_}/answer", **fields)
    assert answer.status == 409
    assert sentence in answer.text
    assert outcome(hive, id_) == ("open", None)


def test_who_comes_second_reads_what_the_first_said(hive: Hive, console: Console) -> None:
    id_ = ask(hive)
    console.post(f"/questions/{id_}/answer", text="first")
    second = console.post(f"/questions/{id_}/answer", text="second, typed at length")
    assert second.status == 409
    assert "was already answered by operator: first" in second.text
    assert "second, typed at length" in second.text


def test_a_cancelled_question_is_said_to_be_that(hive: Hive, console: Console) -> None:
    id_ = ask(hive)
    after = console.post(f"/questions/{id_}/cancel")
    assert "is cancelled" in after.text
    closed = after.part(f"closed-{id_}")
    assert "cancelled" in closed
    assert "without an answer" in closed
    assert "[cancelled]" not in closed


def test_an_expired_question_is_said_to_be_that(hive: Hive, console: Console) -> None:
    id_ = ask(hive, ttl_seconds=0)
    with hive.manager() as manager:
        next_event(manager, "operator_answered")
    closed = console.get("/questions").part(f"closed-{id_}")
    assert "expired" in closed
    assert "nobody answered in time" in closed
    assert f"answer-{id_}" not in console.get(f"/questions/{id_}").ids


def test_a_question_has_an_address_for_good(hive: Hive, console: Console) -> None:
    id_ = ask(hive, options=["red"])
    assert console.get(f"/questions/{id_}").form(f"/questions/{id_}/answer").buttons == ["Answer"]
    console.post(f"/questions/{id_}/answer", choice="red")
    shown = console.get(f"/questions/{id_}")
    assert "How it ended" in shown.text
    assert [form.action for form in shown.forms if "/questions/" in form.action] == []
    missing = console.get("/questions/999")
    assert missing.status == 404
    assert "there is no question 999" in missing.text


def test_what_agents_ask_each_other_stands_apart_and_can_be_answered_too(hive: Hive, console: Console) -> None:
    with hive.host() as host:
        assert host.ask("spawn", name="alice")["ok"]
    id_ = ask(hive, to="alice")
    shown = console.get("/questions")
    assert f"question-{id_}" in shown.ids
    assert "Which colour?" in shown.part("others")
    assert "Which colour?" not in shown.part("mine")
    console.post(f"/questions/{id_}/answer", text="red")
    assert outcome(hive, id_) == ("answered", "red")


def test_hostile_questions_are_text(hive: Hive, console: Console) -> None:
    id_ = ask(hive, HOSTILE, options=[HOSTILE, "plain"])
    for path in ("/questions", f"/questions/{id_}"):
        shown = console.get(path)
        assert "<b>Which?</b>" in shown.text
        assert "<b>Which?" not in shown.html
        assert "U+202E" in shown.text
    console.post(f"/questions/{id_}/answer", choice=HOSTILE)
    assert outcome(hive, id_) == ("answered", HOSTILE)
    assert "<b>Which?" not in console.get("/questions").html
    json.dumps(console.get("/questions").text)


def test_a_question_of_long_options_hides_nothing_and_is_answered_on_its_own_page(hive: Hive, console: Console) -> None:
    option = "\u202e" * 2500
    long = ask(hive, options=[option] * 63 + ["short"])
    others = [ask(hive) for _ in range(6)]
    home = console.get("/")
    assert "7 things need you" in home.text
    for page in (home, console.get("/questions")):
        assert {f"question-{id_}" for id_ in (long, *others)} <= set(page.ids)
        assert "Its options are long" in page.part(f"question-{long}")
        assert len(page.html) < 100_000
    with hive.host() as host:
        reply = host.ask("questions")
    assert len(reply["questions"]) + reply.get("more", 0) == 7
    own = console.get(f"/questions/{long}")
    assert "U+202E \N{MULTIPLICATION SIGN}2500" in own.text
    console.post(f"/questions/{long}/answer", choice="short")
    assert "answered" in console.get("/questions").part(f"closed-{long}")


def test_of_many_questions_some_are_shown_and_the_rest_counted(hive: Hive, console: Console) -> None:
    for number in range(SHOWN + 2):
        ask(hive, f"question {number}")
    page = console.get("/questions")
    assert "2 more" in page.part("mine")
    assert len([id_ for id_ in page.ids if id_.startswith("question-")]) == SHOWN
    assert "question 51" in console.get("/questions", all="1").part("mine")


def test_an_onlooker_sees_questions_and_no_way_to_answer(hive: Hive, console: Console, onlooker: Console) -> None:
    del console
    id_ = ask(hive, options=["red"])
    for path in ("/questions", f"/questions/{id_}"):
        shown = onlooker.get(path)
        assert "red" in shown.text
        assert shown.decisions == []
    assert onlooker.post(f"/questions/{id_}/answer", choice="red").status == 403
    assert outcome(hive, id_) == ("open", None)
