"""What a form and an address say is text, whatever the language."""

from __future__ import annotations

import pytest

from tests.daemon.harness import Hive
from tests.dashboard.console import Console


@pytest.mark.parametrize("words", ["grün, naïve", "日本語", "🐝 at work", "a+b&c=d%20;e"])
def test_words_of_every_language_arrive_as_they_were_typed(hive: Hive, console: Console, words: str) -> None:
    after = console.post("/mail/new", to="manager", body=words)
    assert "is on its way" in after.text
    with hive.manager() as manager:
        assert manager.ask("recv", max=1, wait_seconds=5)["messages"][0]["body"] == words
    assert words in console.get("/mail", q=words).text
