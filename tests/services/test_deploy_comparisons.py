"""What an operator is shown of a commit: its files, and how it differs from another."""

from __future__ import annotations

import pytest

from hyperhive.errors import Refused
from hyperhive.wire.names import MANAGER
from tests.bench import Bench
from tests.services.deploying import FAST, approve, ask, row


@pytest.mark.parametrize(("against", "base"), [("running", 0), ("last-approved", 1), ("previous-proposal", 2)])
def test_a_commit_is_compared_with_what_the_operator_chooses(bench: Bench, carol: str, against: str, base: int) -> None:
    bases = [bench.repositories.mains[carol]]
    for hue in ("red", "green"):
        id_ = ask(bench, carol, f"[environment]\nHUE = '{hue}'\n")
        bases.append(str(row(bench, id_).sha))
    approve(bench, 1)
    bench.pass_time(61)
    id_ = ask(bench, carol)
    found = bench.get(bench.approvals.diff(id_, against))
    assert (found.base, found.digest is None) == (bases[base], against != "running")


def test_of_large_files_as_much_is_shown_as_an_answer_has_room_for(bench: Bench, carol: str) -> None:
    commit = bench.repositories.commit(carol, FAST)
    bench.repositories.proposed[carol][commit] |= {"a": b"a" * 131_000, "b": b"b\xff", "c": b""}
    bench.get(bench.approvals.request_commit(carol, commit, None, MANAGER))
    _, files = bench.get(bench.configurations.files(carol, commit))
    room = 128 * 1024 - len(FAST) - 131_000
    assert [(file.path, len(file.text), file.cut) for file in files] == [
        ("agent.toml", len(FAST), False), ("a", 131_000, False), ("b", min(2, room), False), ("c", 0, False)
    ]  # fmt: skip
    bench.repositories.applied[carol][commit]["a"] += b"a" * 100
    _, files = bench.get(bench.configurations.files(carol, commit))
    assert [(file.path, file.cut) for file in files] == [("agent.toml", False), ("a", True), ("b", True), ("c", False)]


def test_what_was_decided_is_shown_against_what_ran_when_it_was(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    before = bench.get(bench.approvals.diff(id_, None))
    approve(bench, id_)
    bench.pulse.voice(carol)()
    bench.settle()
    after = bench.get(bench.approvals.diff(id_, None))
    assert (after.base, after.diff) == (before.base, before.diff)
    assert bench.get(bench.approvals.diff(id_, "running")).base == row(bench, id_).sha


def test_a_stale_one_that_was_granted_is_shown_against_what_the_yes_was_to(bench: Bench, carol: str) -> None:
    first, second = ask(bench, carol), ask(bench, carol, "[environment]\nSPEED = 'slow'\n")
    approve(bench, first)
    bench.pulse.voice(carol)()
    bench.settle()
    approve(bench, second, bench.get(bench.approvals.diff(second, None)).digest)
    assert bench.get(bench.approvals.diff(second, None)).base == row(bench, first).sha
    assert row(bench, second).base == row(bench, first).sha


def test_there_has_to_be_something_to_compare_with(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    with pytest.raises(Refused, match="there is nothing with the tag 'proposal/…' to compare approval 1 with"):
        bench.get(bench.approvals.diff(id_, "previous-proposal"))
    with pytest.raises(Refused, match="'against' must be one of running, last-approved, previous-proposal"):
        bench.get(bench.approvals.diff(id_, "tomorrow"))


def test_the_last_approved_commit_is_the_one_that_was_approved_last(bench: Bench, carol: str) -> None:
    first, second = ask(bench, carol), ask(bench, carol, "[environment]\nSPEED = 'slow'\n")
    approve(bench, second)
    bench.pass_time(61)
    assert bench.get(bench.approvals.diff(first, "last-approved")).base == row(bench, second).sha
