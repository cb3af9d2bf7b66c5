"""`hivectl man`, on a terminal and off it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyperhive.hivectl.manual import PLACE
from hyperhive.hivectl.tree import PAGES
from tests.hivectl.scripted import ScriptedDaemon, start
from tests.hivectl.test_program import Running, completed


def test_every_page_can_be_asked_for() -> None:
    assert {f"{name}.{number}" for name, number in PAGES.items()} == {path.name for path in PLACE.glob("*.[1-9]")}


@pytest.mark.parametrize(("words", "page"), [((), "hivectl.1"), (("hyperhive.toml",), "hyperhive.toml.5")])
async def test_where_nobody_looks_on_the_roff_is_printed(words: tuple[str, ...], page: str) -> None:
    assert await start("man", *words) == (0, (PLACE / page).read_text(), "")


async def test_on_a_terminal_man_shows_the_page_and_its_status_is_ours(
    daemon: ScriptedDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "man").write_text('#!/bin/sh\necho "man $*"\nexit 7\n')
    (tmp_path / "man").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = await Running().start(daemon, "man", "hyperhive", terminal=True)
    assert (ran.status, ran.out) == (7, f"man -l {PLACE}/hyperhive.8\r\n")


async def test_where_there_is_no_man_one_sentence_says_how_else(
    daemon: ScriptedDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = await Running().start(daemon, "man", terminal=True)
    assert ran.status == 1
    assert ran.out == (
        "hivectl: man can't be run: No such file or directory; "
        "'hivectl man hivectl | less' has the page as it is written\r\n"
    )


async def test_another_page_is_refused_with_the_names_of_all() -> None:
    ran = await start("man", "twistd")
    assert (ran.status, ran.out) == (2, "")
    assert all(name in ran.err for name in PAGES)


@pytest.mark.parametrize(
    ("typed", "offered"), [("hivectl ma", ["man"]), ("hivectl man hy", ["hyperhive", "hyperhive.toml"])]
)
async def test_the_command_and_its_pages_are_completed(typed: Any, offered: list[str]) -> None:
    assert await completed(typed) == offered
