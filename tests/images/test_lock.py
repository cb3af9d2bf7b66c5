"""Who holds an image, and who may take it away."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from hyperhive.images.lock import held, unheld


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.mkdir()
    return path


def test_many_may_hold_it_and_then_nobody_gets_it(directory: Path) -> None:
    with ExitStack() as holding:
        for _ in range(2):
            holding.enter_context(held(directory))
        with pytest.raises(BlockingIOError), unheld(directory, wait=False):
            pass
    with unheld(directory, wait=False):
        pass


@pytest.mark.parametrize("wanted", [held, lambda path: unheld(path, wait=False)])
def test_while_one_has_it_nobody_else_can_hold_or_get_it(directory: Path, wanted: object) -> None:
    with unheld(directory, wait=True), pytest.raises(BlockingIOError), wanted(directory):  # type: ignore[operator]
        pass


@pytest.mark.parametrize("another", [True, False])
def test_what_was_renamed_while_it_was_locked_is_not_held(
    directory: Path, monkeypatch: pytest.MonkeyPatch, *, another: bool
) -> None:
    def renamed(descriptor: int, how: int) -> None:
        directory.rename(directory.with_name("old"))
        if another:
            directory.mkdir()

    monkeypatch.setattr("fcntl.flock", renamed)
    with pytest.raises(BlockingIOError), held(directory):
        pass


def test_one_holds_by_a_link_and_takes_none_away(directory: Path) -> None:
    link = directory.with_name("link")
    link.symlink_to(directory)
    with held(link), pytest.raises(BlockingIOError), unheld(directory, wait=False):
        pass
    with pytest.raises(NotADirectoryError), unheld(link, wait=False):
        pass
