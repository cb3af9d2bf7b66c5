"""Parts of the documentation, as parts of a man page: what is said there once is not said again here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from attrs import frozen

from manual.roff import Page, prose

DOCS: Final = Path(__file__).parents[1] / "docs"
CELLS: Final = re.compile(r"(?<!\\)\|")
FENCE: Final = "```"
POINT: Final = r"[*-] |\d+\. "


@frozen
class Block:
    """Lines that belong together, and what they are: `words`, `points`, `code`, `table` or a `heading`."""

    kind: str
    lines: tuple[str, ...]


def part(name: str, heading: str) -> list[Block]:
    """What stands under a heading of `docs/NAME.md`, up to the next one of its level. Raises LookupError."""
    lines = (DOCS / f"{name}.md").read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line)]
    if not starts:
        raise LookupError(f"docs/{name}.md has no heading {heading!r} any more, which a man page takes its words from")
    start = starts[0]
    level = lines[start].index(" ")
    ends = [n for n in range(start + 1, len(lines)) if re.match(rf"#{{1,{level}}} ", lines[n])]
    return list(_blocks(lines[start + 1 : min(ends, default=len(lines))]))


def tables(name: str, heading: str) -> list[Block]:
    """The tables in such a part."""
    return [block for block in part(name, heading) if block.kind == "table"]


def rows(table: Block) -> list[list[str]]:
    """The cells of a table, its heading first."""
    found = [[cell.strip().replace("\\|", "|") for cell in CELLS.split(line)[1:-1]] for line in table.lines]
    return [found[0], *found[2:]]


def put(page: Page, blocks: list[Block]) -> None:
    """Write these blocks into a page."""
    for block in blocks:
        match block.kind:
            case "heading":
                page.subsection(block.lines[0].lstrip("# "))
            case "words":
                page.paragraph(" ".join(block.lines))
            case "points":
                for mark, words in _points(block.lines):
                    page.item(prose(mark), [words])
            case "code":
                page.verbatim(block.lines)
            case "table":
                _put_table(page, rows(block))


def _put_table(page: Page, table: list[list[str]]) -> None:
    heading, *others = table
    # One word only names what is seen to stand there; more of them introduce it.
    if " " in heading[0]:
        page.paragraph(heading[0][0].upper() + heading[0][1:] + ":")
    for tag, *cells in others:
        page.item(prose(tag), ["; ".join(cell for cell in cells if cell)])


def _points(lines: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for point in re.split(rf"\n(?={POINT})", "\n".join(lines)):
        mark, _, words = point.partition(" ")
        yield ("•" if mark in {"*", "-"} else mark), words


def _blocks(lines: list[str]) -> Iterator[Block]:
    """The blocks of some lines; blank ones part them, but for those inside a fence."""
    rest = list(lines)
    while rest:
        if rest[0].startswith(FENCE):
            end = rest.index(FENCE, 1)
            yield Block("code", tuple(rest[1:end]))
            rest = rest[end + 1 :]
            continue
        ends = (n for n, line in enumerate(rest) if not line.strip() or line.startswith(FENCE))
        end = next(ends, len(rest))
        for kind, some in groupby(_kinds(rest[:end]), key=lambda one: one[0]):
            yield Block(kind, tuple(line.removeprefix("    ") for _, line in some))
        rest = rest[end + 1 :] if end < len(rest) and not rest[end].strip() else rest[end:]


def _kinds(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Each line with what it is; a line that says nothing of that goes on with the one before."""
    kind = ""
    for line in lines:
        if line.startswith("#"):
            kind = "heading"
        elif line.startswith("|"):
            kind = "table"
        elif re.match(POINT, line):
            kind = "points"
        elif not kind:
            kind = "code" if line.startswith("    ") else "words"
        yield kind, line
