"""One agent: the stream of its turn, what it may be told, its turns and what they took."""

from __future__ import annotations

import re

import pytest

from tests.daemon.harness import Hive
from tests.dashboard.console import Console
from tests.dashboard.shown import Shown
from tests.dashboard.working import HOSTILE, Worker, call, result, says, text

EDIT = {"file_path": "/a", "old_string": "one\ntwo", "new_string": "one\nthree"}


@pytest.fixture
def bob(hive: Hive, console: Console) -> Worker:
    """An agent whose program the test is."""
    return Worker(hive)


def items(page: Shown) -> list[str]:
    """What one reads in each thing of the stream that a page shows."""
    return [page.part(id_) for id_ in page.ids if re.fullmatch(r"turn-\d+-\d+-\d+", id_)]


def attributes(page: Shown, tag: str, id_: str) -> dict[str, str]:
    """The attributes of the element of that id."""
    (found,) = [given for name, given in page.tags if name == tag and given.get("id") == id_]
    return found


def test_an_agent_without_turns_says_so(console: Console, bob: Worker) -> None:
    page = console.get(f"/agents/{bob.name}")
    assert "There was no turn yet: the agent begins one when it has mail." in page.part("stream-state")
    assert attributes(page, "div", "stream")["data-turn"] == "0"
    assert "It asks nothing, and nobody asks it." in page.text
    assert "There is no mail from or to it yet." in page.text


def test_a_call_is_folded_with_what_it_was_given_and_what_it_gave_back(console: Console, bob: Worker) -> None:
    bob.begin()
    bob.tell(says(text("I look.\nThen I act."), call("Bash", command="ls -l")), result("a b c"))
    page = console.get("/agents/bob")
    said, called = items(page)
    assert said == "I look. Then I act."
    assert called == "Bash ls -l command: ls -l Gave back a b c"
    assert [given for tag, given in page.tags if tag == "details" and "data-call" in given] == [{"data-call": "c1"}]


def test_a_call_that_failed_says_so_and_a_result_alone_stands_alone(console: Console, bob: Worker) -> None:
    bob.begin()
    bob.tell(says(call("Bash", command="ls")), result("no such file", failed=True), result("late", "other"))
    called, alone = items(console.get("/agents/bob"))
    assert "Failed, and gave back no such file" in called
    assert alone == "A call gave back late Gave back late"


def test_a_change_of_a_text_is_drawn(console: Console, bob: Worker) -> None:
    bob.begin()
    bob.tell(says(call("Edit", **EDIT)))
    page = console.get("/agents/bob")
    assert "- two" not in page.text
    assert "-two +three" in items(page)[0]
    assert ("tr", {"class": "add"}) in page.tags
    assert ("tr", {"class": "del"}) in page.tags


def test_other_lines_stand_as_they_are(console: Console, bob: Worker) -> None:
    bob.begin()
    bob.tell("plain words", "{", "x" * 500, {"type": "stream_event"}, {"type": "result", "subtype": "success"})
    page = console.get("/agents/bob")
    plain, brace, long, ended = items(page)
    assert (plain, brace, ended) == ("plain words", "{", "came to its end")
    assert long == "x" * 119 + "… " + "x" * 500


def test_what_is_longer_than_anybody_reads_is_cut_and_says_so(console: Console, bob: Worker) -> None:
    bob.begin()
    bob.tell(says(text("y" * 20_007)))
    assert "7 more characters are not shown." in console.get("/agents/bob").text


def test_a_hostile_stream_is_text_and_nothing_else(console: Console, bob: Worker) -> None:
    bob.begin(HOSTILE)
    bob.tell(
        HOSTILE,
        says(text(HOSTILE), call(HOSTILE, HOSTILE, **{HOSTILE: HOSTILE}), {"type": "thinking", "thinking": HOSTILE}),
        result(HOSTILE, HOSTILE),
        says({"type": HOSTILE}),
        {"type": "system", "subtype": "init", "session_id": HOSTILE, "model": HOSTILE},
        {"type": "result", "subtype": HOSTILE, "is_error": True, "result": HOSTILE},
        {"type": "hyperhive", "note": HOSTILE},
    )
    bob.end("failed", error=HOSTILE, usage={"model": HOSTILE, "session": HOSTILE})
    for path in ("/agents/bob", f"/agents/bob/turns/{bob.turn}", f"/agents/bob/stream?turn={bob.turn}"):
        page = console.get(path)
        assert page.status == 200
        assert "<script>alert(1)</script>" in page.text, path
        assert ("script", {}) not in page.tags, path
        assert not [name for _, given in page.tags for name in given if name.startswith("on") or name == "style"], path


def test_the_part_of_a_stream_that_a_page_lacks_comes_alone(console: Console, bob: Worker) -> None:
    turn = bob.begin()
    bob.tell("one", "two", "three")
    first = console.get("/agents/bob/stream", turn=str(turn), after="0")
    assert items(first) == ["one", "two", "three"]
    assert f"Turn {turn} began" in first.text
    rest = console.get("/agents/bob/stream", turn=str(turn), after="2")
    assert items(rest) == ["three"]
    assert "began" not in rest.text
    assert ("ol", {"data-turn": str(turn), "data-last": "3"}) in rest.tags
    nothing = console.get("/agents/bob/stream", turn=str(turn), after="3")
    assert (items(nothing), ("ol", {"data-turn": str(turn), "data-last": "3"}) in nothing.tags) == ([], True)
    assert not [tag for tag, _ in rest.tags if tag == "html"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/agents/bob/stream", "'turn' must be the number of a turn"),
        ("/agents/bob/stream?turn=77", "there is no turn 77"),
        ("/agents/manager/stream?turn=1", "turn 1 is none of 'manager'"),
        ("/agents/manager/turns/1", "turn 1 is none of 'manager'"),
        ("/agents/bob/turns/77", "there is no turn 77"),
    ],
)
def test_a_turn_that_is_not_there_is_a_sentence(console: Console, bob: Worker, path: str, sentence: str) -> None:
    assert bob.begin() == 1
    page = console.get(path)
    assert page.status == 404
    assert sentence in page.text


