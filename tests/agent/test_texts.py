"""Texts as the wire takes them and as people read them."""

from __future__ import annotations

import pytest

from hyperhive.agent.texts import time, within


@pytest.mark.parametrize(
    ("text", "cut"), [("short", "short"), ("sixteen bytes ök", "sixteen bytes…"), ("\ud800", "?"), ("ü" * 9, "üüüüüü…")]
)
def test_a_text_is_cut_between_characters(text: str, cut: str) -> None:
    assert within(text, 16, "…") == cut


def test_a_time_beyond_the_calendar_is_told_as_a_number() -> None:
    assert time(2**62) == f"unix time {2**62}"
