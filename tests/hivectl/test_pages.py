"""What the operator reads."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from hyperhive.hivectl import agent_pages, decision_pages, event_pages, mail_pages, turn_pages
from hyperhive.hivectl.page import Column, Line, Page, Remark, Table, View, duration, iso, plain, relative
from hyperhive.hivectl.screen import write_richly
from hyperhive.wire.records import Change
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import HarnessState, MessageState, QuestionStatus, TurnOutcome
from hyperhive.wire.turns import Harness, Usage
from tests.hivectl.page_lines import PIPE, PIPED, TOLD, reply
from tests.hivectl.rows import NOW, agent, letter, message, operation, question, turn
from tests.hivectl.scripted import Terminal

PERSON = View(terminal=True, now=NOW)


@pytest.mark.parametrize(("page", "answer", "expected"), PIPED)
def test_a_page_in_a_pipe_is_aligned_columns_a_row_a_line(page: Any, answer: HostResponse, expected: list[str]) -> None:
    assert plain(page(answer, PIPE)).splitlines() == expected


@pytest.mark.parametrize("page", [one[0] for one in PIPED] + [decision_pages.all_approvals, mail_pages.dead_letters])
def test_an_empty_answer_is_a_page_too(page: Any) -> None:
    plain(page(reply(), PIPE))
    assert page(reply(), PERSON) or page is agent_pages.names


@pytest.mark.parametrize(
    "page",
    [
        decision_pages.pending, decision_pages.all_approvals, decision_pages.questions, decision_pages.all_questions,
        mail_pages.inbox, mail_pages.messages, mail_pages.held, mail_pages.dead_letters, agent_pages.operations,
        agent_pages.log,
    ],
)  # fmt: skip
def test_that_there_is_nothing_is_a_remark(page: Any) -> None:
    (remark,) = page(reply(), PIPE)
    assert isinstance(remark, Remark)
    assert plain((remark,)) == ""


def test_among_all_questions_an_open_one_is_called_open() -> None:
    rows = (question(4, status=QuestionStatus.ANSWERED, answer="dev", answered_by="operator"), question())
    lines = plain(decision_pages.all_questions(reply(questions=rows), PIPE)).splitlines()
    assert [line.split()[3] for line in lines] == ["STATUS", "answered", "open"]


def test_work_in_hand_and_the_cause_of_a_failure_are_shown_where_they_are_known() -> None:
    rows = (
        agent(in_hand=1),
        agent("bob", running=False, failed=True, failure="killed by SIGKILL"),
    )
    lines = plain(agent_pages.agents(reply(agent_statuses=rows), PERSON)).splitlines()
    assert lines == [
        "NAME   STATE    UNREAD  IN HAND  SINCE      FAILURE",
        "alice  running       0        1  3 min ago  -",
        "bob    failed        0        -  3 min ago  killed by SIGKILL",
    ]


def test_no_more_operations_are_shown_than_were_wanted() -> None:
    rows = (operation(13), operation(12))
    assert len(plain(agent_pages.operations(reply(operations=rows), PIPE, 1)).splitlines()) == 2


@pytest.mark.parametrize(("change", "sentence"), TOLD)
def test_a_change_is_told_in_one_line(change: Change, sentence: str) -> None:
    told = plain(event_pages.event(reply(seq=5, change=change), PIPE))
    assert told == f"{iso(NOW)} {sentence}\n"


def test_lost_changes_are_told_of() -> None:
    told = plain(event_pages.event(reply(seq=5, resync=True), PIPE))
    assert told == f"{iso(NOW)} some changes were missed: hivectl status shows how all stands.\n"


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (agent(), "running"),
        (agent(running=False), "stopped"),
        (agent(running=False, failed=True), "failed"),
        (agent(paused=True), "paused"),
        (agent(running=False, paused=True), "stopped"),
        (agent(needs_login=True, needs_update=True), "running, needs login and update"),
    ],
)
def test_the_state_of_an_agent_is_a_word(status: Any, word: str) -> None:
    assert agent_pages.state_word(status) == word


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW, "now"), (NOW - 45, "45 s ago"), (NOW - 119, "119 s ago"), (NOW - 180, "3 min ago"),
        (NOW - 7200, "2 h ago"), (NOW - 12 * 86400, "12 d ago"), (NOW + 300, "in 5 min"),
    ],
)  # fmt: skip
def test_a_person_reads_how_long_ago_it_was(at: int, said: str) -> None:
    assert relative(at, NOW) == said
    assert PERSON.moment(at) == said


def test_a_program_reads_iso_8601() -> None:
    assert PIPE.moment(0) == "1970-01-01T00:00:00Z"
    assert iso(2**63 - 1) == str(2**63 - 1)
    assert duration(0) == "0 s"


def test_a_row_stays_on_its_line_and_within_the_width_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = richly(monkeypatch, mail_pages.inbox(reply(inbox=(letter(body="many words\n" * 50),)), PERSON), columns=60)
    assert len(drawn.splitlines()) == 2
    assert max(map(len, re.sub(r"\x1b\[\d*m", "", drawn).splitlines())) <= 60
    assert "many words many words" in drawn
    assert "60 s ago" in drawn
    assert "…" in drawn


def test_on_a_narrow_terminal_numbers_and_names_are_whole_and_the_rest_gives_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"researcher-{'x' * 12}-{number}" for number in range(3)]
    usage = Usage(model="claude-opus-5-5-20261101", input_tokens=123_456, cost_micros=12_345_678)
    rows = tuple(
        turn(1000 + number, agent=name, ended_at=NOW, outcome=TurnOutcome.NEEDS_LOGIN, usage=usage, error="why " * 40)
        for number, name in enumerate(names)
    )
    harness = Harness(state=HarnessState.WAITING, until=NOW + 60, note="it died " * 20)
    statuses = tuple(agent(name, harness=harness, active_model=usage.model, turn=7, restarts=3) for name in names)
    for page in turn_pages.turns(reply(turns=rows), PERSON), (agent_pages.roster(statuses, PERSON),):
        drawn = re.sub(r"\x1b\[[\d;]*m", "", richly(monkeypatch, page, columns=80)).splitlines()
        assert len(drawn) == 4
        assert max(map(len, drawn)) <= 80
        assert [name for name, line in zip(names, drawn[1:], strict=True) if name not in line] == []
        assert "…" in drawn[1]
        first = [line.split()[0] for line in drawn[1:]]
        assert first in (names, ["1000", "1001", "1002"])


def test_times_numbers_and_states_are_whole_where_longer_words_can_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    status = agent(
        "researcher", running=False, failed=True, failure="killed by SIGKILL " * 3, unread=12, restarts=3, turn=1007,
        since=NOW - 900, restart_at=NOW + 900, active_model="claude-opus-5-5-20261101", status_text="at work " * 9,
    )  # fmt: skip
    page = (agent_pages.roster((status,), PERSON),)
    drawn = re.sub(r"\x1b\[[\d;]*m", "", richly(monkeypatch, page, columns=80)).splitlines()
    assert max(map(len, drawn)) <= 80
    assert re.match(r"researcher +failed +12 +1007 +in 15 min +15 min ago +3 ", drawn[1])
    assert "SINCE" in drawn[0]


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_escape_sequences_of_agents_reach_no_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    evil = "\x1b]0;title\x07\x9b31m\u202e"
    page = (
        *agent_pages.agents(reply(agent_statuses=(agent(evil, status_text=evil),)), PERSON),
        *mail_pages.inbox(reply(inbox=(letter(body=evil, sender=evil),)), PERSON),
        *agent_pages.log(reply(log=(evil,)), PERSON),
    )
    drawn = richly(monkeypatch, page, columns)
    assert not set("\x07\x9b\u202e") & set(drawn)
    assert "\x1b]" not in drawn
    assert drawn.count("\x1b") == drawn.count("\x1b[1m") + drawn.count("\x1b[0m")


def test_colour_is_left_out_where_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    page = agent_pages.agents(reply(agent_statuses=(agent(),)), PERSON)
    assert "\x1b[32m" in richly(monkeypatch, page)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in richly(monkeypatch, page)


def test_a_table_drops_the_named_columns_in_which_nothing_stands() -> None:
    table = Table((Column("A"), Column("B"), Column("C")), [("1", "", ""), ("2", Line(""), "")])
    assert [column.heading for column in table.without_empty("A", "B").columns] == ["A", "C"]


def richly(monkeypatch: pytest.MonkeyPatch, page: Page, columns: int = 100) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    out: io.StringIO = Terminal()
    write_richly(page, out)
    return out.getvalue()


def test_a_message_that_an_agent_works_on_is_in_hand_as_everywhere() -> None:
    row = message(state=MessageState.LEASED)
    assert mail_pages.messages(reply(messages=(row,)), PERSON)[0].rows[0][4].text == "in hand"  # type: ignore[union-attr]
    assert mail_pages.sentence_of_message(row, PERSON) == "message 41: alice to bob, in hand: hello"
