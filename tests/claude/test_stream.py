"""What recorded streams of the real CLI come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from hyperhive.agent.claude.stream import NoSession, Reading
from hyperhive.agent.runner import Limited, NotLoggedIn, NotShortened, PromptTooLong, TurnError
from hyperhive.wire.codec import AGENT
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turn_requests import EndTurn
from hyperhive.wire.turns import Usage
from tests.claude.record import RESET, SCENES, STREAMS, UNKNOWN

NOW = 1_800_000_000.0


def read(name: str, resumed: str | None = None) -> tuple[Reading, list[Usage | TurnError]]:
    """Read a recording; what it comes to, each time that it comes to something."""
    reading = Reading(resumed)
    lines = (STREAMS / f"{name}.jsonl").read_bytes().splitlines()
    outcomes = [reading.read(orjson.loads(line), NOW) for line in lines]
    return reading, [outcome for outcome in outcomes if outcome is not None]


def test_a_good_turn_says_what_it_took() -> None:
    reading, (first, second) = read("good")
    assert reading.model == "claude-opus-5-5"
    assert isinstance(first, Usage)
    assert isinstance(second, Usage)
    assert (first.model, first.session) == (reading.model, reading.session)
    assert (first.input_tokens, first.output_tokens, first.cached_tokens) == (222, 14, 200)
    assert first.context_tokens == 112
    assert first.cost_micros == 408
    assert first.duration_ms is not None


def test_what_a_turn_cost_is_not_what_the_session_has_cost_so_far() -> None:
    _, (first, second) = read("good")
    assert isinstance(first, Usage)
    assert isinstance(second, Usage)
    assert (first.cost_micros, second.cost_micros) == (408, 204)


@pytest.mark.parametrize("name", ["long", "resumed", "rate-limited-shortly", "compacted"])
def test_these_end_well(name: str) -> None:
    assert [type(outcome) for outcome in read(name)[1]] == [Usage]


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("key-refused", NotLoggedIn, "the provider refuses the login"),
        ("token-refused", NotLoggedIn, "the provider refuses the login"),
        ("not-logged-in", NotLoggedIn, "Not logged in"),
        ("rate-limited", Limited, "API Error: Request rejected (429)"),
        ("used-up", Limited, "You've hit your 5-hour limit"),
        ("used-up-still", Limited, "You've hit your 5-hour limit"),
        ("too-long", PromptTooLong, "Prompt is too long"),
        ("overloaded", TurnError, "API Error: Repeated 529 Overloaded errors."),
        ("interrupted", TurnError, "[ede_diagnostic]"),
        ("interrupted-speaking", TurnError, "[ede_diagnostic]"),
        ("compacting-failed", NotShortened, "the context could not be shortened: Compaction failed"),
    ],
)
def test_a_failure_is_told_from_others_and_has_the_words_of_the_cli(
    name: str, kind: type[TurnError], reason: str
) -> None:
    outcome = read(name)[1][0]
    assert type(outcome) is kind
    assert str(outcome).startswith(reason)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Not logged in · Please run /login", "Not logged in"),
        ("Please run /login · API Error: 401 expired", "API Error: 401 expired"),
        ("Please run /login", "nobody is logged in"),
    ],
)
def test_the_reason_of_a_missing_login_names_no_command_of_the_cli(said: str, reason: str) -> None:
    failed = Reading().read({"type": "result", "is_error": True, "api_error_status": 401, "result": said}, NOW)
    assert isinstance(failed, NotLoggedIn)
    assert str(failed) == reason


def test_all_that_was_read_counts_as_input_from_the_cache_or_into_it_or_neither() -> None:
    used = {
        "input_tokens": 3, "cache_creation_input_tokens": 40, "cache_read_input_tokens": 500, "output_tokens": 6000,
    }  # fmt: skip
    usage = Reading().read({"type": "result", "usage": used}, NOW)
    assert isinstance(usage, Usage)
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (543, 500, 6000)


@pytest.mark.parametrize(("name", "until"), [("used-up", RESET), ("used-up-still", RESET), ("rate-limited", None)])
def test_a_limit_ends_when_the_events_say_so(name: str, until: float | None) -> None:
    (outcome,) = read(name)[1]
    assert isinstance(outcome, Limited)
    assert outcome.until == until


def test_a_refused_login_is_known_by_the_first_attempt_and_not_by_the_last() -> None:
    lines = (STREAMS / "key-refused.jsonl").read_bytes().splitlines()
    assert orjson.loads(lines[1])["attempt"] == 1
    assert isinstance(Reading().read(orjson.loads(lines[1]), NOW), NotLoggedIn)


def test_a_limit_that_lasts_longer_than_the_cli_should_wait_is_one_at_once() -> None:
    retry = {"type": "system", "subtype": "api_retry", "error": "rate_limit", "retry_delay_ms": 90_000}
    outcome = Reading().read(retry, NOW)
    assert isinstance(outcome, Limited)
    assert outcome.until == NOW + 90
    assert Reading().read({**retry, "retry_delay_ms": 60_000}, NOW) is None
    assert Reading().read({**retry, "error": "overloaded"}, NOW) is None


def test_a_session_that_is_not_there_is_told_from_other_failures() -> None:
    assert [type(outcome) for outcome in read("no-session", UNKNOWN)[1]] == [NoSession]
    assert [type(outcome) for outcome in read("no-session")[1]] == [TurnError]


def test_after_a_compaction_the_context_is_what_was_left_of_it() -> None:
    _, (outcome,) = read("compacted")
    assert isinstance(outcome, Usage)
    boundary = next(line for line in (STREAMS / "compacted.jsonl").read_bytes().splitlines() if b"compact_boun" in line)
    assert outcome.context_tokens == orjson.loads(boundary)["compact_metadata"]["post_tokens"]


@pytest.mark.parametrize("words", ["429 rate limit reached", "Prompt is too long", "Not logged in · Please run /login"])
def test_what_a_model_says_of_failures_is_none(words: str) -> None:
    reading = Reading()
    said = {"model": "claude-opus-5-5", "content": [{"type": "text", "text": words}]}
    assert reading.read({"type": "assistant", "message": said}, NOW) is None
    assert isinstance(reading.read({"type": "result", "is_error": False, "result": words}, NOW), Usage)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": 1},
        {"type": "system", "subtype": "init", "session_id": 7, "model": None},
        {"type": "assistant", "message": "text"},
        {"type": "assistant", "message": {"usage": {"input_tokens": "many"}}},
        {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": "soon"}},
        {"type": "rate_limit_event"},
        {"type": "system", "subtype": "api_retry", "retry_delay_ms": []},
    ],
)
def test_events_of_another_shape_mean_nothing(event: dict[str, object]) -> None:
    assert Reading().read(event, NOW) is None


def test_a_result_that_says_hardly_anything_is_a_result_still() -> None:
    assert Reading().read({"type": "result", "usage": [], "model_usage_since_last_result": {"m": 1}}, NOW) == Usage()
    failed = Reading().read({"type": "result", "is_error": True, "errors": 1}, NOW)
    assert isinstance(failed, TurnError)
    assert str(failed) == "it did not say why"


@pytest.mark.parametrize("name", SCENES)
def test_no_recording_names_the_machine_that_it_was_made_on(name: str) -> None:
    text = (STREAMS / f"{name}.jsonl").read_text()
    assert not [word for word in ("/tmp", "/root", str(Path.home()), "127.0.0.1:") if word in text]


def usage_of(result: Any, *before: Any) -> Usage:
    """What a turn took that ended so."""
    reading = Reading()
    for event in before:
        assert reading.read(event, NOW) is None
    outcome = reading.read({"type": "result", **result}, NOW)
    assert isinstance(outcome, Usage)
    ending = EndTurn(1, TurnOutcome.DONE, usage=outcome)
    assert AGENT.request(AGENT.line_of_request(ending)) == ending
    return outcome


@pytest.mark.parametrize("much", [2**63, 2**70, -(2**64), 10**400, 1.5, True, "7"])
def test_a_number_that_the_wire_does_not_take_is_as_if_it_were_not_said(much: Any) -> None:
    used = {"input_tokens": much, "output_tokens": much, "cache_read_input_tokens": much}
    assert usage_of({"usage": used, "duration_ms": much}) == Usage()


def test_numbers_that_together_are_more_than_the_wire_takes_are_not_said() -> None:
    used = {"input_tokens": 2**62, "cache_creation_input_tokens": 2**62, "output_tokens": 5}
    speaks = {"type": "assistant", "message": {"usage": used}}
    assert usage_of({"usage": used}, speaks) == Usage(output_tokens=5)


@pytest.mark.parametrize("costs", [(1e308, 1e308), (1e300,), (1e13,)])
def test_a_cost_that_nobody_can_have_is_not_said(costs: tuple[float, ...]) -> None:
    models = {str(number): {"costUSD": cost} for number, cost in enumerate(costs)}
    assert usage_of({"model_usage_since_last_result": models}).cost_micros is None


@pytest.mark.parametrize("name", ["m" * 1025, "ä" * 513, "m\0", " "])
def test_a_model_and_a_session_that_are_no_names_are_not_said(name: str) -> None:
    assert usage_of({}, {"type": "system", "subtype": "init", "session_id": name, "model": name}) == Usage()


def test_a_result_before_the_turn_has_begun_is_an_earlier_turns() -> None:
    reading = Reading(fresh=False)
    stray: list[Any] = [{"type": "result"}, {"type": "result", "is_error": True}, {"type": "assistant", "message": {}}]
    assert [reading.read(event, NOW) for event in stray] == [None] * 3
    reading.read({"type": "system", "subtype": "init", "session_id": "s", "model": "m"}, NOW)
    assert reading.read({"type": "result"}, NOW) == Usage(model="m", session="s")


@pytest.mark.parametrize("name", sorted({path.stem for path in STREAMS.glob("*.jsonl")} - {"no-session"}))
def test_the_real_cli_begins_each_turn_with_an_init_before_it_says_anything_in_it(name: str) -> None:
    begun = False
    for event in map(orjson.loads, (STREAMS / f"{name}.jsonl").read_bytes().splitlines()):
        begun |= event.get("subtype") == "init"
        assert begun or event.get("subtype") == "status"
        begun &= event["type"] != "result"
