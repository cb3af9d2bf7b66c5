"""`hivectl top` without a terminal: what it lists, what a key does, what fits on a screen."""

from __future__ import annotations

from typing import Any

import pytest

from hyperhive.hivectl import top_page
from hyperhive.hivectl.overview import Standing
from hyperhive.hivectl.page import View
from hyperhive.hivectl.top_items import NEEDS, REST, WORKS, Item, items
from hyperhive.hivectl.top_state import DOWN, ENTER, ERASE, ESCAPE, QUIT, UP, State, Sure
from hyperhive.hivectl.top_terminal import keys_in
from hyperhive.wire import host_requests as ask
from hyperhive.wire.agent_requests import Answer
from hyperhive.wire.records import Backend
from hyperhive.wire.states import ApprovalKind
from tests.hivectl import rows

VIEW = View(terminal=True, now=rows.NOW)


def listed(**given: Any) -> list[Item]:
    usual: dict[str, Any] = {
        "agents": (), "approvals": (), "other_approvals": 0, "questions": (), "dead_letters": (), "held": (),
        "operations": (), "home": None, "backend": None, "console": None,
    }  # fmt: skip
    return items(Standing(**{**usual, **given}), VIEW)


def state(**given: Any) -> State:
    """A state that shows those things, the first of them chosen."""
    made = State()
    made.take(listed(**given))
    return made


def press(on: State, *keys: str) -> Any:
    """Press these keys; what the last one leads to."""
    last = None
    for key in keys:
        last = on.press(key)
    return last


def typed(words: str) -> tuple[str, ...]:
    return tuple(words)


def test_what_needs_the_operator_comes_first_then_who_works_then_the_rest() -> None:
    found = listed(
        agents=[rows.agent("idle"), rows.agent("busy", turn=4), rows.agent("down", running=False, failed=True)],
        approvals=[rows.approval()],
        questions=[rows.question()],
        dead_letters=[rows.message()],
        held=[rows.held_thread()],
    )
    assert [(item.key, item.section) for item in found] == [
        ("failed-down", NEEDS),
        ("approval-7", NEEDS),
        ("question-3", NEEDS),
        ("held-12", NEEDS),
        ("dead-41", NEEDS),
        ("agent-busy", WORKS),
        ("agent-down", REST),
        ("agent-idle", REST),
    ]


def test_what_the_hive_is_about_to_mend_comes_last_and_what_is_being_mended_needs_nobody() -> None:
    gone = {"running": False, "failed": True}
    found = listed(
        agents=[rows.agent("soon", restart_at=rows.NOW + 4, **gone), rows.agent("starts", operation=12, **gone)],
        approvals=[rows.approval()],
        questions=[rows.question(deadline_at=rows.NOW + 60)],
    )
    assert [item.key for item in found if item.section == NEEDS] == ["question-3", "approval-7", "failed-soon"]


def test_that_nothing_can_be_started_comes_before_all() -> None:
    blind = Backend(kind="nspawn", isolates=True, blind="the system bus is gone")
    found = listed(agents=[rows.agent("down", running=False, failed=True)], backend=blind)
    assert found[0].line.text == "Nothing can be started or stopped, as the system bus is gone"


def test_an_agent_that_takes_no_mail_is_among_what_needs_the_operator() -> None:
    (need, _) = listed(agents=[rows.agent("bob", unread=2)])
    assert (need.key, need.section) == ("mute-bob", NEEDS)
    assert need.line.text == "bob has 2 unread, and nothing in it says that it takes mail"
    assert "hivectl logs bob" in [line.text for line in need.details]


def test_an_agent_that_failed_nobody_knows_when_is_told_with_its_cause() -> None:
    (need, _) = listed(agents=[rows.agent("bob", running=False, failed=True, failure="it died", since=None)])
    assert need.line.text == "bob failed: it died"


def test_the_details_of_who_works_offer_to_follow_the_turn() -> None:
    busy, idle = listed(agents=[rows.agent("busy", turn=4), rows.agent("idle")])
    assert "hivectl turn 4 --follow" in [line.text for line in busy.details]
    assert not [line for line in idle.details if "--follow" in line.text]


def test_keys_move_and_stop_at_the_ends() -> None:
    shown = state(agents=[rows.agent("a"), rows.agent("b")])
    assert shown.chosen == "agent-a"
    press(shown, "j")
    assert shown.chosen == "agent-b"
    press(shown, DOWN, "k", UP, UP)
    assert shown.chosen == "agent-a"
    assert press(shown, "q") == QUIT


def test_what_is_chosen_stays_chosen_as_others_come_and_its_place_is_kept_when_it_goes() -> None:
    shown = state(agents=[rows.agent("b"), rows.agent("c")])
    press(shown, "j", "k")
    shown.take(listed(agents=[rows.agent("a"), rows.agent("b"), rows.agent("c")]))
    assert shown.chosen == "agent-b"
    shown.take(listed(agents=[rows.agent("a"), rows.agent("c")]))
    assert shown.chosen == "agent-c"
    shown.take([])
    assert shown.chosen is None
    assert press(shown, "j", "a", "d", "r", ENTER) is None


