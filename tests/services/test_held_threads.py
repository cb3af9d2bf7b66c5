"""Conversations between agents: the endless ones are held, the honest ones never, and the operator lets them go."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperhive.agent_config import MailRules, Rate
from hyperhive.errors import Refused
from hyperhive.limits import MailLimits
from hyperhive.services.feed import Kind
from hyperhive.store import leases
from hyperhive.store.mail import Post
from hyperhive.store.message_states import HELD, QUEUED
from hyperhive.wire import events
from hyperhive.wire.names import EVERYONE, MANAGER, OPERATOR
from hyperhive.wire.states import OperationKind
from tests.bench import Bench

PLAIN = MailLimits()


def send(bench: Bench, sender: str, to: str, cause: int | None = None) -> int:
    post = Post(sender=sender, to=to, body="thank you", at=bench.broker.now(), in_reply_to=cause)
    return bench.get(bench.broker.send(post))[0]


def thank_for_ever(bench: Bench, most: int, pause: float) -> int:
    """Alice and bob each thank for whatever they get; how many replies were said until nothing more came, or `most`."""
    send(bench, "alice", "bob")
    said = 0
    while said < most:
        heard = [(name, letter) for name in ("alice", "bob") for letter in bench.taken(name)]
        if not heard:
            return said
        bench.pass_time(pause)
        for name, letter in heard:
            bench.get(bench.leases.acknowledge(name, [letter.id]))
            send(bench, name, letter.sender, letter.id)
            said += 1
    return said


def test_two_that_thank_each_other_for_ever_are_held_by_their_rate(bench: Bench) -> None:
    assert thank_for_ever(bench, 1000, pause=1) == PLAIN.thread_rate + 1
    assert [type(event) for event in bench.events_of(MANAGER)] == [events.Held]
    assert [type(event) for event in bench.events_of(OPERATOR)] == [events.Held]


def test_two_that_thank_each_other_slowly_are_held_by_their_hops(bench: Bench) -> None:
    assert thank_for_ever(bench, 1000, pause=3600) == PLAIN.thread_hops + 1
    (event,) = bench.events_of(MANAGER)
    assert event == events.Held(
        thread=1,
        agents=("alice", "bob"),
        note=(
            "200 messages led from one to the next without a word of the operator's; 'hivectl messages' shows what "
            "they say, 'hivectl release 1' lets them go on"
        ),
    )


@pytest.mark.parametrize(("rate", "hops"), [(1, 200), (7, 200), (40, 3)])
def test_they_are_held_within_the_configured_number(tmp_path: Path, rate: int, hops: int) -> None:
    bench = Bench(tmp_path, limits=MailLimits(thread_rate=rate, thread_hops=hops))
    bench.add_agents("alice", "bob")
    assert thank_for_ever(bench, 100, pause=1) == min(rate, hops) + 1
    bench.close()


@pytest.mark.deadline(120)
def test_a_thousand_honest_long_conversations_are_not_held(bench: Bench) -> None:
    """All at once and between the same two, each just below the rate, with a word of the operator's now and then."""
    last = [send(bench, "alice", "bob") for _ in range(1000)]
    sides = (("bob", "alice"), ("alice", "bob"))
    pause = PLAIN.thread_seconds / PLAIN.thread_rate + 1
    for reply in range(100):
        bench.clock.advance(pause if reply % 40 else 2 * 86_400)
        written = []
        for number, cause in enumerate(last):
            sender, to = sides[reply % 2]
            if reply % 60 == number % 60:
                sender = OPERATOR
            post = Post(sender=sender, to=to, body="and", at=bench.broker.now(), in_reply_to=cause)
            written.append(bench.broker.send(post))
        bench.settle()
        last = [bench.get(sent)[0] for sent in written]
        for name in ("alice", "bob"):
            bench.do(
                lambda connection, name=name: (
                    connection.execute(  # type: ignore[misc]
                        "UPDATE messages SET state = 2, settled_at = sent_at WHERE recipient = ? AND state = 0", (name,)
                    ).rowcount
                )
            )
    assert bench.get(bench.broker.held()) == ()
    assert bench.events_of(MANAGER) == []
    assert HELD not in {state for _, state, _, _ in bench.states()}


