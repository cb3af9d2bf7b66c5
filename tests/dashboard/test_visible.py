"""What can't be seen is shown wherever somebody decides by a text, and nothing in it is markup."""

from __future__ import annotations

import pytest

from hyperhive.dashboard.templating import linked, visible


def hidden(point: str) -> str:
    return f'<span class="hidden-character">{point}</span>'


def times(point: str, number: int) -> str:
    return f"{point} \N{MULTIPLICATION SIGN}{number}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("<b>'\"&", "&lt;b&gt;&#39;&#34;&amp;"),
        ("<\u202e>", f"&lt;{hidden('U+202E')}&gt;"),
        ("a\u200bb", f"a{hidden('U+200B')}b"),
        ("a\u00a0b", f"a{hidden('U+00A0')}b"),
        ("\r", hidden("U+000D")),
        ("+\u0335", f"+{hidden('U+0335')}"),
        ("é\u0301 ü", "é\u0301 ü"),
        ("\u2800", hidden("U+2800")),
        ("a\u202e\u202e\u202eb", f"a{hidden(times('U+202E', 3))}b"),
        ("\u202e\u202d\u202d", f"{hidden('U+202E')}{hidden(times('U+202D', 2))}"),
    ],
)
def test_it_is_shown(text: str, shown: str) -> None:
    assert str(visible(text)) == shown


def test_an_operation_in_a_sentence_is_a_link_and_the_rest_is_text() -> None:
    assert linked("<b> stops (operation 7).") == '&lt;b&gt; stops (<a href="/operations?id=7">operation 7</a>).'


def test_one_hidden_character_many_times_over_is_told_once() -> None:
    assert str(visible("\u202e" * 5000)) == hidden(times("U+202E", 5000))
