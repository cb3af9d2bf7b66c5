"""The turn loop and what the operator wants of it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from hyperhive.agent.runner import Limited, Result
from hyperhive.agent.turn import PATIENCE
from hyperhive.wire.agent_requests import Recv, Send
from hyperhive.wire.responses import Ok
from hyperhive.wire.states import OrderKind, TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn, Report
from hyperhive.wire.turns import Usage
from tests.agent.scripted import NOW, STAGGER, Bench

DONE, FAILED, CANCELLED = TurnOutcome.DONE, TurnOutcome.FAILED, TurnOutcome.CANCELLED
LIMITED, NEEDS_LOGIN = TurnOutcome.LIMITED, TurnOutcome.NEEDS_LOGIN


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
