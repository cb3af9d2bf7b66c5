"""An answer that can't be written costs a refusal or the connection, and never silence."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define
from twisted.python.failure import Failure

from hyperhive.wire import responses
from hyperhive.wire.codec import MANAGER
from tests.protocols.scripted_desk import ScriptedDesk
from tests.protocols.stage import Client, Stage, turn

pytestmark = pytest.mark.deadline(10)

STATUS, RECV = '{"cmd":"status"}', '{"cmd":"recv"}'
FAULT = "an internal error; the daemon's log has it, and nothing more is known here"


class CannotBeWritten(Exception):
    """What the broken dialect says."""


@define(eq=False)
class Broken:
    """The manager's dialect, which can't write a message from `bob` that says `broken`, nor refusals if so told."""

    refuses: bool = True

    def line_of_answer(self, answer: Any) -> bytes:
        if isinstance(answer, responses.Message) and answer.body == "broken":
            raise CannotBeWritten
        if isinstance(answer, responses.Err) and not self.refuses:
            raise CannotBeWritten
        return MANAGER.line_of_answer(answer)

    def request(self, line: bytes) -> Any:
        return MANAGER.request(line)

    def refusal(self, sentence: str) -> Any:
        return MANAGER.refusal(sentence)


@pytest.fixture
def dialect() -> Broken:
    return Broken()


@pytest.fixture
def desk(stage: Stage, dialect: Broken) -> ScriptedDesk:
    made = ScriptedDesk()
    spoken: Any = dialect
    stage.serve(spoken, lambda _: made)
    return made


async def parked(client: Client, desk: ScriptedDesk, *lines: str) -> None:
    await client.say(*lines)
    while not desk.parked:
        await turn()


async def test_a_late_answer_that_can_not_be_written_is_a_refusal_and_the_next_ones_come(
    stage: Stage, desk: ScriptedDesk, logged: list[Failure]
) -> None:
    client = stage.client()
    await parked(client, desk, RECV, STATUS)
    desk.mail("broken")
    assert await client.hear() == {"kind": "err", "message": FAULT}
    assert await client.hear() == {"kind": "status", "unread": 1}
    assert desk.outcomes() == ["not written"]
    assert logged.pop().check(CannotBeWritten)
    await parked(client, desk, RECV)
    desk.mail("whole")
    assert (await client.hear())["body"] == "whole"


async def test_a_prompt_answer_that_can_not_be_written_is_a_refusal_and_the_next_ones_come(
    stage: Stage, desk: ScriptedDesk, logged: list[Failure]
) -> None:
    client = stage.client()
    await client.say('{"cmd":"operator_msg","body":"broken"}', STATUS)
    assert await client.hear() == {"kind": "err", "message": FAULT}
    assert await client.hear() == {"kind": "status", "unread": 1}
    assert desk.outcomes() == ["not written"]
    assert logged.pop().check(CannotBeWritten)


@pytest.mark.parametrize("late", [True, False])
async def test_where_not_even_a_refusal_can_be_written_the_connection_ends(
    stage: Stage, desk: ScriptedDesk, dialect: Broken, logged: list[Failure], *, late: bool
) -> None:
    dialect.refuses = False
    client = stage.client()
    if late:
        await parked(client, desk, RECV, STATUS)
        desk.mail("broken")
    else:
        await client.say('{"cmd":"operator_msg","body":"broken"}', STATUS)
    assert await client.hear() is None
    assert desk.outcomes() == ["not written"]
    while logged:
        assert logged.pop().check(CannotBeWritten)
    assert (await stage.client().ask(STATUS))["kind"] == "status"
