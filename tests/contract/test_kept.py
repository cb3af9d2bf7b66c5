"""What is kept of an agent and what is not, on every backend."""

from __future__ import annotations

from tests.contract.world import World

NOTE = "$HIVE_STATE_DIR/note"


def test_what_an_agent_wrote_down_is_kept_over_a_restart_and_over_its_own_destruction(world: World) -> None:
    name = world.spawn()
    world.told(name, "write", path=NOTE, text="dear diary")
    world.ask("restart", name=name)
    assert world.told(name, "read", path=NOTE) == "dear diary"

    assert world.history(name, purge=False) == ["spawned", "destroyed"]
    assert [
        it for it in world.remains(name) if "runtime" in it or "/run/" in it or it.startswith(("unit", "mac"))
    ] == []
    world.ask("spawn", name=name)
    assert world.counts(name) == (True, 3, 0)
    assert world.told(name, "read", path=NOTE) == "dear diary"

    assert world.history(name) == ["spawned", "destroyed"] * 2
    world.ask("spawn", name=name)
    assert world.told(name, "read", path=NOTE) is None
    assert world.history(name) == ["spawned", "destroyed"] * 3


def test_a_destroyed_agent_comes_back_without_its_log_its_status_text_and_its_pause(world: World) -> None:
    name = world.spawn()
    world.told(name, "say", text="something private")
    world.told(name, "ask", cmd="set_status", text="at work")
    assert world.status(name)["status_text"] == "at work"
    world.ask("set_paused", name=name, paused=True)
    world.history(name, purge=False)
    world.ask("spawn", name=name)
    row = world.status(name)
    assert (row.get("status_text"), row["paused"], row["restarts"]) == (None, False, 0)
    assert world.told(name, "tell")["HIVE_AGENT"] == name
    assert "something private" not in world.ask("logs", name=name, lines=1000)["log"]
    assert world.history(name) == ["spawned", "destroyed"] * 2


def test_mail_waits_for_an_agent_that_is_stopped(world: World) -> None:
    name = world.spawn()
    world.ask("stop", name=name)
    number = world.order(name, "tell")
    assert world.status(name)["unread"] == 1
    world.ask("start", name=name)
    world.read_until(lambda row: row.get("in_reply_to") == number)
    assert world.history(name) == ["spawned", "killed", "destroyed"]


def test_an_agent_that_was_destroyed_before_can_be_purged(world: World) -> None:
    name = world.spawn()
    world.told(name, "write", path=NOTE, text="dear diary")
    world.history(name, purge=False)
    assert world.remains(name)
    world.ask("destroy", name=name, purge=True)
    assert world.remains(name) == []
    assert [it["event"] for it in world.events(name)] == ["spawned", "destroyed"]
