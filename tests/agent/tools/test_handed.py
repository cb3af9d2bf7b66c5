"""Mail of calls that are cancelled: given back whenever nobody can have read it."""

from __future__ import annotations

from typing import Any

import pytest

from hyperhive.agent.tools.handed import MOST, Handed
from hyperhive.wire.records import Letter
from hyperhive.wire.responses import Messages
from tests.agent.tools.clients import run

MAIL = Messages((Letter(id=7, sender="bob", body="hello", at=0, redelivered=False),))


class Link:
    """Notes what is put back."""

    def __init__(self) -> None:
        self.back: list[Any] = []

    async def put_back(self, taken: Any) -> None:
        """That."""
        self.back.append(taken)


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def handed(link: Any) -> Handed:
    return Handed(link)


def test_mail_of_a_call_that_is_cancelled_after_its_answer_is_put_back_once(handed: Handed, link: Link) -> None:
    async def story() -> None:
        await handed.out(3, MAIL)
        await handed.cancelled(3)
        await handed.cancelled(3)

    run(story())
    assert link.back == [MAIL]


def test_mail_of_a_call_that_answers_after_it_was_cancelled_is_put_back(handed: Handed, link: Link) -> None:
    async def story() -> None:
        await handed.cancelled("c")
        await handed.out("c", MAIL)

    run(story())
    assert link.back == [MAIL]


def test_mail_of_other_calls_stays(handed: Handed, link: Link) -> None:
    async def story() -> None:
        await handed.out(3, MAIL)
        await handed.cancelled("3")
        await handed.out(None, MAIL)
        await handed.out(4, MAIL)

    run(story())
    assert link.back == []


def test_a_call_of_long_ago_is_not_remembered(handed: Handed, link: Link) -> None:
    async def story() -> None:
        for call in range(MOST + 1):
            await handed.out(call, MAIL)
        await handed.cancelled(0)
        await handed.cancelled(1)

    run(story())
    assert link.back == [MAIL]
