"""Objects that are damaged, lie, are missing, or too much: refused with what is wrong, and soon."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable

import pytest

from hyperhive.errors import RepositoryError
from hyperhive.repositories.repositories import Repositories
from tests.repositories.hostile import GIBIBYTE_OF_ZEROS, MEBIBYTE, Trap, entry, loose, number, zeros
from tests.repositories.manager import NAME

DAMAGED = b"\x78\x9c not compressed at all"


def head(trap: Trap) -> str:
    return trap.manager.git("rev-parse", "HEAD")


def new_blob(trap: Trap) -> tuple[str, str]:
    """A commit of a file that `applied` has not, and the file's blob."""
    commit = trap.files(file=b"what is new\n")
    return commit, trap.manager.git("rev-parse", f"{commit}:file")


def damaged_commit(trap: Trap) -> str:
    commit = trap.files(file=b"new")
    trap.overwrite(commit, DAMAGED)
    return commit


def damaged_tree(trap: Trap) -> str:
    commit = trap.files(file=b"new")
    tree = trap.manager.git("rev-parse", f"{commit}^{{tree}}")
    trap.overwrite(tree, trap.manager.loose(tree).read_bytes()[:20])
    return commit


def damaged_blob(trap: Trap) -> str:
    commit, blob = new_blob(trap)
    trap.overwrite(blob, trap.manager.loose(blob).read_bytes()[:-6])
    return commit


def empty_blob_file(trap: Trap) -> str:
    commit, blob = new_blob(trap)
    trap.overwrite(blob, b"")
    return commit


def another_blob(trap: Trap) -> str:
    commit, blob = new_blob(trap)
    trap.overwrite(blob, loose("blob", b"what is NEW\n"))
    return commit


def another_commit(trap: Trap) -> str:
    commit = trap.files(file=b"new")
    data = zlib.decompress(trap.manager.loose(trap.files(other=b"other")).read_bytes())
    trap.overwrite(commit, zlib.compress(data))
    return commit


def blob_in_history(trap: Trap) -> str:
    commit, blob = new_blob(trap)
    trap.overwrite(blob, loose("blob", b"what is NEW\n"))
    return trap.commit_of([], "-p", commit)


def size_lies(trap: Trap) -> str:
    commit, blob = new_blob(trap)
    trap.overwrite(blob, zeros(64, b"blob 12\0"))
    return commit


def missing_parent(trap: Trap) -> str:
    return trap.manager.object(
        "commit",
        f"tree {trap.manager.git('rev-parse', 'HEAD^{tree}')}\nparent {'1' * 40}\n"
        "author a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n".encode(),
    )


def missing_blob(trap: Trap) -> str:
    commit, blob = new_blob(trap)
    trap.manager.loose(blob).unlink()
    return commit


def shallow(trap: Trap) -> str:
    first = trap.manager.commit({"agent.toml": "1"})
    second = trap.manager.commit({"agent.toml": "2"})
    trap.manager.loose(first).unlink()
    (trap.git / "shallow").write_text(second + "\n")
    return second


def no_author(trap: Trap) -> str:
    tree = trap.manager.git("rev-parse", "HEAD^{tree}")
    return trap.manager.object("commit", f"tree {tree}\ncommitter a <a@b> 1 +0000\n\nx\n".encode())


def twice_the_same_name(trap: Trap) -> str:
    blob = trap.blob(b"x")
    return trap.commit_of([("100644", b"x", blob), ("100644", b"x", blob)])


def unsorted(trap: Trap) -> str:
    rows = [("100644", b"z", trap.blob(b"z")), ("100644", b"agent.toml", trap.blob(b"x"))]
    data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(sha) for mode, name, sha in rows)
    return trap.manager.commit_tree(trap.manager.object("tree", data))


def another_ones(trap: Trap) -> str:
    (trap.git / "objects" / "info").mkdir(exist_ok=True)
    (trap.git / "objects" / "info" / "alternates").write_text(f"{trap.outside}/repository/.git/objects\n")
    return trap.neighbour()


