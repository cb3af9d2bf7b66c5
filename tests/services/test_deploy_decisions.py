"""Approvals of commits: what is refused at the door, and who decides what once."""

from __future__ import annotations

import pytest

from hyperhive.errors import BadConfig, OperationFailed, Refused, RepositoryError
from hyperhive.store import configs
from hyperhive.wire.names import MANAGER, OPERATOR
from hyperhive.wire.states import OperationKind
from tests.bench import Bench
from tests.services.deploying import approve, ask, environment, row


def test_a_commit_is_refused_at_the_door_where_it_could_not_be_deployed(bench: Bench, carol: str) -> None:
    with pytest.raises(Refused, match="is what is deployed; commit a change"):
        bench.get(bench.approvals.request_commit(carol, bench.repositories.mains[carol], None, MANAGER))
    bad = bench.repositories.commit(carol, "colour = 'blue'\n")
    with pytest.raises(Exception, match=r"agent\.toml, line 1: there is no setting 'colour'"):
        bench.get(bench.approvals.request_commit(carol, bad, None, MANAGER))
    bench.containers.refuses = "'network' can't be had here"
    with pytest.raises(Exception, match=r"agent\.toml: 'network' can't be had here"):
        ask(bench, carol)
    bench.containers.refuses, bench.containers.can_not_read = None, "agent.nix, line 3: unexpected ';'"
    with pytest.raises(BadConfig, match=r"agent\.nix, line 3: unexpected ';'"):
        ask(bench, carol)
    with pytest.raises(Exception, match="there is no agent 'nobody'"):
        bench.get(bench.approvals.request_commit("nobody", "abcd", None, MANAGER))
    assert bench.get(bench.approvals.every()) == ()


def test_a_deploy_in_between_makes_an_approval_stale_until_the_new_diff_was_looked_at(bench: Bench, carol: str) -> None:
    first, second = ask(bench, carol), ask(bench, carol, "[environment]\nSPEED = 'slow'\n")
    shown = bench.get(bench.approvals.diff(second, None)).digest
    approve(bench, first)
    with pytest.raises(Refused, match=r"a deploy on 'carol' is under way \(operation 2\)"):
        approve(bench, second)
    bench.pulse.voice(carol)()
    bench.settle()
    assert (row(bench, first).stale, row(bench, second).stale) == (False, True)
    with pytest.raises(Refused, match="approval 2 is stale: it was asked for when carol was made from"):
        approve(bench, second)
    new = bench.get(bench.approvals.diff(second, None)).digest
    assert new is not None
    assert new != shown
    with pytest.raises(Refused, match=f"the digest is not that of what approval 2 changes now.*{new}"):
        approve(bench, second, shown)
    approve(bench, second, new)
    assert environment(bench) == {"SPEED": "slow"}


def test_a_commit_that_was_deployed_meanwhile_is_not_approved_again(bench: Bench, carol: str) -> None:
    first = ask(bench, carol)
    again = bench.get(bench.approvals.request_commit(carol, row(bench, first).sha or "", None, MANAGER))
    approve(bench, first)
    bench.pulse.voice(carol)()
    bench.settle()
    with pytest.raises(Refused, match=f"'carol' is made from .* already; deny approval {again}"):
        approve(bench, again)


def test_two_who_decide_at_once_decide_once(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    approve(bench, id_)
    with pytest.raises(Refused, match="approval 1 was already approved by operator"):
        approve(bench, id_)
    with pytest.raises(Refused, match="approval 1 was already approved by operator"):
        bench.get(bench.approvals.deny(id_, None, OPERATOR))


def test_a_denied_commit_is_tagged_with_the_note(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.get(bench.approvals.deny(id_, "too quick", OPERATOR))
    assert bench.repositories.tags[carol, "denied/1"] == (row(bench, id_).sha, "by operator\n\ntoo quick")


def test_what_a_repository_was_not_told_it_is_told_by_the_next_daemon(bench: Bench, carol: str) -> None:
    bench.repositories.faults["tag"] = RepositoryError("the disk is full")
    id_ = ask(bench, carol)
    bench.get(bench.approvals.deny(id_, None, OPERATOR))
    assert bench.repositories.tags_of(carol) == ["deployed/0"]
    del bench.repositories.faults["tag"]
    bench.approvals.startService()
    bench.settle()
    assert bench.repositories.tags_of(carol) == ["deployed/0", "proposal/1", "denied/1"]


def test_an_approval_without_a_commit_has_neither_diff_nor_digest(bench: Bench) -> None:
    id_ = bench.get(bench.approvals.request_spawn("carol", None, MANAGER))
    with pytest.raises(Refused, match=f"approval {id_} is about no commit"):
        bench.get(bench.approvals.diff(id_, None))
    with pytest.raises(Refused, match=f"approval {id_} is about no commit, so there is no digest"):
        approve(bench, id_, "abc")


def test_who_asks_for_too_much_at_once_is_refused(bench: Bench) -> None:
    for number in range(100):
        bench.get(bench.approvals.request_spawn(f"x{number}", None, MANAGER))
    with pytest.raises(Refused, match="100 approvals that you asked for wait already"):
        bench.get(bench.approvals.request_spawn("y", None, MANAGER))


def test_an_old_approval_of_a_commit_that_was_never_pinned_fails_and_says_why(bench: Bench) -> None:
    bench.do(
        lambda connection: connection.execute(
            "INSERT INTO approvals (agent, kind, commit_ref, requested_by, requested_at, status) "
            "VALUES ('alice', 'apply_commit', 'abcd', 'manager', 1, 'pending')"
        )
    )
    with pytest.raises(OperationFailed, match="ask for it again"):
        approve(bench, 1)


def test_the_hives_own_files_can_not_be_mounted(bench: Bench, carol: str) -> None:
    with pytest.raises(BadConfig, match="which is the hive's own"):
        ask(bench, carol, f"[[mounts]]\nsource = '{bench.layout.state}/agents'\ntarget = '/data'\n")


def test_nothing_is_granted_of_an_agent_that_is_being_destroyed(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.do(lambda connection: configs.compare(connection, carol, "there"))
    bench.get(bench.approvals.request_update(carol, "there", MANAGER))
    held = bench.containers.hold("stop")
    bench.get(bench.lifecycle.request(carol, OperationKind.DESTROY, OPERATOR, flag=True))
    for one in (id_, id_ + 1):
        with pytest.raises(OperationFailed):
            approve(bench, one)
    held.callback(None)
    bench.settle()
    assert not bench.layout.home(carol).exists()
    assert carol not in bench.doors.opened


def test_nothing_is_kept_of_a_commit_that_was_refused(bench: Bench, carol: str) -> None:
    bad = bench.repositories.commit(carol, "colour = 'blue'\n")
    with pytest.raises(BadConfig):
        bench.get(bench.approvals.request_commit(carol, bad, None, MANAGER))
    assert bench.repositories.calls[-1] == ("let_go", carol, bad)
    assert not (bench.layout.deployed(carol) / bad).exists()


def test_what_another_agent_could_replace_is_not_shown(bench: Bench, carol: str) -> None:
    bench.operate("alice", OperationKind.RESTART)
    approve(bench, ask(bench, "alice", "mounts = [{ source = '/srv/share', target = '/share', writable = true }]"))
    bench.pulse.voice("alice")()
    bench.settle()
    with pytest.raises(BadConfig, match="'/srv/share/data' does not go with '/srv/share' of alice"):
        ask(bench, carol, "mounts = [{ source = '/srv/share/data', target = '/data' }]")
