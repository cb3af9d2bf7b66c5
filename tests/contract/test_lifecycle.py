"""What is done to agents, on every backend: spawned, stopped, started, restarted, rebuilt; and what is refused."""

from __future__ import annotations

import pytest

from tests.contract.world import World
from tests.daemon.harness import ends


def test_a_spawned_agent_runs_and_knows_who_and_where_it_is(world: World) -> None:
    name = world.spawn()
    assert world.counts(name) == (True, 1, 0)
    told = world.told(name, "tell")
    assert (told["HIVE_AGENT"], told["HIVE_GENERATION"]) == (name, "1")
    assert (told["cwd"], told["HIVE_STATE_DIR"]) == (world.state_inside(name),) * 2
    me = world.told(name, "ask", cmd="whoami")
    assert (me["name"], me["role"], me["generation"]) == (name, "agent", 1)
    assert world.history(name) == ["spawned", "destroyed"]


def test_programs_in_two_containers_write_to_each_other(world: World) -> None:
    names = world.spawn(), world.spawn()
    for one, other in (names, names[::-1]):
        body = f"hello {other}, here is {one} — ä\0\n" * 1000
        sent = world.told(one, "ask", cmd="send", to=other, body=body)
        assert sent["kind"] == "ok"
        heard = world.read_until(lambda row, other=other: row["from"] == other and "hello" in row["body"])  # type: ignore[misc]
        assert body.splitlines()[0][:5] in heard["body"]
    for name in names:
        assert world.history(name) == ["spawned", "destroyed"]


def test_hive_agent_serves_the_mail_inside(world: World) -> None:
    name = world.spawn()
    world.order(name, "become", words=["hive-agent", "serve"])
    number = world.manager_sends(name, "all in lower case")
    answer = world.read_until(lambda row: row["from"] == name)
    if answer["body"].startswith('"error'):
        pytest.skip("the image has no hive-agent")
    assert (answer["body"], answer["in_reply_to"]) == ("ALL IN LOWER CASE", number)
    assert world.history(name) == ["spawned", "destroyed"]


def test_a_stopped_agent_is_gone_with_all_that_it_started_until_it_is_started(world: World) -> None:
    name = world.spawn()
    world.told(name, "leave behind")
    leader, program = world.leader(name), world.program(name)
    world.ask("stop", name=name)
    assert ends(leader)
    assert ends(program)
    assert not [it for it in world.remains(name) if it.startswith(("process", "unit", "machine"))]
    row = world.status(name)
    assert (row["running"], row["failed"], row.get("since")) == (False, False, None)

    world.ask("stop", name=name)
    world.ask("start", name=name)
    assert world.counts(name) == (True, 2, 0)
    assert world.leader(name) != leader
    assert world.told(name, "tell")["HIVE_GENERATION"] == "2"
    world.ask("start", name=name)
    assert world.counts(name) == (True, 2, 0)
    assert world.history(name) == ["spawned", "killed", "destroyed"]


def test_restarts_and_rebuilds_are_new_starts_and_are_counted(world: World) -> None:
    name = world.spawn()
    leaders = [world.leader(name)]
    for count, cmd in enumerate(("restart", "rebuild"), 1):
        world.ask(cmd, name=name)
        leaders.append(world.leader(name))
        assert ends(leaders[-2])
        assert world.counts(name) == (True, count + 1, count)
        assert world.told(name, "ask", cmd="whoami")["generation"] == count + 1
    assert len(set(leaders)) == 3
    assert world.history(name) == ["spawned", "rebuilt", "destroyed"]


def test_a_rebuild_leaves_a_stopped_agent_stopped(world: World) -> None:
    name = world.spawn()
    world.ask("stop", name=name)
    world.ask("rebuild", name=name)
    assert world.counts(name) == (False, 1, 0)
    assert world.history(name) == ["spawned", "killed", "rebuilt", "destroyed"]