def test_a_stream_is_asked_for_by_numbers(console: Console, bob: Worker) -> None:
    assert bob.begin() == 1
    for fields, sentence in (
        ({"turn": "x"}, "'turn' is the number of a turn, not 'x'"),
        ({"turn": "1", "after": "-1"}, "'after' is the number of an event, not '-1'"),
    ):
        page = console.get("/agents/bob/stream", **fields)
        assert page.status == 409
        assert sentence in page.text


def test_the_page_begins_with_the_end_of_the_stream_and_says_how_far_it_is(console: Console, bob: Worker) -> None:
    turn = bob.begin()
    for start in range(0, 250, 50):
        bob.tell(*(f"line {number}" for number in range(start, start + 50)))
    page = console.get("/agents/bob")
    assert items(page)[0] == "line 50"
    assert attributes(page, "div", "stream")["data-last"] == "250"
    told = [given for tag, given in page.tags if tag == "p" and "data-last" in given]
    assert told == [{"data-turn": str(turn), "data-last": "250"}]
    renewed = console.request("GET", "/agents/bob", headers={"X-Part": "1"})
    assert ("p", {"data-turn": str(turn), "data-last": "250"}) in renewed.tags


def test_a_turn_has_an_address_for_good(console: Console, bob: Worker) -> None:
    turn = bob.begin("fix the lights")
    bob.tell(says(text("done")))
    bob.end(usage={"input_tokens": 1200, "cached_tokens": 1000, "output_tokens": 34, "cost_micros": 120_000})
    assert f"/agents/bob/turns/{turn}" in console.get("/agents/bob").links
    page = console.get(f"/agents/bob/turns/{turn}")
    assert f"Turn {turn} of bob" in page.text
    assert "fix the lights" in page.text
    assert items(page) == ["done"]
    facts = page.part("stream-state")
    for fact in ("Tokens read 1 200", "Of them cached 1 000", "Tokens written 34", "Cost $0.12"):
        assert fact.replace(" ", " ") in facts.replace("\N{NARROW NO-BREAK SPACE}", " "), fact
    assert re.search(r"done after \d+ s", facts)


def test_one_turn_is_the_only_one_and_more_are_the_last(console: Console, bob: Worker) -> None:
    bob.begin()
    bob.end()
    assert "The only turn so far." in console.get("/agents/bob").part("turns")
    bob.begin()
    assert "The last 2 turns, newest first." in console.get("/agents/bob").part("turns")


def test_turns_are_listed_with_how_they_ended_and_drawn_as_bars(console: Console, bob: Worker) -> None:
    bob.begin()
    bob.end(usage={"input_tokens": 10, "duration_ms": 61_000})
    bob.begin()
    bob.end(usage={"output_tokens": 30, "cost_micros": 50_000, "duration_ms": 1000})
    last = bob.begin()
    bob.end("failed", error="no <such> model", usage={"duration_ms": 0})
    page = console.get("/agents/bob")
    assert "failed no <such> model" in page.part(f"turn-row-{last}")
    names = [given["aria-label"] for tag, given in page.tags if tag == "svg"]
    assert names == [
        "Tokens of 2 turns: from 10 to 30, the last 30",
        "Duration of 3 turns: from 0 s to 1 min, the last 0 s",
        "Cost of 1 turn: from $0.05 to $0.05, the last $0.05",
    ]
    heights = [given["height"] for tag, given in page.tags if tag == "rect"][:3]
    assert heights == ["20.0", "60.0", "1.0"]


def test_a_message_of_the_operators_reaches_the_agent(console: Console, bob: Worker) -> None:
    page = console.post("/mail/new", to="bob", back="/agents/bob", body=f"  mind\nthe gap {HOSTILE}  ")
    assert page.path == "/agents/bob"
    assert "is on its way to bob" in page.text
    assert "operator to bob" in page.part("agent-mail")
    assert ("script", {}) not in page.tags
    (letter,) = bob.client.ask("recv", max=1)["messages"]
    assert (letter["from"], letter["body"]) == ("operator", f"  mind\nthe gap {HOSTILE}  ")
    assert console.post("/mail/new", to="bob", body=" \n ").status == 409
    refused = console.post("/mail/new", to="nobody", body="what I typed")
    assert refused.status == 409
    assert "nobody here is called 'nobody'" in refused.text
    assert "what I typed" in refused.text


def test_open_questions_stand_on_the_page_of_who_asks(console: Console, bob: Worker) -> None:
    asked = bob.client.ask("ask_operator", question=f"Which? {HOSTILE}", options=[], multi=False)
    page = console.get("/agents/bob")
    assert f"/questions/{asked['id']}" in page.links
    assert "Asks operator" in page.part("open-questions")
    assert "U+202E" in page.part("open-questions")
    assert ("script", {}) not in page.tags


def test_the_log_is_what_the_program_printed(hive: Hive, console: Console, bob: Worker) -> None:
    log = hive.state / "runtime/bob/log"
    log.write_text(log.read_text() + f"well {HOSTILE}\n")
    page = console.get("/agents/bob/log")
    assert "well <script>alert(1)</script>" in page.text
    assert ("script", {}) not in page.tags
