"""Who may speak on the operator's socket, by what the kernel says of a real process that connected."""

from __future__ import annotations

import grp
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from attrs import frozen

from hyperhive.protocols.admission import Operators
from hyperhive.protocols.peer import Credentials, Peer

GROUP = 70123
SOMEBODY = 70007
CLIENT = """
import os, socket, sys
path, uid, gid, *groups = sys.argv[1:]
os.setgroups([int(one) for one in groups])
os.setresgid(*3 * [int(gid)])
os.setresuid(*3 * [int(uid)])
connection = socket.socket(socket.AF_UNIX)
connection.connect("\\0" + path)
connection.recv(1)
"""

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@frozen
class Transport:
    """What a Peer needs of a transport."""

    socket: socket.socket

    def fileno(self) -> int:
        return self.socket.fileno()


@contextmanager
def connected(uid: int, gid: int, *groups: int) -> Iterator[Peer]:
    """The peer that a process of that user and those groups is."""
    name = f"hyperhive-test-admission-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{name}")
        listening.listen()
        words = [sys.executable, "-I", "-S", "-c", CLIENT, name, *map(str, (uid, gid, *groups))]
        with subprocess.Popen(words) as process, listening.accept()[0] as taken:
            yield Peer(Transport(taken))
            taken.close()
            assert process.wait(30) == 0


@root_only
@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 257, 3000])
def test_every_group_of_a_peer_is_known(count: int) -> None:
    groups = range(80000, 80000 + count)
    with connected(SOMEBODY, 70008, *groups) as peer:
        assert peer.groups() == {70008, *groups}


@root_only
def test_a_member_by_a_supplementary_group_may_speak() -> None:
    with connected(SOMEBODY, 70008, 70009, GROUP, 70010) as peer:
        assert peer.credentials() == Credentials(peer.credentials().pid, SOMEBODY, 70008)
        assert Operators("bees", GROUP).objection_to(peer) is None


@root_only
def test_a_member_by_its_first_group_may_speak() -> None:
    with connected(SOMEBODY, GROUP) as peer:
        assert Operators("bees", GROUP).objection_to(peer) is None


@root_only
def test_a_peer_in_no_such_group_is_refused_with_the_group_s_name() -> None:
    with connected(SOMEBODY, 70008, 70009) as peer:
        assert Operators("bees", GROUP).objection_to(peer) == (
            "user 70007 may not speak here: this socket is for root, for user 0, who runs the daemon, and for "
            "the members of the group 'bees'; the groups that count are those of the process that connects"
        )


@root_only
def test_where_there_is_no_group_only_root_and_our_own_user_may_speak() -> None:
    with connected(SOMEBODY, 0, 0) as peer:
        assert Operators("bees").objection_to(peer) == (
            "user 70007 may not speak here: this socket is for root and for user 0, who runs the daemon"
        )


@root_only
def test_root_may_speak_whatever_its_groups() -> None:
    with connected(0, 70008) as peer:
        assert Operators("bees", GROUP).objection_to(peer) is None


def test_our_own_user_may_speak() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer = Peer(Transport(ours))
        assert Operators("bees").objection_to(peer) is None
        assert peer.groups() >= {os.getegid(), *os.getgroups()}


def test_a_group_that_the_system_does_not_have_has_no_number() -> None:
    assert Operators.of("no-group-has-this-name") == Operators("no-group-has-this-name", None)
    assert Operators.of(None) == Operators(None, None)


def test_our_own_group_has_its_number() -> None:
    own = grp.getgrgid(os.getegid())
    assert Operators.of(own.gr_name) == Operators(own.gr_name, own.gr_gid)
