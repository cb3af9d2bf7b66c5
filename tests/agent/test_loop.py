"""The turn loop over a scripted daemon and a scripted runner: what every end of a turn leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from hyperhive.agent import turn
from hyperhive.agent.command import GRACE
from hyperhive.agent.runner import Limited, NotLoggedIn, PromptTooLong, Result, TurnError
from hyperhive.agent.setbacks import LONGEST_LIMIT
from hyperhive.agent.turn import LONGEST_TURN, PATIENCE, RENEWAL
from hyperhive.wire.agent_requests import GetOpenThreads, Recv, Renew, RequeueInflight, Send
from hyperhive.wire.responses import Ok
from hyperhive.wire.states import OrderKind, TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn, Report
from hyperhive.wire.turns import Usage
from tests.agent.scripted import NOW, STAGGER, Bench

DONE, FAILED, CANCELLED = TurnOutcome.DONE, TurnOutcome.FAILED, TurnOutcome.CANCELLED
LIMITED, NEEDS_LOGIN = TurnOutcome.LIMITED, TurnOutcome.NEEDS_LOGIN


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "credentials")
    made.start()
    yield made
    made.daemon.come_back()
    made.loop.stop(0)
    assert made.over.called
    assert made.clock.getDelayedCalls() == []


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


def test_a_failed_turn_costs_an_attempt_and_the_next_one_waits_twice_as_long_each_time(bench: Bench) -> None:
    bench.turn(*[TurnError("it died", Usage(output_tokens=2))] * 8)
    assert bench.daemon.stands() == ("waiting", NOW + 1, "it died")
    assert [bench.pause() for _ in range(7)] == [1, 2, 4, 8, 16, 32, 60]
    assert bench.daemon.ends == [(FAILED, True, "it died")] * 8
    assert bench.daemon.of(EndTurn)[0].usage == Usage(output_tokens=2)
    assert bench.pause() == 60
    assert bench.daemon.ends[-1] == (DONE, None, None)
    assert bench.daemon.stands() == ("ready", None, None)


def test_a_good_turn_ends_the_row_of_failures(bench: Bench) -> None:
    bench.turn(TurnError("it died"), TurnError("it died"), Result(), TurnError("it died again"))
    bench.pause()
    bench.pause()
    bench.turn(number=2)
    assert bench.pause() == 1


def test_a_fault_of_the_runner_is_a_failed_turn(bench: Bench, logged: list[Failure]) -> None:
    bench.turn(ZeroDivisionError())
    assert bench.daemon.ends == [(FAILED, True, "the runner has a fault (ZeroDivisionError); the agent's log has it")]
    logged.clear()


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
        assert bench.runner.prompts[1].letters == ()
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


def test_a_limit_costs_no_attempt_and_the_mail_waits_until_it_is_over_and_a_little_longer(bench: Bench) -> None:
    bench.turn(Limited("the quota is spent", NOW + 100))
    assert bench.daemon.ends == [(LIMITED, False, "the quota is spent")]
    assert bench.daemon.stands() == ("limited", NOW + 100, "the quota is spent")
    assert bench.pause() == 100 + STAGGER
    assert bench.daemon.stands() == ("ready", None, None)
    assert bench.daemon.ends[1:] == [(DONE, None, None)]


@pytest.mark.parametrize("until", [None, NOW - 1])
def test_a_limit_without_an_end_is_tried_again_after_one_minute_two_and_so_on_up_to_thirty(
    bench: Bench, until: float | None
) -> None:
    bench.turn(*[Limited("slow down", until)] * 8)
    assert [bench.pause() for _ in range(7)] == [60, 120, 240, 480, 960, 1800, 1800]
    assert bench.daemon.ends == [(LIMITED, False, "slow down")] * 8


def test_a_limit_until_an_impossible_time_is_looked_at_again(bench: Bench) -> None:
    bench.turn(Limited("slow down", 1e15))
    assert bench.pause() == LONGEST_LIMIT + STAGGER


def test_who_is_not_logged_in_waits_for_a_token_and_goes_on_with_it(bench: Bench) -> None:
    bench.turn(NotLoggedIn("who are you"))
    assert bench.daemon.ends == [(NEEDS_LOGIN, False, "who are you")]
    assert bench.daemon.stands() == ("needs_login", None, "who are you")
    bench.clock.pump([3600] * 3)
    assert len(bench.daemon.ends) == 1
    bench.daemon.order(OrderKind.LOGIN, token="secret")
    assert bench.runner.tokens == ["secret"]
    assert bench.daemon.stands() == ("ready", None, None)
    assert bench.daemon.ends[1:] == [(DONE, None, None)]


def test_who_is_not_logged_in_goes_on_when_the_credentials_change(bench: Bench) -> None:
    bench.turn(NotLoggedIn("who are you"))
    bench.clock.advance(5)
    assert bench.daemon.stands()[0] == "needs_login"
    bench.credentials.write_text("it is me")
    bench.clock.advance(5)
    assert bench.daemon.stands() == ("ready", None, None)
    assert bench.daemon.ends[1:] == [(DONE, None, None)]


def test_a_login_during_the_turn_that_failed_for_want_of_one_is_seen(bench: Bench) -> None:
    under_way: Deferred[Result] = Deferred()
    bench.turn(under_way)
    bench.credentials.write_text("it is me")
    under_way.errback(NotLoggedIn("who are you"))
    bench.clock.advance(5)
    assert bench.daemon.stands() == ("ready", None, None)


def test_a_secret_is_in_no_line_of_the_log(bench: Bench, said: list[str]) -> None:
    bench.daemon.order(OrderKind.LOGIN, token="secret")
    assert "the operator's order is carried out: login" in said
    assert "secret" not in "".join(said)


def test_the_turn_that_is_named_is_cancelled_and_costs_an_attempt(bench: Bench) -> None:
    bench.turn(Deferred())
    bench.daemon.order(OrderKind.CANCEL_TURN, turn=1)
    assert bench.daemon.ends == [(CANCELLED, True, "the operator cancelled it"), (DONE, None, None)]
    assert bench.daemon.of(EndTurn)[0].usage == Usage(output_tokens=5)


def test_another_turn_than_the_one_that_is_named_goes_on(bench: Bench) -> None:
    under_way: Deferred[Result] = Deferred()
    bench.turn(under_way)
    bench.daemon.order(OrderKind.CANCEL_TURN, turn=7)
    assert bench.runner.done == ["turn"]
    under_way.callback(Result())
    assert bench.daemon.ends == [(DONE, None, None)]


def test_a_turn_that_is_cancelled_before_its_number_was_heard_does_not_begin_its_work(bench: Bench) -> None:
    begun: Deferred[Any] = Deferred()
    bench.daemon.answers[BeginTurn] = begun
    bench.turn()
    bench.daemon.order(OrderKind.CANCEL_TURN, turn=41)
    del bench.daemon.answers[BeginTurn]
    begun.callback(Ok(41))
    assert bench.daemon.of(EndTurn)[0] == EndTurn(
        41, CANCELLED, spent=True, error="the operator cancelled it", usage=Usage()
    )


def test_a_turn_that_ends_well_although_it_was_cancelled_is_done(bench: Bench) -> None:
    bench.runner.obeys = False
    under_way: Deferred[Result] = Deferred()
    bench.turn(under_way)
    bench.daemon.order(OrderKind.CANCEL_TURN, turn=1)
    under_way.callback(Result(reply="done already"))
    assert bench.daemon.ends == [(DONE, None, None)]
    assert len(bench.daemon.of(Send)) == 1


def test_a_runner_that_does_not_end_a_cancelled_turn_is_left_behind(bench: Bench) -> None:
    bench.runner.obeys = False
    bench.turn(Deferred())
    bench.daemon.order(OrderKind.CANCEL_TURN, turn=1)
    bench.clock.advance(PATIENCE - 1)
    assert bench.daemon.ends == []
    bench.clock.advance(1)
    assert bench.daemon.ends[0] == (CANCELLED, True, "the operator cancelled it; its runner did not end it in time")


def test_a_turn_without_end_is_ended(bench: Bench) -> None:
    bench.turn(Deferred())
    bench.clock.pump([RENEWAL] * int(LONGEST_TURN / RENEWAL))
    assert bench.daemon.ends[0] == (FAILED, True, "the turn went on for 6 hours and was ended")
    assert len(bench.daemon.of(Renew)) == LONGEST_TURN / RENEWAL - 1


def test_a_model_a_session_and_a_shorter_context_are_had_between_two_turns(bench: Bench) -> None:
    under_way: Deferred[Result] = Deferred()
    bench.turn(under_way)
    for kind, facts in (OrderKind.SET_MODEL, {"model": "m-1"}), (OrderKind.NEW_SESSION, {}), (OrderKind.COMPACT, {}):
        bench.daemon.order(kind, **facts)
    assert bench.runner.done == ["turn"]
    under_way.callback(Result())
    assert bench.runner.done == ["turn", "model m-1", "new session", "turn", "compact"]
    assert bench.daemon.of(Report)[-1].model == "m-1"


def test_an_order_breaks_off_the_wait_for_mail(bench: Bench) -> None:
    bench.daemon.order(OrderKind.COMPACT)
    assert bench.runner.done == ["turn", "compact"]
    assert len(bench.daemon.of(Recv)) == 2
    assert bench.daemon.waits_for_mail()


def test_an_order_does_not_shorten_a_rest(bench: Bench) -> None:
    bench.turn(Limited("the quota is spent", NOW + 100))
    bench.clock.advance(40)
    bench.daemon.order(OrderKind.NEW_SESSION)
    assert bench.daemon.stands()[0] == "limited"
    assert bench.pause() == 60 + STAGGER


def test_another_model_ends_the_wait_for_the_limit_of_the_first(bench: Bench) -> None:
    bench.turn(Limited("the quota is spent", NOW + 100))
    bench.daemon.order(OrderKind.SET_MODEL, model="m-1")
    assert bench.daemon.stands() == ("ready", None, None)


def test_the_model_that_a_turn_was_done_with_is_told(bench: Bench) -> None:
    bench.turn(Result(usage=Usage(model="m-2")))
    assert bench.daemon.of(Report)[-1].model == "m-2"


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


def test_what_is_open_is_put_before_it_until_a_turn_went_well(bench: Bench) -> None:
    bench.turn(TurnError("it died"))
    bench.pause()
    assert ["started again" in prompt.text for prompt in bench.runner.prompts] == [True, True]


def test_a_runner_gets_its_prompt_though_what_is_open_is_not_known(bench: Bench) -> None:
    bench.daemon.refusals[GetOpenThreads] = "not now"
    bench.turn()
    assert "hello" in bench.runner.prompts[0].text
    assert bench.daemon.ends == [(DONE, None, None)]


def test_a_turn_that_may_not_begin_is_a_failure_that_puts_the_mail_back_at_no_cost(bench: Bench) -> None:
    bench.daemon.refusals[BeginTurn] = "message 1 is not in hand"
    bench.turn()
    assert bench.runner.done == []
    assert bench.daemon.of(RequeueInflight) == [RequeueInflight((1,), spent=False)]
    assert bench.pause() == 1


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


def test_a_long_reason_is_cut_to_what_the_wire_takes() -> None:
    assert len(turn.shortened("ä" * 16384).encode()) == 16384
    assert turn.shortened("short") == "short"
