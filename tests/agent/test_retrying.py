"""A turn's end and mail that is put back are told until they are taken; nothing else is begun meanwhile."""

from __future__ import annotations

from hyperhive.agent.retrying import MOST
from hyperhive.errors import NOTHING_CHANGED
from hyperhive.wire.agent_requests import Recv, RequeueInflight
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn
from tests.agent.scripted import Bench

FULL = f"the hive's database could not write this (database or disk is full); {NOTHING_CHANGED}"


def test_a_turns_end_is_told_again_until_the_disk_has_room(bench: Bench, said: list[str]) -> None:
    bench.daemon.refusals[EndTurn] = FULL
    bench.turn()
    bench.daemon.deliver("bob", "next", 2)
    pauses = [bench.pause() for _ in range(9)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(bench.daemon.of(BeginTurn)) == len(bench.daemon.of(Recv)) == 1
    del bench.daemon.refusals[EndTurn]
    bench.pause()
    assert [outcome for outcome, _, _ in bench.daemon.ends][-2:] == [TurnOutcome.DONE] * 2
    assert [begun.ids for begun in bench.daemon.of(BeginTurn)] == [(1,), (2,)]
    assert said.count(f"the end of turn 1 was not taken note of: {FULL}") == 1
    assert said.index("the end of turn 1 has been taken note of now") < said.index("message 1 from bob: done")


def test_a_turn_that_is_over_otherwise_is_left_so_and_the_log_says_it(bench: Bench, said: list[str]) -> None:
    refusal = "turn 1 was interrupted (another turn began before it ended): its mail was queued again"
    bench.daemon.refusals[EndTurn] = refusal
    bench.turn()
    assert len(bench.daemon.of(EndTurn)) == 1
    assert f"message 1 from bob: put back, as its end was refused: {refusal}" in said
    assert "message 1 from bob: done" not in said
    bench.pause()
    assert bench.daemon.waits_for_mail()


def test_an_end_that_is_refused_for_another_reason_is_told_a_few_times(bench: Bench) -> None:
    bench.daemon.refusals[EndTurn] = "I don't like it"
    bench.turn()
    for _ in range(MOST - 1):
        bench.pause()
    assert len(bench.daemon.of(EndTurn)) == MOST
    bench.pause()
    assert bench.daemon.waits_for_mail()


def test_who_is_stopped_waits_for_no_room(bench: Bench) -> None:
    bench.daemon.refusals[EndTurn] = FULL
    bench.turn()
    bench.loop.stop(4)
    assert bench.over.called


def test_mail_that_no_turn_could_begin_about_is_put_back_when_there_is_room(bench: Bench) -> None:
    bench.daemon.refusals = {BeginTurn: FULL, RequeueInflight: FULL}
    bench.turn()
    for _ in range(9):
        bench.pause()
    del bench.daemon.refusals[RequeueInflight]
    bench.pause()
    assert {asked.spent for asked in bench.daemon.of(RequeueInflight)} == {False}
    assert len(bench.daemon.of(Recv)) == 1


def test_a_message_about_which_no_turn_may_begin_is_not_put_back_for_ever_at_no_cost(bench: Bench) -> None:
    bench.daemon.refusals[BeginTurn] = "not about this one"
    for _ in range(5):
        bench.turn()
        bench.pause()
    bench.turn(number=2)
    assert [asked.spent for asked in bench.daemon.of(RequeueInflight)] == [False] * 3 + [True] * 2 + [False]


def test_a_full_disk_costs_no_attempt_however_long(bench: Bench) -> None:
    bench.daemon.refusals[BeginTurn] = FULL
    for _ in range(9):
        bench.turn()
        bench.pause()
    assert {asked.spent for asked in bench.daemon.of(RequeueInflight)} == {False}