def truncated_pack(trap: Trap) -> str:
    commit, _ = new_blob(trap)
    trap.manager.git("update-ref", "HEAD", commit)
    pack = trap.pack_all()
    pack.write_bytes(pack.read_bytes()[:-30])
    return commit


def damaged_pack(trap: Trap) -> str:
    commit = head(trap)
    pack = trap.pack_all()
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 0xFF
    pack.write_bytes(data)
    return commit


def wrong_sum(trap: Trap) -> str:
    commit = head(trap)
    pack = trap.pack_all()
    pack.write_bytes(pack.read_bytes()[:-1] + b"?")
    return commit


def no_pack(trap: Trap) -> str:
    trap.put_pack(1, b"").write_bytes(b"no pack at all")
    return head(trap)


def thin_pack(trap: Trap) -> str:
    delta = number(5) + number(5) + b"\x05hello"
    trap.put_pack(1, entry(7, len(delta), zlib.compress(delta), b"\1" * 20))
    return head(trap)


def pack_of_nothing(trap: Trap) -> str:
    trap.put_pack(2**32 - 1, b"")
    return head(trap)


def gibibyte_in_a_pack(trap: Trap) -> str:
    trap.put_pack(1, entry(3, 1024 * MEBIBYTE, zeros(1024)))
    return trap.commit_of([("100644", b"zeros", GIBIBYTE_OF_ZEROS)])


def gibibyte_by_itself(trap: Trap) -> str:
    trap.overwrite(GIBIBYTE_OF_ZEROS, zeros(1024, b"blob 1073741824\0"))
    return trap.commit_of([("100644", b"zeros", GIBIBYTE_OF_ZEROS)])


def gibibyte_said_to_be_little(trap: Trap) -> str:
    trap.put_pack(1, entry(3, 12, zeros(1024)))
    return head(trap)


def gibibyte_by_a_delta(trap: Trap) -> str:
    delta = number(5) + number(1024 * MEBIBYTE) + b"\x90\x05" * 10
    trap.put_pack(1, entry(7, len(delta), zlib.compress(delta), b"\1" * 20))
    return head(trap)


def much_in_pieces(trap: Trap) -> str:
    piece = zeros(15, b"blob 15728640\0")
    for each in range(20):
        trap.overwrite(f"{each:040x}", piece)
    return head(trap)


def much_uncompressed(trap: Trap) -> str:
    path = trap.put_pack(1, b"")
    with path.open("wb") as file:
        file.truncate(2**40)
    return head(trap)


def many_files(trap: Trap) -> str:
    fan = trap.git / "objects" / "00"
    fan.mkdir(exist_ok=True)
    (fan / ("0" * 38)).write_bytes(loose("blob", b"x"))
    for each in range(1, 20_001):
        os.link(fan / ("0" * 38), fan / f"{each:038x}")
    return head(trap)


def many_packs(trap: Trap) -> str:
    pack = trap.pack_all()
    for each in range(100):
        os.link(pack, pack.with_name(f"pack-{each}.pack"))
    return trap.manager.git("rev-parse", "HEAD")


