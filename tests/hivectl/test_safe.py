"""Nothing that an agent wrote can steer a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperhive.hivectl.safe import escape, one_field, one_line, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("grün 漢字 👩‍💻", "grün 漢字 👩‍💻"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("over\rwritten", "over\\x0dwritten"),
        ("bell\a back\b nul\0 del\x7f", "bell\\x07 back\\x08 nul\\x00 del\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    assert {unicodedata.category(one) for one in escape(text)} & {"Cc", "Cs"} == (
        {"Cc"} if {"\n", "\t"} & set(text) else set()
    )
    assert "\n" not in one_field(text)
    assert one_line(text).split() == one_line(text).split(" ") or not one_line(text)


def test_a_text_is_shortened_to_what_fits_on_one_line() -> None:
    assert shortened("one\n  two", 20) == "one two"
    assert shortened("0123456789", 10) == "0123456789"
    assert shortened("01234567890", 10) == "012345678…"
