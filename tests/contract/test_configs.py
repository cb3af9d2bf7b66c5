"""Configuration as commits, on every backend: what the operator saw is what runs, and a bad one goes back by itself."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.contract.world import World

BLUE = '[environment]\nHUE = "blue"\n'
RED = '[environment]\nHUE = "red"\n'


def commit(world: World, name: str, text: str) -> str:
    """The commit of a new `agent.toml` that the manager made where it has the agent's repository."""
    written = f"cat > agent.toml <<'END'\n{text}END\n"
    committed = "git commit -qam 'a change'\ngit rev-parse HEAD\n"
    return world.manager_runs(f"cd $HIVE_AGENTS_DIR/{name}\n{written}{committed}").strip()


def request(world: World, name: str, text: str) -> int:
    """The approval of a commit that the manager made and asked for."""
    answer = world.manager_asks("request_apply_commit", agent=name, commit_ref=commit(world, name, text)[:12])
    assert answer["kind"] == "ok", answer
    return int(answer["id"])


def approve(world: World, id_: int, **fields: Any) -> dict[str, Any]:
    """Approve, and wait until that has come to an end; the approval."""
    world.ask("approve", id=id_, **fields)
    return resolved(world, id_)


def resolved(world: World, id_: int) -> dict[str, Any]:
    approval = next(row for row in world.ask("pending", all=True)["approvals"] if row["id"] == id_)
    world.settled(approval["agent"])
    return next(dict(row) for row in world.ask("pending", all=True)["approvals"] if row["id"] == id_)


def hue(world: World, name: str) -> str | None:
    """What the agent's program finds in its environment."""
    told = world.told(name, "tell").get("HUE")
    return None if told is None else str(told)


def tags(world: World, name: str) -> list[str]:
    """The tags of the agent's `applied` repository, oldest first."""
    return [row["tag"] for row in reversed(world.ask("config_log", name=name)["config_log"])]


def test_what_the_manager_commits_runs_once_the_operator_has_seen_it_and_said_yes(world: World) -> None:
    name = world.spawn()
    before = world.status(name)["deployed_sha"]
    id_ = request(world, name, BLUE)
    shown = world.ask("diff", id=id_)
    assert '+HUE = "blue"' in shown["diff"].splitlines()
    assert (shown["base"], hue(world, name)) == (before, None)
    approval = approve(world, id_, digest=shown["digest"])
    assert approval["status"] == "approved", approval
    assert hue(world, name) == "blue"
    assert world.told(name, "read", path="$HIVE_CONFIG_DIR/agent.toml") == BLUE
    assert world.status(name)["deployed_sha"] == approval["sha"]
    steps = ("proposal", "approved", "building", "deployed")
    assert tags(world, name) == ["deployed/0", *(f"{step}/{id_}" for step in steps)]
    assert world.heard(name, "rebuilt") == {"event": "rebuilt", "agent": name, "ok": True, "sha": approval["sha"]}
    assert world.heard(name, "approval_resolved")["status"] == "approved"
    script = f"git -c safe.directory='*' -C $HIVE_APPLIED_DIR/{name} rev-parse main"
    assert world.manager_runs(script).strip() == approval["sha"]
    assert world.history(name) == ["spawned", "rebuilt", "approval_resolved", "destroyed"]


def test_a_commit_that_breaks_the_agent_goes_back_by_itself_and_everyone_is_told(world: World) -> None:
    name = world.spawn()
    assert approve(world, request(world, name, BLUE))["status"] == "approved"
    for broken, why in (
        ('DIES = "1"\n', "it did not stay up: exited with status 7"),
        ('MUTE = "1"\n[health]\nwindow = 2\n', "it did not speak on its socket within 2 seconds"),
    ):
        approval = approve(world, request(world, name, BLUE + broken))
        assert approval["status"] == "failed"
        assert approval["note"].startswith(why)
        assert approval["note"].endswith("runs again")
        assert hue(world, name) == "blue"
        assert tags(world, name)[-1] == f"failed/{approval['id']}"
        row = world.status(name)
        assert (row["running"], row["failed"]) == (True, False)
    assert world.history(name) == ["spawned", *["rebuilt", "approval_resolved"] * 3, "destroyed"]


def test_the_agents_own_check_decides_where_there_is_one(world: World) -> None:
    name = world.spawn()
    check = '[health]\nwindow = 3\ncommand = ["test", "-e", "ready"]\n'
    approval = approve(world, request(world, name, check))
    assert approval["status"] == "failed"
    assert "its health check did not succeed" in approval["note"]
    world.told(name, "write", path="$HIVE_STATE_DIR/ready", text="yes")
    assert approve(world, request(world, name, check + BLUE))["status"] == "approved"
    assert world.history(name)[-1] == "destroyed"


def test_an_operator_goes_back_and_forth(world: World) -> None:
    name = world.spawn()
    for text in (BLUE, RED):
        assert approve(world, request(world, name, text))["status"] == "approved"
    world.ask("rollback", name=name)
    assert hue(world, name) == "blue"
    world.ask("rollback", name=name, ref="deployed/0")
    assert hue(world, name) is None
    world.ask("restart", name=name)
    assert hue(world, name) is None
    shown = world.ask("config_show", name=name, ref=tags(world, name)[8])
    assert shown["files"] == [{"path": "agent.toml", "text": RED}]
    assert world.history(name)[-1] == "destroyed"


