"""Reading is held while there is a reason to; a peer that is not read from is glanced at meanwhile."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from hyperhive.protocols.brake import GLANCE, Brake
from hyperhive.wire.codec import MANAGER
from tests.protocols.scripted_desk import ScriptedDesk
from tests.protocols.stage import Stage, turn

pytestmark = pytest.mark.deadline(10)

BATCH = '{"cmd":"recv","max":32}'
STATUS = '{"cmd":"status"}'


class Road:
    """What a brake does to the reading."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.reads = True
        self.glances = 0
        self.brake = Brake(self._pause, self._resume, self._glance, self.clock)

    def _pause(self) -> None:
        self.reads = False

    def _resume(self) -> None:
        assert not self.reads
        self.reads = True

    def _glance(self) -> None:
        self.glances += 1


def test_who_reads_again_is_not_read_from_while_it_has_asked_too_much_ahead() -> None:
    road = Road()
    road.brake.hold_for_asking_ahead()
    road.brake.pauseProducing()
    road.brake.resumeProducing()
    assert not road.reads
    road.brake.ease_for_asking_ahead()
    assert road.reads


def test_who_was_answered_is_not_read_from_while_it_does_not_read() -> None:
    road = Road()
    road.brake.pauseProducing()
    road.brake.hold_for_asking_ahead()
    road.brake.ease_for_asking_ahead()
    assert not road.reads
    road.brake.resumeProducing()
    assert road.reads


def test_a_peer_is_glanced_at_while_it_has_asked_too_much_ahead() -> None:
    road = Road()
    road.brake.hold_for_asking_ahead()
    road.clock.pump([GLANCE] * 3)
    assert road.glances == 3
    road.brake.ease_for_asking_ahead()
    assert not road.clock.getDelayedCalls()


@pytest.fixture
def desk(stage: Stage) -> ScriptedDesk:
    made = ScriptedDesk()
    stage.serve(MANAGER, lambda _: made)
    return made


async def held(desk: ScriptedDesk, stage: Stage) -> None:
    """Wait until nothing more is read, with eight `recv` waiting."""
    conversation = await stage.met()
    while not conversation._brake.ahead:
        await turn()
    assert len(desk.parked) == 8
    for _ in range(3):
        await turn()


async def test_who_shuts_down_sending_while_held_is_answered_soon(desk: ScriptedDesk, stage: Stage) -> None:
    client = stage.client()
    await client.say(*[BATCH] * 8, STATUS)
    client.end_sending()
    await held(desk, stage)
    assert not client.has_heard()
    stage.clock.advance(GLANCE)
    assert [(await client.hear())["kind"] for _ in range(9)] == ["empty"] * 8 + ["status"]
    assert await client.hear() is None
    await stage.gone(await stage.met())
    assert not stage.clock.getDelayedCalls()


async def test_who_leaves_while_held_is_let_go_soon(desk: ScriptedDesk, stage: Stage) -> None:
    client = stage.client()
    await client.say(*[BATCH] * 9)
    await held(desk, stage)
    client.leave()
    stage.clock.advance(GLANCE)
    await stage.gone(await stage.met())
    assert desk.has_left
    assert not stage.clock.getDelayedCalls()


async def test_who_stays_while_held_goes_on_waiting(desk: ScriptedDesk, stage: Stage) -> None:
    client = stage.client()
    await client.say(*[BATCH] * 9)
    await held(desk, stage)
    stage.clock.pump([GLANCE] * 5)
    await turn()
    assert not client.has_heard()
    client.leave()
    stage.clock.advance(GLANCE)
    await stage.gone(await stage.met())


async def test_who_is_cut_off_while_held_is_not_glanced_at_any_more(desk: ScriptedDesk, stage: Stage) -> None:
    client = stage.client()
    await client.say(*[BATCH] * 9)
    await held(desk, stage)
    conversation = await stage.met()
    conversation.transport.abortConnection()
    await stage.gone(conversation)
    assert not stage.clock.getDelayedCalls()
