"""Records of starts: whole or not there, whatever lies in their place."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from hyperhive.containers.starts import RECORD, Start, read_start, recorded, write_start
from hyperhive.errors import ContainerError

START = Start(
    generation=3,
    boot="b",
    slot=7,
    first=1,
    before="0a",
    invocation="0b",
    supervisor=41,
    supervisor_started=98,
    leader=42,
    leader_started=99,
    since=2,
)


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    write_start(tmp_path / "state/alice", START)
    assert read_start(tmp_path / "state/alice") == START
    assert (tmp_path / "state/alice").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (tmp_path / "state/alice").iterdir()] == [RECORD]


def test_a_machine_is_up_once_its_leader_is_known() -> None:
    assert START.up
    assert not attrs.evolve(START, leader=0).up


def test_where_nothing_was_recorded_nothing_is_found(tmp_path: Path) -> None:
    assert read_start(tmp_path) is None
    assert recorded(tmp_path / "nowhere") == {}


def test_a_torn_record_is_none(tmp_path: Path) -> None:
    write_start(tmp_path, START)
    whole = (tmp_path / RECORD).read_bytes()
    for length in range(len(whole)):
        (tmp_path / RECORD).write_bytes(whole[:length])
        assert read_start(tmp_path) is None


FOREIGN = [
    *(b"\xff\xfe", b"[]", b"null", b"3", b'"alice"', b"{}", b'{"name": "alice"}', b"[" * 100_000, b"\0" * 4096),
    *(
        json.dumps({**attrs.asdict(START), **other}).encode()
        for other in ({"slot": "7"}, {"leader": None}, {"boot": 1})
    ),
    *(
        json.dumps({**attrs.asdict(START), **other}).encode()
        for other in ({"slot": True}, {"slot": -1}, {"since": 0.5})
    ),
]


@pytest.mark.parametrize("content", FOREIGN, ids=range(len(FOREIGN)))
def test_what_is_no_record_is_taken_for_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RECORD).write_bytes(content)
    assert read_start(tmp_path) is None


def test_a_record_of_a_later_version_is_read_without_what_it_adds(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(json.dumps({**attrs.asdict(START), "weather": "fine"}))
    assert read_start(tmp_path) == START


def test_a_record_of_an_earlier_version_is_read_with_what_it_lacks_unknown(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text('{"generation": 3, "boot": "b", "slot": 7, "first": 1}')
    assert read_start(tmp_path) == Start(generation=3, boot="b", slot=7, first=1)
    (tmp_path / RECORD).write_text('{"generation": 3, "boot": "b", "slot": 7}')
    assert read_start(tmp_path) is None


def test_a_record_that_is_a_directory_is_none_and_can_not_be_replaced(tmp_path: Path) -> None:
    (tmp_path / RECORD).mkdir()
    assert read_start(tmp_path) is None
    with pytest.raises(ContainerError, match=r"start\.json can't be written: Is a directory"):
        write_start(tmp_path, START)


def test_agents_are_found_by_their_whole_records(tmp_path: Path) -> None:
    write_start(tmp_path / "alice", START)
    write_start(tmp_path / "bob", attrs.evolve(START, slot=8))
    (tmp_path / "bob" / RECORD).write_bytes(b"{")
    (tmp_path / "carol").mkdir()
    (tmp_path / "a file").touch()
    assert recorded(tmp_path) == {"alice": START}


def test_a_full_disk_is_said_and_leaves_the_former_record(tmp_path: Path) -> None:
    write_start(tmp_path, START)
    (tmp_path / f"{RECORD}.new").symlink_to("/dev/full")
    with pytest.raises(ContainerError, match=r"start\.json can't be written: No space left on device"):
        write_start(tmp_path, attrs.evolve(START, generation=4))
    assert read_start(tmp_path) == START


def test_what_a_killed_daemon_was_writing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / f"{RECORD}.new").write_bytes(b'{"generation": ')
    write_start(tmp_path, START)
    assert read_start(tmp_path) == START