def test_a_denied_commit_leaves_its_mark_and_nothing_else(world: World) -> None:
    name = world.spawn()
    id_ = request(world, name, BLUE)
    world.ask("deny", id=id_, note="not today")
    assert world.heard(name, "approval_resolved")["note"] == "not today"
    assert hue(world, name) is None
    world.ask("rebuild", name=name)
    assert hue(world, name) is None
    assert world.history(name) == ["spawned", "approval_resolved", "rebuilt", "destroyed"]


def test_what_was_shown_is_what_runs_whatever_becomes_of_the_proposed_repository(world: World) -> None:
    name = world.spawn()
    id_ = request(world, name, BLUE)
    repository = f"$HIVE_AGENTS_DIR/{name}"
    amend = "echo 'HUE = 1' > agent.toml; git commit -qa --amend -m other; git gc -q --prune=now"
    world.manager_runs(f"cd {repository}; {amend}")
    world.manager_runs(f"rm -rf {repository}/.git {repository}/* || rm -rf {repository}")
    shown = world.ask("diff", id=id_)
    assert approve(world, id_, digest=shown["digest"])["status"] == "approved"
    assert hue(world, name) == "blue"
    assert world.history(name) == ["spawned", "rebuilt", "approval_resolved", "destroyed"]


def test_an_approval_that_became_stale_says_so_and_wants_to_be_looked_at_again(world: World) -> None:
    name = world.spawn()
    first, second = request(world, name, BLUE), request(world, name, RED)
    old = world.ask("diff", id=second)["digest"]
    assert approve(world, first)["status"] == "approved"
    assert "is stale" in world.refusal("approve", id=second)
    assert "look at 'diff' again" in world.refusal("approve", id=second, digest=old)
    new = world.ask("diff", id=second)
    assert '-HUE = "blue"' in new["diff"].splitlines()
    assert approve(world, second, digest=new["digest"])["status"] == "approved"
    assert hue(world, name) == "red"
    assert world.history(name)[-1] == "destroyed"


def test_a_configuration_can_be_had_and_changed_before_its_agent(world: World) -> None:
    name = world.new_name()
    id_ = world.manager_asks("request_init_config", name=name, description="soon")["id"]
    assert world.ask("pending")["more"] == 1
    assert approve(world, id_)["status"] == "approved"
    assert world.heard(name, "config_ready") == {"event": "config_ready", "agent": name}
    assert name not in world.ask("list")["agents"]
    assert approve(world, request(world, name, BLUE))["status"] == "approved"
    world.ask("approve", id=world.manager_asks("request_spawn", name=name)["id"])
    world.heard(name, "spawned")
    assert hue(world, name) == "blue"
    assert world.history(name)[-1] == "destroyed"


def test_who_may_write_to_whom_is_held_at_the_socket(world: World) -> None:
    name, other = world.spawn(), world.spawn()
    rules = '[mail]\nrecipients = ["manager"]\n[mail.rate]\nmessages = 50\nseconds = 3600\n'
    assert approve(world, request(world, name, rules))["status"] == "approved"
    refused = world.told(name, "ask", cmd="send", to=other, body="psst")
    assert refused["kind"] == "err"
    assert f"'{name}' may not write to '{other}'" in refused["message"]
    for one in (name, other):
        assert world.history(one)[-1] == "destroyed"


def test_a_branch_and_a_bad_configuration_are_refused_with_what_would_be_right(world: World) -> None:
    name = world.spawn()
    at = commit(world, name, BLUE)
    refused = world.manager_asks("request_apply_commit", agent=name, commit_ref="main")
    assert refused["kind"] == "err"
    assert at in refused["message"]
    bad = world.manager_asks("request_apply_commit", agent=name, commit_ref=commit(world, name, "[limits]\ncpu = 3\n"))
    assert "agent.toml, line 2" in bad["message"]
    assert world.ask("pending")["approvals"] == []
    assert world.history(name) == ["spawned", "destroyed"]


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout


def test_gits_own_tools_tell_the_whole_history_of_an_agent(world: World) -> None:
    name = world.spawn()
    done = request(world, name, BLUE)
    approve(world, done)
    denied = request(world, name, RED)
    world.ask("deny", id=denied, note="too red")
    world.ask("rollback", name=name)
    back = done + 2
    applied = str(world.hive.state / "applied" / name)
    form = "--format=%(refname:short) %(contents:subject)"
    lines = git("-C", applied, "for-each-ref", "refs/tags", "--sort=creatordate", form).splitlines()
    assert f"deployed/{back}" in {line.split()[0] for line in lines}
    assert any(line.startswith(f"denied/{denied} by operator") for line in lines)
    runs, first = (git("-C", applied, "rev-parse", f"{ref}^{{commit}}") for ref in ("main", "deployed/0"))
    assert runs == first
    assert git("-C", applied, "log", "--format=%s", f"deployed/{done}").splitlines()[0] == "a change"
    assert world.history(name)[-1] == "destroyed"
