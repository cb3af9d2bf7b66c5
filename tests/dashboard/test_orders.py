"""Orders to the program inside an agent: those that can be carried out are offered, and reach it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.daemon.client import PATIENCE
from tests.daemon.harness import Hive
from tests.dashboard.console import Console
from tests.dashboard.working import Worker


@pytest.fixture
def bob(hive: Hive, console: Console) -> Worker:
    """An agent whose program the test is."""
    del console
    return Worker(hive)


def orders(console: Console) -> list[str]:
    """The orders that the page of bob offers."""
    forms = console.get("/agents/bob").forms
    return [button for form in forms if form.action == "/agents/bob/order" for button in form.buttons]


def test_only_orders_that_can_be_carried_out_are_offered(hive: Hive, console: Console, bob: Worker) -> None:
    assert orders(console) == ["Compact", "New session", "Set model"]
    bob.begin()
    assert orders(console) == ["Cancel turn", "Compact", "New session", "Set model"]
    assert bob.client.ask("report", state="ready", runner="command")["kind"] == "ok"
    assert orders(console) == ["Cancel turn"]
    bob.end()
    assert orders(console) == []
    assert "It works by the runner “command”, which has no context" in console.get("/agents/bob").part("orders")
    with hive.host() as host:
        assert host.ask("stop", name="bob")["ok"]
    assert orders(console) == []
    assert "It does not run" in console.get("/agents/bob").part("orders")


@pytest.mark.parametrize("what", ["cancel_turn", "compact", "new_session", "set_model"])
def test_an_order_reaches_the_program_inside_the_agent(hive: Hive, console: Console, bob: Worker, what: str) -> None:
    turn = bob.begin()
    waiting = hive.agent("bob")
    waiting.say("orders", wait_seconds=20)
    with ThreadPoolExecutor() as beside:  # the form is answered once the order was read
        sent = beside.submit(console.post, "/agents/bob/order", what=what, model="haiku")
        (given,) = waiting.hear()["orders"]
        page = sent.result(PATIENCE)
    assert page.path == "/agents/bob"
    assert given["order"] == what
    assert given.get("turn") == (turn if what == "cancel_turn" else None)
    assert given.get("model") == ("haiku" if what == "set_model" else None)


def test_an_order_that_nobody_can_take_is_a_sentence(hive: Hive, console: Console, bob: Worker) -> None:
    page = console.post("/agents/bob/order", what="cancel_turn")
    assert page.status == 409
    assert "'bob' is in no turn, so that there is none to be cancelled" in page.text
    assert "there is no such order" in console.post("/agents/bob/order", what="dance").text
    with hive.host() as host:
        assert host.ask("stop", name="bob")["ok"]
    page = console.post("/agents/bob/order", what="compact")
    assert page.status == 409
    assert "'bob' does not run, so that there is nobody to order; 'start' it" in page.text
    assert "there is no agent 'nobody'" in console.post("/agents/nobody/order", what="compact").text
