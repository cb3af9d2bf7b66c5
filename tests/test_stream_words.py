"""A coding agent's stream, taken apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hyperhive import stream_words as words
from hyperhive.stream_words import Word, told


def event(side: str, *content: Any) -> str:
    return json.dumps({"type": side, "message": {"content": list(content)}})


def test_a_call_and_its_result_have_their_id_in_common() -> None:
    call = event("assistant", {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "ls ü"}})
    result = event("user", {"type": "tool_result", "tool_use_id": "c1", "content": "no", "is_error": True})
    assert told(call) == (Word(words.CALL, '{"command": "ls ü"}', name="Bash", call="c1"),)
    assert told(result) == (Word(words.RESULT, "no", call="c1", failed=True),)


def test_what_is_said_to_the_agent_is_told_apart_from_what_it_says() -> None:
    assert told(event("user", {"type": "text", "text": "go on"})) == (Word(words.TEXT, "go on", given=True),)
    assert told(event("assistant", {"type": "text", "text": "well"})) == (Word(words.TEXT, "well"),)


def test_an_end_that_is_none_to_be_glad_of_says_why() -> None:
    end = json.dumps({"type": "result", "subtype": "error", "is_error": True, "result": "full"})
    assert told(end) == (Word(words.END, "full", failed=True),)


@pytest.mark.parametrize(
    "line",
    [
        event("assistant", {"type": "text", "text": 7}),
        event("user", {"type": "tool_result", "content": [{"type": "text", "text": None}]}),
        "[" * 100_000,
        '{"type": "assistant", "message": null}',
    ],
)
def test_what_only_looks_like_a_stream_is_a_line(line: str) -> None:
    assert told(line) == (Word(words.LINE, line),)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (r"cut in an emoji: \ud83d", "cut in an emoji: \ufffd"),
        (r"the other half: \uDE00.", "the other half: \ufffd."),
        (r"\ud83d\ud83d\ude00", "\ufffd\N{GRINNING FACE}"),
        (r"\ud83d\ude00", "\N{GRINNING FACE}"),
        (r"a path: c:\\ud83d", "a path: c:\\ud83d"),
        (r"\\\ud83d", "\\\ufffd"),
    ],
)
def test_half_a_character_is_read_as_one_that_can_not_be_read(said: str, read: str) -> None:
    line = f'{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{said}"}}]}}}}'
    (word,) = told(line)
    assert word == Word(words.TEXT, read)
    word.text.encode()
