"""Nothing that an agent wrote can steer a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperhive.hivectl.safe import escape, one_field, one_line, revealed, shortened


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\tand a tab", "plain\tand a tab"),
        ("grün 漢字 हिन्दी", "grün 漢字 हिन्दी"),
        ("\x1b[2J\r\n\x9b\x7f", "<U+001B>[2J<U+000D><U+000A><U+009B><U+007F>"),
        ("\u202e\u2066\u200e\u061c", "<U+202E><U+2066><U+200E><U+061C>"),
        ("a\u200bb\u00adc\ufeff", "a<U+200B>b<U+00AD>c<U+FEFF>"),
        ("a\u00a0b\u3000\u2028", "a<U+00A0>b<U+3000><U+2028>"),
        ("\U000e0041\U000e0100\ufe0f", "<U+E0041><U+E0100><U+FE0F>"),
        ("\u3164\u2800\u034f", "<U+3164><U+2800><U+034F>"),
        ("\ud800\ue000\u0378", "<U+D800><U+E000><U+0378>"),
        ("-\u20d2\u20d2", "-<U+20D2><U+20D2>"),
        ("\u0338\u200b\u0338", "<U+0338><U+200B><U+0338>"),
    ],
)
def test_in_what_somebody_agrees_to_nothing_is_unseen(text: str, shown: str) -> None:
    assert revealed(text) == shown


@given(st.text())
def test_what_is_revealed_is_one_line_of_what_can_be_seen(text: str) -> None:
    shown = revealed(text)
    assert all(char == "\t" or char.isprintable() for char in shown)
    assert not {unicodedata.category(char) for char in shown} & {"Cf", "Co", "Cn", "Zl", "Zp"}
    assert revealed(shown) == shown


def test_a_text_is_shortened_to_what_fits_on_one_line() -> None:
    assert shortened("one\n  two", 20) == "one two"
    assert shortened("0123456789", 10) == "0123456789"
    assert shortened("01234567890", 10) == "012345678…"