def test_a_conversation_at_its_bounds_is_not_held(bench: Bench) -> None:
    """40 replies in ten minutes again and again, with a word of the operator's before the hops come to 200."""
    last = send(bench, "alice", "bob")
    for burst in range(20):
        for number in range(PLAIN.thread_rate):
            sides = ("bob", "alice") if number % 2 else ("alice", "bob")
            last = send(bench, *sides, last)
        bench.pass_time(PLAIN.thread_seconds)
        if burst % 5 == 4:
            last = send(bench, OPERATOR, "bob", last)
    assert bench.get(bench.broker.held()) == ()


def test_mail_without_a_cause_is_never_held(bench: Bench) -> None:
    for _ in range(500):
        send(bench, "alice", "bob")
    assert {state for _, state, _, _ in bench.states()} == {QUEUED}


def test_a_reply_to_somebody_who_waits_is_held_too(bench: Bench) -> None:
    first = send(bench, "alice", "bob")
    for _ in range(PLAIN.thread_rate):
        send(bench, "bob", "alice", first)
    bench.taken("alice", 256)
    bench.taken("alice", 256)
    waiting = bench.receive("alice", 1, 60)
    manager = bench.receive(MANAGER, 1, 60)
    bench.settle()
    id_ = send(bench, "bob", "alice", first)
    assert not waiting.called
    assert bench.states()[id_ - 1][1] == HELD
    assert [letter.sender for letter in bench.get(manager).letters] == ["system"]
    send(bench, "bob", "alice")
    assert [letter.in_reply_to for letter in bench.get(waiting).letters] == [None]


def test_a_reply_by_a_rated_sender_and_one_to_everyone_are_held_too(bench: Bench) -> None:
    first = send(bench, "alice", "bob")
    for _ in range(PLAIN.thread_rate):
        send(bench, "bob", "alice", first)
    bench.broker.obey("bob", MailRules(rate=Rate(messages=100, seconds=60)))
    one = send(bench, "bob", "alice", first)
    post = Post(sender="alice", to=EVERYONE, body="thanks, all", at=bench.broker.now(), in_reply_to=first)
    both = bench.get(bench.broker.send(post))
    assert len(both) == 2
    assert {bench.states()[id_ - 1][1] for id_ in (one, *both)} == {HELD}


def test_a_released_conversation_wakes_who_waits_and_goes_on(bench: Bench) -> None:
    assert thank_for_ever(bench, 1000, pause=1) == PLAIN.thread_rate + 1
    (row,) = bench.get(bench.broker.held())
    name = {0: "alice", 1: "bob"}[PLAIN.thread_rate % 2]
    waiting = bench.receive(name, 1, 60)
    bench.settle()
    seq = bench.broker.feed.seq
    bench.get(bench.broker.release(row.thread))
    (letter,) = bench.get(waiting).letters
    assert (Kind.MESSAGE, letter.id) in [(entry.kind, entry.key) for entry in bench.broker.feed.after(seq)]
    assert bench.get(bench.broker.held()) == ()
    said = 0
    while not bench.get(bench.broker.held()):
        send(bench, letter.sender, name, letter.id)
        said += 1
    assert said == PLAIN.thread_rate + 1
    assert len(bench.events_of(MANAGER)) == 2


def test_what_is_not_held_is_not_released(bench: Bench) -> None:
    with pytest.raises(Refused, match="conversation 7 is not held"):
        bench.get(bench.broker.release(7))


def test_the_held_mail_of_a_purged_agent_bounces(bench: Bench) -> None:
    thank_for_ever(bench, 1000, pause=1)
    (row,) = bench.get(bench.broker.held())
    for name in ("alice", "bob"):
        send(bench, "alice" if name == "bob" else "bob", name, row.thread)
    bench.operate("bob", OperationKind.DESTROY, flag=True)
    assert [type(event) for event in bench.events_of("alice")] == [events.Bounced]
    (row,) = bench.get(bench.broker.held())
    bench.operate("alice", OperationKind.DESTROY, flag=True)
    assert bench.get(bench.broker.held()) == ()


def test_what_is_held_stays_held_over_a_restart_of_the_daemon(bench: Bench) -> None:
    thank_for_ever(bench, 1000, pause=1)
    before = bench.get(bench.broker.held())
    bench.do(leases.requeue_all)
    assert bench.get(bench.broker.held()) == before