def test_an_agent_that_does_not_want_to_end_is_ended_and_holds_up_no_other(world: World) -> None:
    slow, swift = world.spawn(), world.spawn()
    world.told(slow, "ignore")
    leader = world.leader(slow)
    asked = world.ask("stop", name=slow, wait=False)["operation"]
    world.ask("restart", name=swift)
    assert [row["id"] for row in world.ask("operations")["operations"]] == [asked]
    assert world.settled(slow)[-1]["state"] == "succeeded"
    assert ends(leader)

    world.ask("start", name=slow)
    world.told(slow, "ignore")
    world.ask("stop", name=slow, graceful=False)
    assert world.counts(slow) == (False, 2, 0)
    assert world.history(slow) == ["spawned", "killed", "killed", "destroyed"]
    assert world.history(swift) == ["spawned", "destroyed"]


def test_several_agents_are_operated_at_once(world: World) -> None:
    names = [world.new_name() for _ in range(4)]
    for name in names:
        world.ask("spawn", name=name, wait=False)
    for name in names:
        assert [(row["kind"], row["state"]) for row in world.settled(name)] == [("spawn", "succeeded")]
    world.ask("restart", scope={"agent_names": names})
    assert {world.told(name, "tell")["HIVE_AGENT"] for name in names} == set(names)
    assert len({world.leader(name) for name in names}) == len(names)
    world.ask("stop", scope={"agent_names": names})
    assert not any(world.counts(name)[0] for name in names)
    for name in names:
        assert world.history(name) == ["spawned", "killed", "destroyed"]


def test_a_name_may_be_as_long_as_the_backend_says_and_no_longer(world: World) -> None:
    name = ("x-" * 32)[: world.longest_name - 1] + "y"
    assert f"an agent name here has at most {world.longest_name}" in world.refusal("spawn", name=name + "y")
    world.ask("spawn", name=name)
    assert world.told(name, "tell")["HIVE_AGENT"] == name
    assert world.history(name) == ["spawned", "destroyed"]


@pytest.mark.parametrize("name", ["", "A1", "1a", "-a", "a_b", "a/b", "..", "a b", "ä", "manager", "system"])
def test_a_bad_name_is_refused_and_leaves_nothing(world: World, name: str) -> None:
    before = {path: sorted(path.iterdir()) for path in (world.hive.state / "agents", world.hive.run / "agents")}
    assert name in world.refusal("spawn", name=name)
    assert {path: sorted(path.iterdir()) for path in before} == before
    assert world.operations(name) == [] or name == "manager"


def test_what_can_not_be_done_is_refused_with_a_sentence(world: World) -> None:
    name = world.spawn()
    leader = world.leader(name)
    assert f"there is an agent '{name}' already" in world.refusal("spawn", name=name)
    assert "the manager can't be destroyed" in world.refusal("destroy", name="manager", purge=True)
    for cmd in ("start", "stop", "restart", "rebuild", "destroy"):
        assert "there is no agent 'nobody'" in world.refusal(cmd, name="nobody")
    assert (world.leader(name), world.counts(name)) == (leader, (True, 1, 0))
    assert world.status("manager")["running"]
    assert world.remains("nobody") == []
    assert world.history(name) == ["spawned", "destroyed"]
    assert f"there is no agent '{name}'" in world.refusal("start", name=name)


def test_what_an_agent_prints_is_its_log_over_all_its_starts(world: World) -> None:
    name = world.spawn()
    world.told(name, "say", text="one ä")
    world.ask("restart", name=name)
    world.told(name, "say", text="two\nthree")
    log: list[str] = []
    while "three" not in log:  # what takes the output down may be a little behind
        log = world.ask("logs", name=name, lines=100)["log"]
    said = [line for line in log if line.startswith(("ready", "one", "two", "three"))]
    assert said == ["ready, start 1", "one ä", "ready, start 2", "two", "three"]
    assert world.ask("logs", name=name, lines=2)["log"][-2:] == ["two", "three"]
    assert world.history(name) == ["spawned", "destroyed"]
