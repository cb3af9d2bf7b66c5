"""An agent's log: kept over its starts, rotated by size, read from behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperhive.boundaries import Plan
from hyperhive.containers import keeper, tail
from tests.containers.scripts import Hive


async def test_the_log_has_both_outputs_and_survives_a_restart(hive: Hive) -> None:
    hive.agent("alice", "echo out; echo err >&2; printf 'half \\377 line'")
    containers, hints = hive.backend()
    for generation in (1, 2):
        hint = hints.next()
        await containers.start("alice", generation, Plan())
        await hint
    lines = await containers.log("alice", 100)
    assert [line.partition(",")[0] for line in lines] == [
        *("--- start 1 of alice", "out", "err", "half \N{REPLACEMENT CHARACTER} line"),
        *("--- start 2 of alice", "out", "err", "half \N{REPLACEMENT CHARACTER} line"),
    ]
    assert await containers.log("alice", 2) == lines[-2:]
    assert await containers.log("alice", 0) == []


async def test_output_printed_just_before_the_end_is_kept_whole(hive: Hive) -> None:
    hive.agent("alice", "seq 200000")
    containers, hints = hive.backend()
    hint = hints.next()
    await containers.start("alice", 1, Plan())
    await hint
    assert await containers.log("alice", 3) == ["199998", "199999", "200000"]


def test_a_full_log_is_rotated_and_the_oldest_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keeper, "LOG_BYTES", 100)
    log = keeper.Log()
    for number in range(100):
        log.write(f"line {number}\n".encode())
    files = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert files.keys() == set(keeper.LOG_FILES)
    assert max(files.values()) <= 100
    assert tail.last_lines(tmp_path, 20) == [f"line {number}" for number in range(80, 100)]


def test_a_tail_is_read_from_behind_over_the_blocks_of_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "BLOCK", 7)
    lines = [f"line {number}" for number in range(100)]
    text = "\n".join(lines) + "\n"
    (tmp_path / "log").write_text(text[500:])
    (tmp_path / "log.1").write_text(text[200:500])
    (tmp_path / "log.2").write_text(text[:200])
    for wanted in range(1, 101):
        assert tail.last_lines(tmp_path, wanted) == lines[-wanted:]
    assert tail.last_lines(tmp_path, 1000) == lines


def test_a_tail_is_bounded_in_lines_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n" * 20_000)
    assert len(tail.last_lines(tmp_path, 1_000_000)) == tail.MOST_LINES
    (tmp_path / "log").write_text("x" * 3_000_000)
    assert [len(line) for line in tail.last_lines(tmp_path, 1)] == [tail.MOST_BYTES]


def test_links_and_missing_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "log").symlink_to(tmp_path / "secret")
    (tmp_path / "log.1").mkdir()
    assert tail.last_lines(tmp_path, 5) == []
    assert tail.last_lines(tmp_path / "nowhere", 5) == []
