"""The life of a connection: what can still be heard and what is still owed, whatever comes in whichever order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperhive.lifeline import Standing, new_lifeline

EVENTS = ("half_close", "refuse", "follow", "lose")


def after(*events: str) -> Standing:
    standing = Standing()
    life = new_lifeline(standing)
    for event in events:
        getattr(life, event)()
    return standing


@pytest.mark.parametrize(
    ("events", "hears", "ends", "gone"),
    [
        ((), True, False, False),
        (("half_close",), False, True, False),
        (("refuse",), False, True, False),
        (("follow",), False, False, False),
        (("follow", "half_close"), False, True, False),
        (("half_close", "follow"), False, True, False),
        (("lose",), False, False, True),
        (("half_close", "lose"), False, True, True),
        (("follow", "lose"), False, False, True),
    ],
)
def test_where_a_connection_stands(events: tuple[str, ...], *, hears: bool, ends: bool, gone: bool) -> None:
    assert after(*events) == Standing(hears=hears, ends=ends, gone=gone)


@given(st.lists(st.sampled_from(EVENTS)), st.lists(st.sampled_from(EVENTS)))
def test_whatever_comes_late_changes_nothing(events: list[str], late: list[str]) -> None:
    standing = after(*events)
    assert standing.hears == (not events)
    assert standing.gone == ("lose" in events)
    if "lose" in events:
        assert after(*events, *late) == standing
