"""`hive-agent serve` between two turns, by the clock, and over an outage of the daemon."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from hyperhive.agent.turn import RENEWAL
from hyperhive.wire.agent_requests import Recv, Renew, Send
from tests.agent.conftest import Gate
from tests.agent.serving import RecordingClock, Serve
from tests.agent.small_hive import SmallHive


async def test_after_failures_no_mail_is_taken_for_one_two_four_seconds(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock
) -> None:
    hive.deliver("bob", "hello")
    serve_by_clock("exit 1")
    pauses = []
    for _ in range(5):
        pauses.append(await clock.next_pause())
        assert not hive.parked()
        clock.advance(pauses[-1])
    await hive.until(hive.parked)
    assert pauses == [1, 2, 4, 8, 16]
    assert hive.dead == [1]


async def test_a_message_that_fails_is_not_overtaken_until_it_is_given_up(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, tmp_path: Path
) -> None:
    bad, good = hive.deliver("bob", "bad"), hive.deliver("bob", "good")
    order = tmp_path / "order"
    serve_by_clock(f'echo $HIVE_MESSAGE_ID >> {order}; test "$(cat)" = good')
    for _ in range(5):
        clock.advance(await clock.next_pause())
    await hive.until(lambda: hive.done)
    assert (hive.dead, hive.done) == ([bad], [good])
    assert order.read_text().split() == ["1", "1", "1", "1", "1", "2"]


async def test_a_message_without_a_failure_ends_the_pauses(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock
) -> None:
    hive.deliver("bob", "bad")
    serve_by_clock('test -n "$HIVE_REDELIVERED"')
    clock.advance(await clock.next_pause())
    await hive.until(hive.parked)
    hive.deliver("bob", "bad again")
    assert await clock.next_pause() == 1


async def test_while_a_command_runs_its_message_is_kept(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, gate: Gate
) -> None:
    hive.deliver("bob", "hello")
    serve_by_clock(gate.script)
    for renewals in 1, 2:
        await clock.next_renewal()
        clock.advance(RENEWAL)
        await hive.until(partial(renewed, hive, renewals))
    gate.open()
    await hive.until(hive.parked)
    assert clock.getDelayedCalls() == []


def renewed(hive: SmallHive, times: int) -> bool:
    return hive.asked.count(Renew()) == times


async def test_a_renewal_that_is_refused_is_said_and_tried_again(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, gate: Gate, said: list[str]
) -> None:
    hive.refusals[Renew] = "not now"
    hive.deliver("bob", "hello")
    serve_by_clock(gate.script)
    for renewals in 1, 2:
        await clock.next_renewal()
        clock.advance(RENEWAL)
        await hive.until(partial(renewed, hive, renewals))
    gate.open()
    await hive.until(lambda: hive.done)
    assert said.count("the messages in hand could not be kept longer: not now") == 2


async def test_a_refused_reply_is_sent_again_and_not_worked_out_again(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, tmp_path: Path, said: list[str]
) -> None:
    hive.refusals[Send] = "'bob' is not in the hive"
    hive.deliver("bob", "hello")
    serve_by_clock(f"echo ran >> {tmp_path / 'runs'}; echo reply")
    pause = await clock.next_pause()
    assert hive.put_back == [(1, True)]
    assert "message 1 from bob: put back, as its reply was refused: 'bob' is not in the hive" in said
    del hive.refusals[Send]
    clock.advance(pause)
    await hive.until(lambda: hive.done)
    assert hive.sent == [Send("bob", "reply", 1)]
    assert (tmp_path / "runs").read_text() == "ran\n"


async def test_a_hive_that_hands_out_no_mail_is_asked_again_after_a_pause(
    hive: SmallHive, serve_by_clock: Callable[[str], None], clock: RecordingClock, said: list[str]
) -> None:
    hive.refusals[Recv] = "the hive is closing"
    serve_by_clock("cat")
    pause = await clock.next_pause()
    del hive.refusals[Recv]
    clock.advance(pause)
    await hive.until(hive.parked)
    assert "no mail was handed out: the hive is closing" in said


async def test_a_message_under_way_when_the_daemon_goes_is_answered_and_done_when_it_is_back(
    hive: SmallHive, serve: Serve, gate: Gate, tmp_path: Path
) -> None:
    hive.deliver("bob", "hello")
    hive.deliver("carol", "hello")
    serve(f'echo ran >> {tmp_path / "runs"}; test "$HIVE_FROM" != bob || {{ {gate.script}; }}; echo "$HIVE_FROM"')
    await gate.reached()
    await hive.close()
    gate.open()
    hive.open()
    await hive.until(lambda: hive.done == [1, 2])
    await hive.until(hive.parked)
    assert hive.sent == [Send("bob", "bob", 1), Send("carol", "carol", 2)]
    assert (tmp_path / "runs").read_text() == "ran\nran\n"


async def test_a_reply_whose_acceptance_was_never_heard_is_given_again_and_sent_once(
    hive: SmallHive, serve: Serve
) -> None:
    hive.deliver("bob", "hello")
    hive.until(lambda: hive.kept).addCallback(lambda _: hive.drop())
    serve("echo reply")
    await hive.until(lambda: hive.done == [1])
    assert hive.asked.count(Send("bob", "reply", 1, in_turn=True)) == 2
    assert hive.sent == [Send("bob", "reply", 1)]
