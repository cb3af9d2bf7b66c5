"""The turn loop after a turn that did not end well: how long it rests, and what it says meanwhile."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from hyperhive.agent.runner import Limited, NotLoggedIn, Result, TurnError
from hyperhive.agent.setbacks import LONGEST_LIMIT
from hyperhive.agent.turn import LONGEST_TURN, RENEWAL
from hyperhive.wire.agent_requests import Renew, RequeueInflight
from hyperhive.wire.states import OrderKind, TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn
from hyperhive.wire.turns import Usage
from tests.agent.scripted import NOW, STAGGER, Bench

DONE, FAILED, CANCELLED = TurnOutcome.DONE, TurnOutcome.FAILED, TurnOutcome.CANCELLED
LIMITED, NEEDS_LOGIN = TurnOutcome.LIMITED, TurnOutcome.NEEDS_LOGIN


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


def test_a_turn_without_end_is_ended(bench: Bench) -> None:
    bench.turn(Deferred())
    bench.clock.pump([RENEWAL] * int(LONGEST_TURN / RENEWAL))
    assert bench.daemon.ends[0] == (FAILED, True, "the turn went on for 25 hours and was ended")
    assert len(bench.daemon.of(Renew)) == LONGEST_TURN / RENEWAL - 1


def test_a_turn_that_may_not_begin_is_a_failure_that_puts_the_mail_back_at_no_cost(bench: Bench) -> None:
    bench.daemon.refusals[BeginTurn] = "message 1 is not in hand"
    bench.turn()
    assert bench.runner.done == []
    assert bench.daemon.of(RequeueInflight) == [RequeueInflight((1,), spent=False)]
    assert bench.pause() == 1
