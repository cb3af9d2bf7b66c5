"""Images under real machines: from a tarball, and replaced while machines run on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperhive.images.place import Place
from tests.daemon.harness import ends
from tests.host.hives import NspawnHive, call
from tests.host.tarballs import packed

VERSION = "etc/version-of-the-test"
UNPACKING = "is being unpacked"


@pytest.fixture
def tree(tree: Path) -> Path:
    """A copy of what sleeping takes of the agents' image, of version 1."""
    return versioned(tree, "1")


@pytest.fixture
def hives() -> Iterator[list[NspawnHive]]:
    """The hives that a test begins are ended after it."""
    begun: list[NspawnHive] = []
    yield begun
    for hive in begun:
        hive.end()


def versioned(tree: Path, version: str) -> Path:
    (tree / VERSION).unlink(missing_ok=True)  # the file may be another tree's too
    (tree / VERSION).write_text(version)
    return tree


def linked(tree: Path, to: Path, version: str) -> Path:
    """Another tree of the same files, of that version."""
    call("cp", "-al", str(tree), str(to))
    return versioned(to, version)


def trees(hive: NspawnHive) -> list[Path]:
    """What is unpacked, beside systemd-nspawn's locks."""
    return [path for path in (hive.state / "images").iterdir() if not path.name.startswith(".#")]


def seen(hive: NspawnHive, name: str) -> str:
    """The version of the image that the agent's machine runs on."""
    return Path(f"/proc/{hive.leader(name)}/root", VERSION).read_text()


def ask(hive: NspawnHive, verb: str, *names: str) -> None:
    with hive.host() as host:
        for name in names:
            answer = host.ask(verb, name=name)
            assert answer["ok"], answer


@pytest.mark.deadline(180)
def test_machines_start_from_a_tarball_that_is_unpacked_once_and_again_when_it_is_another(
    state: Path, tree: Path, hives: list[NspawnHive]
) -> None:
    tarball = packed(tree, state / "image.tar.gz")
    hive = NspawnHive(state, tarball)
    hives.append(hive)
    first = hive.open()
    ask(hive, "spawn", "alice", "bob")
    ask(hive, "restart", "alice")
    first.kill()
    second = hive.open()
    ask(hive, "restart", "alice")
    assert first.log.count(UNPACKING) == 1
    assert UNPACKING not in second.log
    (former,) = trees(hive)

    packed(versioned(tree, "2"), tarball)
    ask(hive, "restart", "alice")
    assert (seen(hive, "alice"), seen(hive, "bob"), seen(hive, "manager")) == ("2", "1", "1")
    assert former.is_dir()
    ask(hive, "restart", "bob", "manager")
    ask(hive, "restart", "alice")
    assert {seen(hive, name) for name in ("alice", "bob", "manager")} == {"2"}
    assert not former.exists()
    assert len(trees(hive)) == 1


@pytest.mark.deadline(120)
def test_a_daemon_killed_while_it_unpacks_takes_tar_with_it_and_the_next_one_begins_anew(
    state: Path, tree: Path, hives: list[NspawnHive]
) -> None:
    hive = NspawnHive(state, packed(tree, state / "image.tar.gz"))
    hives.append(hive)
    slow = state / "slow"
    slow.mkdir()
    os.mkfifo(slow / "begun")
    (slow / "tar").write_text(f"#!/bin/sh\necho $$ > {slow}/begun\nexec sleep infinity\n")
    (slow / "tar").chmod(0o755)
    daemon = hive.open(environment={**os.environ, "PATH": f"{slow}:{os.environ['PATH']}"})
    with hive.host() as host:
        host.say("spawn", name="alice")
        pid = int((slow / "begun").read_text())
        assert [path.name[:5] for path in trees(hive)] == [".new-"]
        daemon.kill()
    assert ends(pid)
    hive.open()
    ask(hive, "start", "alice")
    assert seen(hive, "alice") == "1"
    assert [path.name[:1] == "." for path in trees(hive)] == [False]


@pytest.mark.deadline(120)
def test_a_machine_keeps_the_image_that_it_was_started_on_when_a_new_one_takes_its_place(
    state: Path, tree: Path, hives: list[NspawnHive]
) -> None:
    hive = NspawnHive(state, tree)
    hives.append(hive)
    hive.open()
    ask(hive, "spawn", "alice", "bob")
    place = Place(tree)
    with place.workshop() as workshop:
        kept = place.put(linked(tree, workshop / "tree", "2"), replace=True)
    assert kept is not None
    ask(hive, "spawn", "carol")
    ask(hive, "restart", "bob")
    assert [seen(hive, name) for name in ("alice", "bob", "carol")] == ["1", "2", "2"]
    ask(hive, "restart", "alice", "manager")
    with place.workshop():
        assert not kept.exists()
    assert seen(hive, "alice") == "2"


@pytest.mark.deadline(120)
def test_images_are_replaced_while_agents_start_and_each_start_has_a_whole_one(
    state: Path, tree: Path, hives: list[NspawnHive]
) -> None:
    hive = NspawnHive(state, tree)
    hives.append(hive)
    hive.open()
    ask(hive, "spawn", "alice")
    place = Place(tree)
    for version in range(2, 8):
        with hive.host() as host, place.workshop() as workshop:
            new = linked(tree, workshop / "tree", str(version))
            host.say("restart", name="alice")
            place.put(new, replace=True)
            assert host.hear()["ok"]
        assert seen(hive, "alice") in {str(version - 1), str(version)}


def test_what_is_no_tarball_is_refused_with_a_sentence(state: Path, hives: list[NspawnHive]) -> None:
    image = state / "image.tar"
    image.write_text("hello")
    hive = NspawnHive(state, image)
    hives.append(hive)
    daemon = hive.open()
    with hive.host() as host:
        answer = host.ask("spawn", name="alice")
    assert f"the image {image} is neither a directory nor a tarball" in answer["error"]
    assert "Traceback" not in daemon.log