def test_what_comes_to_need_the_operator_is_chosen_until_the_operator_chooses() -> None:
    shown = state(agents=[rows.agent("a"), rows.agent("b")])
    shown.take(listed(agents=[rows.agent("a"), rows.agent("b")], approvals=[rows.approval()]))
    assert shown.chosen == "approval-7"


def test_an_approval_is_granted_once_that_was_confirmed() -> None:
    shown = state(approvals=[rows.approval()])
    assert press(shown, "a") is None
    assert shown.sure is not None
    assert press(shown, "n") is None
    assert shown.said == "Nothing was done."
    done = press(shown, "a", "y")
    assert isinstance(done, Sure)
    assert done.request == ask.Approve(7)


def test_a_commit_is_looked_at_before_it_is_approved_and_then_exactly_that_is() -> None:
    shown = state(approvals=[rows.approval(kind=ApprovalKind.APPLY_COMMIT, commit_ref="c0ffee")])
    assert press(shown, "a") == "approval-7"
    assert shown.sure is None
    shown.looked_at[7] = "digest"
    done = press(shown, "a", "y")
    assert isinstance(done, Sure)
    assert done.request == ask.Approve(7, "digest")


def test_an_approval_is_denied_with_words_or_without() -> None:
    shown = state(approvals=[rows.approval()])
    assert press(shown, "d", *typed("no"), "x", ERASE, ENTER, "y").request == ask.Deny(7, "no")
    assert press(shown, "d", ENTER, "y").request == ask.Deny(7, None)
    assert press(shown, "d", *typed("q"), ESCAPE) is None
    assert shown.wording is None


@pytest.mark.parametrize(
    ("words", "answer"),
    [("2", Answer(3, choices=("dev",))), ("3", Answer(3, text="3")), ("both\u00b2", Answer(3, text="both\u00b2"))],
)
def test_a_question_is_answered_by_the_number_of_an_option_or_in_words(words: str, answer: Answer) -> None:
    shown = state(questions=[rows.question()])
    assert press(shown, "r", *typed(words), ENTER, "y").request == answer


def test_an_answer_without_words_is_none() -> None:
    shown = state(questions=[rows.question()])
    assert press(shown, "r", " ", ENTER) is None
    assert shown.sure is None
    assert "must say something" in shown.said


@pytest.mark.parametrize(("key", "sentence"), [("a", "approved"), ("d", "denied"), ("r", "replied to")])
def test_a_key_that_means_nothing_here_says_so(key: str, sentence: str) -> None:
    shown = state(agents=[rows.agent()])
    assert press(shown, key) is None
    assert sentence in shown.said


def test_what_is_settled_while_one_decides_it_is_told_and_nothing_is_sent() -> None:
    shown = state(approvals=[rows.approval()])
    shown.open = press(shown, ENTER)
    press(shown, "a")
    shown.take([])
    assert (shown.open, shown.sure, shown.said) == (None, None, "What you looked at is settled.")


@pytest.mark.parametrize("height", [1, 2, 3, 10, 100])
def test_a_screen_has_exactly_its_lines_and_the_chosen_one_is_on_it(height: int) -> None:
    shown = state(agents=[rows.agent(f"agent-{number:02}") for number in range(40)])
    press(shown, *["j"] * 25)
    lines = top_page.drawn(shown, height, 80)
    assert len(lines) == height
    if height > 1:
        assert [line.text.split(":")[0].strip() for line, chosen in lines if chosen] == ["agent-25"]


def test_details_are_seen_to_the_end_of_every_line_and_can_be_scrolled_to_their_last() -> None:
    shown = state(approvals=[rows.approval(description="+" + "x" * 300 + "THE END")])
    shown.open = press(shown, ENTER)
    shown.details = shown.items[0].details

    def seen() -> str:
        return "".join(line.text.removeprefix("\u21aa ") for line, _ in top_page.drawn(shown, 4, 40)[:-1])

    assert "THE END" not in seen()
    press(shown, " ", " ")
    assert "THE END" in seen()
    press(shown, *["k"] * 30)
    assert seen().startswith("approval 7")


def test_trouble_stands_above_all() -> None:
    shown = state(agents=[rows.agent()])
    shown.trouble = "no daemon."
    assert top_page.drawn(shown, 10, 80)[0][0].text == "Not live, what you see is from before: no daemon."


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("j", ["j"]),
        ("\x1b[A\x1b[B\x1bOA", [UP, DOWN, UP]),
        ("\r\x7f\x1b", [ENTER, ERASE, ESCAPE]),
        ("a\x1b[1;5Cb", ["a", "b"]),
        ("\x1b[", []),
        ("\x01\x02\u202eü", ["ü"]),
    ],
)
def test_keys_are_told_apart_and_what_is_none_is_left_out(sent: str, keys: list[str]) -> None:
    assert keys_in(sent) == keys
