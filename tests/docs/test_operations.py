"""Sentences that the operator is told to look for are sentences that the program says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT, page

PAGE = "docs/operations.md"
SENTENCES = re.findall(r"^\| `([^`]* [^`]*)` \| [^`]", page(PAGE).split("## What the log says")[1], re.MULTILINE)


def texts() -> Iterator[str]:
    """Every text in the program, with `…` where something is filled in."""
    for path in (ROOT / "hyperhive").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"\{\w+\}", "…", node.value)


SAID = frozenset(texts())


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_in_the_tables_is_one_of_the_program(sentence: str) -> None:
    assert sentence in SAID


def test_the_tables_are_read() -> None:
    assert len(SENTENCES) >= 30