NOT_WHOLE = (
    "the history of commit [0-9a-f]{40} is not whole in the proposed repository of 'alice': object [0-9a-f]{40} "
)
UNFIT = "commit [0-9a-f]{40} is not fit to be kept: "
PACK = "the proposed repository of 'alice' holds a "
TABLE: dict[Callable[[Trap], str], str] = {
    damaged_commit: r"there is no commit .* \(object [0-9a-f]{40} is damaged\)",
    damaged_tree: NOT_WHOLE + "is missing or damaged",
    damaged_blob: "object [0-9a-f]{40} of the commit is missing or damaged",
    empty_blob_file: NOT_WHOLE + "is damaged",
    another_blob: UNFIT,
    another_commit: "object [0-9a-f]{40} of the commit is missing or damaged",
    blob_in_history: UNFIT,
    size_lies: UNFIT + "corrupt loose object",
    missing_parent: NOT_WHOLE + "is missing or damaged",
    missing_blob: NOT_WHOLE + "is missing or damaged",
    shallow: NOT_WHOLE + "is missing or damaged",
    no_author: UNFIT + ".*missingAuthor",
    twice_the_same_name: "'x' is there twice",
    unsorted: UNFIT + ".*treeNotSorted",
    another_ones: "there is no commit",
    truncated_pack: PACK + "damaged pack; 'git fsck' there tells more",
    damaged_pack: PACK + "(damaged pack|pack that can't be used)",
    wrong_sum: PACK + "pack that can't be used: .*corrupt",
    no_pack: PACK + "damaged pack",
    thin_pack: PACK + "pack that can't be used: .*unresolved delta",
    pack_of_nothing: "holds more than 100000 objects: start its history afresh",
    gibibyte_in_a_pack: PACK.removesuffix("a ") + "an object of 1073741824 bytes, and 16777216 are the most",
    gibibyte_by_itself: NOT_WHOLE + "is 1073741824 bytes large, and 16777216 are the most",
    gibibyte_said_to_be_little: PACK + "damaged pack",
    gibibyte_by_a_delta: "holds an object of 1073741824 bytes",
    much_in_pieces: "holds more than 268435456 bytes of unpacked objects",
    much_uncompressed: "holds more than 67108864 bytes of objects",
    many_files: "holds more than 20000 files of objects",
    many_packs: "holds more than 100 packs; 'git gc' makes one of them",
}


@pytest.mark.deadline(10)
@pytest.mark.parametrize("arrange", TABLE, ids=lambda row: row.__name__)
async def test_it_is_refused(repositories: Repositories, trap: Trap, arrange: Callable[[Trap], str]) -> None:
    commit = arrange(trap)
    with pytest.raises(RepositoryError, match=TABLE[arrange]) as raised:
        await repositories.take_in(NAME, commit)
    assert ".in-" not in str(raised.value)


async def test_what_is_known_already_can_not_be_said_to_be_something_else(
    repositories: Repositories, trap: Trap
) -> None:
    commit, blob = new_blob(trap)
    await repositories.take_in(NAME, commit)
    trap.overwrite(blob, loose("blob", b"what is NEW\n"))
    second = trap.commit_of([("100644", b"renamed", blob)], "-p", commit)
    try:
        await repositories.take_in(NAME, second)
    except RepositoryError:
        return
    assert (await repositories.read(NAME, second))["renamed"] == b"what is new\n"


async def test_what_is_damaged_and_not_needed_is_no_hindrance(repositories: Repositories, trap: Trap) -> None:
    commit, _ = new_blob(trap)
    for each in range(3):
        trap.overwrite(trap.blob(b"%d" % each), DAMAGED)
    trap.overwrite(GIBIBYTE_OF_ZEROS, zeros(1024, b"blob 1073741824\0"))
    (trap.git / "objects" / "00").mkdir(exist_ok=True)
    (trap.git / "objects" / "00" / "tmp_obj_x").write_text("")
    assert await repositories.take_in(NAME, commit) == commit


async def test_a_commit_that_came_as_history_is_judged_by_its_own_files(repositories: Repositories, trap: Trap) -> None:
    inner = trap.tree([("120000", b"passwd", trap.blob(b"/etc/passwd"))])
    odd = trap.commit_of([("40000", b"inner", inner)])
    await repositories.take_in(NAME, trap.commit_of([], "-p", odd))
    plain = trap.manager.loose(trap.tree([("100644", b"agent.toml", trap.blob(b"x"))])).read_bytes()
    trap.overwrite(inner, plain)
    with pytest.raises(RepositoryError, match="'inner/passwd' is a symbolic link"):
        await repositories.take_in(NAME, odd)
