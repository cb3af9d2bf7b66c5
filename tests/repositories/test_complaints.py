"""Why git failed, as its complaints have it."""

from __future__ import annotations

import pytest

from hyperhive.containers.commands import Outcome
from hyperhive.repositories.git import complaint

DIED = "error: git upload-pack: git-pack-objects died with error."
CORRUPT = "remote: fatal: corrupt loose object 'c0ffee'"


def said(*lines: str) -> str:
    return complaint(Outcome(output=b"", complaints=lines, succeeded=False))


@pytest.mark.parametrize("lines", [(CORRUPT, DIED), (DIED, CORRUPT)], ids=["reason-first", "death-first"])
def test_the_reason_is_told_and_not_the_death_that_came_of_it(lines: tuple[str, ...]) -> None:
    assert said("warning: nothing of note", *lines) == "corrupt loose object 'c0ffee'"


def test_a_death_without_a_reason_is_told() -> None:
    assert said(DIED) == "git upload-pack: git-pack-objects died with error."


def test_what_is_called_no_error_is_told_where_nothing_is() -> None:
    assert said("it is full") == "it is full"


def test_silence_is_told_as_such() -> None:
    assert said() == "it was ended by a bound on what it may take, or did not say why"


def test_nor_is_that_another_one_therefore_is_aborting() -> None:
    aborting = "fatal: git upload-pack: aborting due to possible repository corruption on the remote side."
    assert said(aborting, "error: corrupt loose object 'ab'") == "corrupt loose object 'ab'"
    assert said(DIED, aborting, "fatal: the real reason") == "the real reason"
