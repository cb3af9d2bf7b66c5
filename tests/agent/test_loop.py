"""The turn loop over a scripted daemon and a scripted runner."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from hyperhive.agent.loop import PATIENCE
from hyperhive.agent.runner import (
    GRACE,
    Cancelled,
    Limited,
    NotLoggedIn,
    NotShortened,
    PromptTooLong,
    Result,
    TurnError,
)
from hyperhive.agent.turn import RENEWAL
from hyperhive.wire.agent_requests import GetOpenThreads, Recv, Send
from hyperhive.wire.fields import TEXT_BYTES
from hyperhive.wire.states import OrderKind, TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn
from hyperhive.wire.turns import Usage
from tests.agent.scripted import NOW, Bench

DONE, FAILED, CANCELLED = TurnOutcome.DONE, TurnOutcome.FAILED, TurnOutcome.CANCELLED
LIMITED, NEEDS_LOGIN = TurnOutcome.LIMITED, TurnOutcome.NEEDS_LOGIN


def test_a_message_is_taken_worked_on_and_ended_with_its_turn(bench: Bench) -> None:
    bench.turn(Result(reply="hello yourself", usage=Usage(input_tokens=3)))
    asked = [one for one in bench.daemon.asked if isinstance(one, Recv | BeginTurn | Send | EndTurn)]
    assert asked == [
        Recv(180, 1),
        BeginTurn((1,), "scripted", "m-0"),
        Send("bob", "hello yourself", 1, in_turn=True),
        EndTurn(1, DONE, usage=Usage(input_tokens=3)),
        Recv(180, 1),
    ]


def test_a_runner_that_sends_by_itself_leaves_no_reply_to_the_loop(bench: Bench) -> None:
    bench.turn(Result())
    assert bench.daemon.of(Send) == []
    assert bench.daemon.ends == [(DONE, None, None)]


def test_a_prompt_that_is_too_long_has_the_context_shortened_and_is_tried_once_more_in_the_same_turn(
    bench: Bench,
) -> None:
    bench.turn(PromptTooLong("too long"), Usage(), Result(reply="made it"))
    assert bench.runner.done == ["turn", "compact", "turn"]
    assert len(bench.daemon.of(BeginTurn)) == 1
    assert bench.daemon.ends == [(DONE, None, None)]


def test_a_prompt_that_stays_too_long_fails_and_the_next_try_begins_with_an_empty_context(bench: Bench) -> None:
    bench.turn(PromptTooLong("too long"), Usage(), PromptTooLong("still"))
    assert bench.daemon.ends == [(FAILED, True, "the prompt is too long, even with the context shortened")]
    assert bench.runner.done == ["turn", "compact", "turn", "new session"]
    bench.pause()
    assert bench.daemon.ends[1:] == [(DONE, None, None)]


def test_a_context_that_can_not_be_shortened_is_left_behind_so_that_later_mail_finds_an_empty_one(
    bench: Bench, said: list[str]
) -> None:
    bench.turn(PromptTooLong("too long"), TurnError("the context could not be shortened: too long"))
    assert bench.daemon.ends == [(FAILED, True, "the context could not be shortened: too long")]
    assert bench.runner.done == ["turn", "compact", "new session"]
    why = "the context could not be shortened: too long"
    assert f"a new session begins, as the full one can't be shortened: {why}" in said
    bench.pause()
    assert bench.daemon.ends[1:] == [(DONE, None, None)]
    assert "started again" in bench.runner.prompts[-1].text


@pytest.mark.parametrize("why", [Cancelled("enough"), Limited("no more", None), NotLoggedIn("who are you")])
def test_a_compaction_that_failed_for_another_reason_than_the_context_keeps_the_session(
    bench: Bench, why: TurnError
) -> None:
    bench.turn(PromptTooLong("too long"), why)
    assert bench.runner.done[:2] == ["turn", "compact"]
    assert "new session" not in bench.runner.done


def test_a_context_without_room_for_notes_that_can_not_be_shortened_is_left_behind_too(bench: Bench) -> None:
    bench.turn(Result(usage=Usage(context_tokens=2000)), PromptTooLong("no room"), TurnError("it can't be shortened"))
    assert bench.runner.done == ["turn", "turn", "compact", "new session"]


@pytest.mark.parametrize("tokens", [1001, 1000, None])
def test_a_context_above_the_watermark_has_notes_written_and_is_shortened_before_the_next_message(
    bench: Bench, tokens: int | None
) -> None:
    first: Deferred[Result] = Deferred()
    bench.turn(first)
    bench.daemon.deliver("bob", "next", 2)
    first.callback(Result(usage=Usage(context_tokens=tokens)))
    if tokens == 1001:
        assert [begun.ids for begun in bench.daemon.of(BeginTurn)] == [(1,), (), (2,)]
        assert bench.runner.done == ["turn", "turn", "compact", "turn"]
        assert "Write into /notes" in bench.runner.prompts[1].text
        assert bench.runner.prompts[1].letter is None
    else:
        assert bench.runner.done == ["turn", "turn"]


def test_notes_that_can_not_be_written_for_want_of_room_do_not_keep_the_context_long(bench: Bench) -> None:
    bench.turn(Result(usage=Usage(context_tokens=2000)), PromptTooLong("no room"))
    assert bench.runner.done == ["turn", "turn", "compact"]
    assert bench.daemon.ends == [(DONE, None, None)] * 2


def test_notes_that_fail_are_no_endless_loop(bench: Bench) -> None:
    bench.turn(Result(usage=Usage(context_tokens=2000)), TurnError("it died"))
    assert bench.pause() == 1
    assert bench.daemon.waits_for_mail()


LONG = Usage(context_tokens=2000)


@pytest.mark.parametrize("compaction", [LONG, NotShortened("it stays as it is")], ids=["long", "refused"])
def test_a_context_that_stays_long_is_shortened_again_after_some_turns_and_not_after_each(
    bench: Bench, said: list[str], compaction: Usage | NotShortened
) -> None:
    bench.turn(Result(usage=LONG), Result(), compaction)
    if isinstance(compaction, NotShortened):
        bench.pause()
    for number in range(2, PATIENCE + 1):
        bench.turn(Result(usage=LONG), number=number)
    assert bench.runner.done.count("compact") == 1
    assert not any("short enough now" in line for line in said)
    assert any(line.startswith("the context is not short enough: ") for line in said)
    bench.turn(Result(usage=LONG), Result(), Usage(context_tokens=10), number=99)
    assert bench.runner.done.count("compact") == 2
    assert said[-1] == "notes were written, and the context is short enough now"


def test_a_prompt_that_is_too_long_and_a_context_that_can_not_be_shortened_begin_with_an_empty_one(
    bench: Bench,
) -> None:
    bench.turn(PromptTooLong("too long"), NotShortened("it stays as it is"))
    assert bench.daemon.ends == [(FAILED, True, "it stays as it is")]
    assert bench.runner.done == ["turn", "compact", "new session"]
    bench.pause()


def test_what_is_open_is_put_before_it_at_its_first_turn_and_not_at_the_second(bench: Bench) -> None:
    bench.turn()
    bench.turn(number=2)
    assert ["started again" in prompt.text for prompt in bench.runner.prompts] == [True, False]


@pytest.mark.parametrize("kind", [OrderKind.COMPACT, OrderKind.NEW_SESSION])
def test_what_is_open_is_put_before_it_again_after_its_context_was_shortened(bench: Bench, kind: OrderKind) -> None:
    bench.turn()
    bench.daemon.order(kind)
    bench.turn(number=2)
    assert len(bench.daemon.of(GetOpenThreads)) == 2
    assert "started again" in bench.runner.prompts[-1].text


def test_what_is_open_is_put_before_it_again_after_its_runner_forgot_by_itself(bench: Bench) -> None:
    bench.turn(Result(forgot=True))
    bench.turn(number=2)
    bench.turn(number=3)
    assert ["started again" in prompt.text for prompt in bench.runner.prompts] == [True, True, False]


def test_what_is_open_is_put_before_it_until_a_turn_went_well(bench: Bench) -> None:
    bench.turn(TurnError("it died"))
    bench.pause()
    assert ["started again" in prompt.text for prompt in bench.runner.prompts] == [True, True]


def test_a_runner_gets_its_prompt_though_what_is_open_is_not_known(bench: Bench) -> None:
    bench.daemon.refusals[GetOpenThreads] = "not now"
    bench.turn()
    assert "hello" in bench.runner.prompts[0].text
    assert bench.daemon.ends == [(DONE, None, None)]


def test_a_daemon_that_is_away_ends_no_turn(bench: Bench) -> None:
    under_way: Deferred[Result] = Deferred()
    bench.turn(under_way)
    bench.daemon.away = True
    bench.runner.hear("a line")
    bench.clock.advance(RENEWAL)
    under_way.callback(Result())
    assert bench.daemon.ends == []
    bench.daemon.come_back()
    assert bench.daemon.ends == [(DONE, None, None)]


def test_a_stopped_loop_lets_the_turn_end_in_its_grace_and_begins_no_other(bench: Bench) -> None:
    under_way: Deferred[Result] = Deferred()
    bench.turn(under_way)
    bench.daemon.deliver("bob", "next", 2)
    bench.loop.stop(4)
    bench.clock.advance(3)
    under_way.callback(Result(reply="in haste"))
    assert bench.daemon.ends == [(DONE, None, None)]
    assert bench.over.called
    assert bench.runner.closed
    assert len(bench.daemon.mail) == 1


def test_a_stopped_loop_cancels_the_turn_after_its_grace_and_puts_the_mail_back_at_no_cost(bench: Bench) -> None:
    bench.turn(Deferred())
    bench.loop.stop(4)
    assert not bench.over.called
    bench.clock.advance(4)
    assert bench.daemon.ends == [(CANCELLED, False, "hive-agent is stopping")]
    assert bench.over.called


def test_a_loop_that_is_stopped_while_a_turn_begins_does_not_begin_its_work(bench: Bench) -> None:
    bench.daemon.away = True
    bench.daemon._parked.pop().callback(take(bench, 1))
    bench.loop.stop(4)
    bench.daemon.come_back()
    assert bench.runner.done == []
    assert bench.daemon.ends == [(CANCELLED, False, "hive-agent is stopping")]


def take(bench: Bench, number: int) -> Any:
    """A message as it is handed out."""
    parked, bench.daemon._parked = bench.daemon._parked, []
    bench.daemon.deliver("bob", "hello", number)
    bench.daemon._parked = parked
    return bench.daemon._take()


def test_a_loop_that_rests_is_stopped_at_once(bench: Bench) -> None:
    bench.turn(Limited("the quota is spent", NOW + 100))
    bench.loop.stop(4)
    assert bench.over.called


def test_a_runner_that_does_not_close_holds_nothing_up_for_long(bench: Bench, said: list[str]) -> None:
    bench.runner.closing = Deferred()
    bench.loop.stop(0)
    bench.clock.advance(GRACE)
    assert bench.over.called
    assert said[-1] == "the runner did not end what runs for it in time"


def test_a_long_reason_is_cut_to_what_the_wire_takes(bench: Bench) -> None:
    bench.turn(TurnError("ä" * TEXT_BYTES))
    assert bench.daemon.ends == [(FAILED, True, "ä" * (TEXT_BYTES // 2))]
