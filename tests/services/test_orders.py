"""Orders to harnesses: brought once they are read, refused where nobody takes them, and never kept."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from hyperhive.errors import Refused, UnknownAgent
from hyperhive.limits import ORDER_SECONDS
from hyperhive.services.orders import GLANCE, Given
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER
from hyperhive.wire.records import AgentStatus
from hyperhive.wire.states import HarnessState, OperationKind, OrderKind, TurnOutcome
from hyperhive.wire.turns import Harness, Order
from tests.bench import Bench


def ask(bench: Bench, name: str = "bob", kind: OrderKind = OrderKind.COMPACT, **more: Any) -> Deferred[None]:
    """The operator orders something."""
    return Deferred.fromCoroutine(bench.harnesses.order(name, kind, **more))


def wait(bench: Bench, look: Any = lambda: None) -> Deferred[tuple[Given, ...]]:
    """The harness inside bob waits for orders."""
    return bench.orders.wait("bob", 30, look)


def status(bench: Bench, name: str = "bob") -> AgentStatus:
    return next(one for one in bench.get(bench.roster.statuses()) if one.name == name)


def test_an_order_is_given_once_it_was_read(bench: Bench) -> None:
    waiting = wait(bench)
    asked = ask(bench, kind=OrderKind.SET_MODEL, model="m")
    (given,) = bench.get(waiting)
    assert given.order == Order(order=OrderKind.SET_MODEL, model="m")
    assert not asked.called
    bench.orders.read(given)
    assert bench.get(asked) is None


def test_an_order_waits_for_who_asks_for_it(bench: Bench) -> None:
    asked = [ask(bench), ask(bench, kind=OrderKind.NEW_SESSION)]
    bench.settle()
    given = bench.get(wait(bench))
    assert [one.order.order for one in given] == [OrderKind.COMPACT, OrderKind.NEW_SESSION]
    for one in given:
        bench.orders.read(one)
    assert [one.called for one in asked] == [True, True]


def test_it_is_found_out_whether_an_order_was_read(bench: Bench) -> None:
    on_their_way: list[Given] = []
    waiting = wait(bench, lambda: bench.orders.read(on_their_way[0]))
    asked = ask(bench)
    on_their_way.append(bench.get(waiting)[0])
    bench.pass_time(GLANCE)
    assert bench.get(asked) is None


def test_an_order_that_may_not_have_been_read_is_given_to_the_next(bench: Bench) -> None:
    waiting = wait(bench)
    asked = ask(bench)
    (given,) = bench.get(waiting)
    bench.orders.back(given)
    assert bench.get(wait(bench)) == (given,)
    bench.orders.read(given)
    bench.orders.read(given)  # a second time changes nothing
    assert bench.get(asked) is None


def test_an_order_that_nobody_takes_is_refused_and_gone(bench: Bench) -> None:
    asked = ask(bench)
    bench.settle()
    for _ in range(int(ORDER_SECONDS / GLANCE) + 2):
        bench.pass_time(GLANCE)
    with pytest.raises(Refused) as refused:
        bench.get(asked)
    assert str(refused.value) == (
        "the program inside 'bob' did not take it within 10 seconds ('logs bob' shows what it says); nothing was done, "
        "as far as is known here"
    )
    assert not wait(bench).called


def test_who_waits_for_orders_is_answered_in_time(bench: Bench) -> None:
    waiting, other, left = wait(bench), wait(bench), wait(bench)
    left.cancel()
    bench.orders.hurry("bob", other)
    assert bench.get(other) == ()
    assert not waiting.called
    bench.pass_time(30)
    assert bench.get(waiting) == ()
    with pytest.raises(CancelledError):
        bench.get(left)


def test_orders_end_with_the_daemon(bench: Bench) -> None:
    asked = ask(bench)
    bench.settle()
    waiting = bench.orders.wait("alice", 30, lambda: None)
    bench.orders.stopService()
    with pytest.raises(Refused, match="the daemon ends; nothing was done"):
        bench.get(asked)
    assert bench.get(waiting) == ()


def test_an_order_that_is_taken_back_is_not_given(bench: Bench) -> None:
    asked = bench.orders.give("bob", OrderKind.COMPACT)
    asked.addErrback(lambda reason: reason.trap(CancelledError) and None)
    asked.cancel()
    assert not wait(bench).called


def test_nobody_can_be_ordered_where_nobody_runs(bench: Bench) -> None:
    bench.operate("bob", OperationKind.STOP)
    with pytest.raises(Refused, match="'bob' does not run, so that there is nobody to order; 'start' it"):
        bench.get(ask(bench))
    with pytest.raises(UnknownAgent):
        bench.get(ask(bench, "nobody"))


def test_the_turn_that_is_cancelled_is_the_one_under_way(bench: Bench) -> None:
    with pytest.raises(Refused, match="'bob' is in no turn"):
        bench.get(ask(bench, kind=OrderKind.CANCEL_TURN))
    turn = bench.get(bench.turns.begin("bob", (), "claude", None))
    waiting = wait(bench)
    ask(bench, kind=OrderKind.CANCEL_TURN)
    (given,) = bench.get(waiting)
    assert given.order.turn == turn
    bench.orders.read(given)
    bench.get(bench.turns.end("bob", turn, TurnOutcome.CANCELLED, None, None, spent=False))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (OrderKind.COMPACT, "context"),
        (OrderKind.NEW_SESSION, "context"),
        (OrderKind.SET_MODEL, "model"),
        (OrderKind.LOGIN, "login"),
    ],
)
def test_an_order_that_comes_to_nothing_with_a_command_is_refused(bench: Bench, kind: OrderKind, what: str) -> None:
    bench.get(bench.harnesses.report("bob", Harness(state=HarnessState.READY, runner="command")))
    with pytest.raises(Refused, match=f"^'bob' works by the runner 'command', which has no {what}$"):
        bench.get(ask(bench, kind=kind))
    bench.get(bench.harnesses.report("bob", Harness(state=HarnessState.READY, runner="claude")))
    obey(bench, kind)


def test_what_runner_another_start_had_refuses_nothing(bench: Bench) -> None:
    bench.get(bench.harnesses.report("bob", Harness(state=HarnessState.READY, runner="command")))
    bench.operate("bob", OperationKind.RESTART)
    obey(bench, OrderKind.COMPACT)


def obey(bench: Bench, kind: OrderKind) -> None:
    """The operator orders something, and gets it."""
    waiting = wait(bench)
    asked = ask(bench, kind=kind)
    (given,) = bench.get(waiting)
    bench.orders.read(given)
    assert bench.get(asked) is None


@pytest.mark.parametrize("model", ["", " "])
def test_a_model_without_a_name_is_refused(bench: Bench, model: str) -> None:
    with pytest.raises(Refused, match="'model' is empty; name a model, or leave it out for the configured one"):
        bench.get(ask(bench, kind=OrderKind.SET_MODEL, model=model))


def test_a_token_is_not_shown_where_an_order_is(bench: Bench) -> None:
    waiting = wait(bench)
    ask(bench, kind=OrderKind.LOGIN, token="secret")
    (given,) = bench.get(waiting)
    assert given.order.token == "secret"
    assert "secret" not in repr(given)
    bench.orders.read(given)


def test_a_report_stands_in_the_status_of_that_start_alone(bench: Bench) -> None:
    harness = Harness(state=HarnessState.LIMITED, until=9, model="m", note="why", runner="claude")
    bench.get(bench.harnesses.report("bob", harness))
    assert (status(bench).harness, status(bench).active_model, status(bench).needs_login) == (harness, "m", False)
    bench.operate("bob", OperationKind.RESTART)
    assert (status(bench).harness, status(bench).active_model) == (None, None)
    bench.get(bench.harnesses.report("bob", harness))
    bench.operate("bob", OperationKind.STOP)
    assert status(bench).harness is None


def test_the_manager_hears_of_a_missing_login_once_and_of_its_end_when_a_turn_went_well(bench: Bench) -> None:
    def report(state: HarnessState, name: str = "bob") -> None:
        bench.get(bench.harnesses.report(name, Harness(state=state)))

    def turn(outcome: TurnOutcome, name: str = "bob") -> None:
        number = bench.get(bench.turns.begin(name, (), "claude", None))
        bench.get(bench.turns.end(name, number, outcome, None, None, spent=False))

    turn(TurnOutcome.DONE)
    for state in (HarnessState.READY, HarnessState.NEEDS_LOGIN, HarnessState.NEEDS_LOGIN):
        report(state)
    assert status(bench).needs_login
    bench.operate("bob", OperationKind.RESTART)
    for state in (HarnessState.READY, HarnessState.NEEDS_LOGIN, HarnessState.LIMITED):
        report(state)
        turn(TurnOutcome.NEEDS_LOGIN)
    report(HarnessState.NEEDS_LOGIN, MANAGER)
    turn(TurnOutcome.DONE, MANAGER)
    assert bench.events_of(MANAGER) == [events.NeedsLogin("bob")]
    for _ in range(2):
        turn(TurnOutcome.DONE)
    assert bench.events_of(MANAGER) == [events.NeedsLogin("bob"), events.LoggedIn("bob")]
    report(HarnessState.NEEDS_LOGIN)
    assert bench.events_of(MANAGER)[2:] == [events.NeedsLogin("bob")]
