"""Where in a TOML document something stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperhive.toml_lines import DEEPEST, Place, TooDeep, lines

KEYS = st.sampled_from(["a", "b", "c-1", '"a"', '"a b"', "'#'", '"\\u0061"', '"]="', "7"])
PLAIN = st.sampled_from([
    "1", "-0.5", "0x1f", "inf", "true", "1979-05-27 07:32:00", '""', "''", '"# ]"', '"\\""', "'\\'", '""""""', "''''''",
    '"""\n\n"""', '"""\\"""""\n"""', '""""a"""""', "'''\n'\n''''", '"""\\\n  x"""',
])  # fmt: skip
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.lists(inner, max_size=3).map(lambda items: "[ # ]\n" + "".join(f"\n {item} ,# ,\n" for item in items) + "]"),
        st.lists(st.tuples(KEYS, inner), max_size=3).map(
            lambda pairs: "{ " + ", ".join(f"{key} = {value}" for key, value in pairs) + " }"
        ),
    ),
    max_leaves=6,
)
DOTTED = st.lists(KEYS, min_size=1, max_size=3).map(" . ".join)
LINES = st.one_of(
    st.tuples(DOTTED, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]} # ["),
    DOTTED.map(lambda key: f"[{key}]"),
    DOTTED.map(lambda key: f" [[ {key} ]] # ="),
    st.sampled_from(["", "# [a]", "\r"]),
)
DOCUMENTS = st.lists(LINES, max_size=6).map("\n".join)


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """The way to every value of a document."""
    if place:
        yield place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*place, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*place, index))


@given(DOCUMENTS)
def test_every_value_of_a_document_has_a_line_and_nothing_else_has(text: str) -> None:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(lines(text)) == set(places(content))


@given(DOCUMENTS, st.integers(0, 5))
def test_what_is_added_to_a_document_is_found_on_the_line_where_it_was_added(text: str, blank: int) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    added = "\n" * (blank + 1) + "[[added.here]]\nnumber = 7"
    before = text.replace("\r\n", "\n").count("\n")
    assert lines(text + added)["added", "here", 0, "number"] == before + blank + 3


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        ("\n[limits]\n\nmemory = 1", ("limits", "memory"), 4),
        ("\n[limits]\n\nmemory = 1", ("limits",), 2),
        ("\nlimits.memory = 1", ("limits", "memory"), 2),
        ("\nlimits = { cpu = 2, memory = 1 }", ("limits", "memory"), 2),
        ("\nlimits = [\n1,\n\n2]", ("limits", 1), 5),
        ('\nit = """\n\n"""\nmemory = 1', ("memory",), 5),
        ('\nit = """\n\n"""\nmemory = 1', ("it",), 2),
        ("\r\n[limits]\r\nmemory = 1", ("limits", "memory"), 3),
        ("[[m]]\na = 1\n[[m]]\na = 2\n[m.b]\nc = 3", ("m", 1, "a"), 4),
        ("[[m]]\na = 1\n[[m]]\na = 2\n[m.b]\nc = 3", ("m", 1, "b", "c"), 6),
        ("[[m]]\n[[m.n]]\n[[m]]\n[[m.n]]\n[[m.n]]\nc = 3", ("m", 1, "n", 1, "c"), 6),
        ("memory = 1", ("limits", "memory"), None),
        ("", ("limits",), None),
    ],
)
def test_a_value_is_found_however_it_is_written(text: str, place: Place, line: int | None) -> None:
    assert lines(text).get(place) == line


@pytest.mark.parametrize("text", ["=", "a", "a = [1", "[a", "a = ", '"a', "a = {b"])
def test_of_what_is_no_document_no_line_is_told(text: str) -> None:
    assert lines(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 30000) + " = 1",
        "[" + ".".join("a" * 30000) + "]",
        "[[" + ".".join("a" * 30000) + "]]",
        "a = " + "[" * 60000,
        "a = " + "{a = " * 12000,
        "[" + ".".join("a" * DEEPEST) + "]\n" + "a = 1\n" * 8000,
    ],
    ids=["a dotted key", "a table", "an array of tables", "arrays", "inline tables", "a table's key"],
)
def test_a_document_is_followed_only_so_deep(text: str) -> None:
    with pytest.raises(TooDeep) as refused:
        lines("\n" + text)
    assert refused.value.line == (3 if "\n" in text else 2)


def test_as_deep_as_is_allowed_every_way_is_known() -> None:
    keys = ["a"] * DEEPEST
    assert lines(".".join(keys) + " = 1")[tuple(keys)] == 1
