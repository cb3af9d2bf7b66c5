"""What of the host is mounted: what lies where it was agreed to, and never the hive's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyperhive.agent_config import AgentConfig, Mount
from hyperhive.boundaries import Plan
from hyperhive.containers.mounting import check_sources, shown
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout
from hyperhive.mounts import target
from hyperhive.wire.names import MANAGER


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(state=tmp_path / "state", run=tmp_path / "run")
    (layout.state / "agents").mkdir(parents=True)
    return layout


def showing(source: Path) -> Plan:
    return Plan(config=AgentConfig(mounts=(Mount(source=source, target=Path("/data"), writable=True),)))


def seen(layout: Layout, name: str, plan: Plan) -> dict[str, bool]:
    """Where the agent is shown something, and whether it may write there."""
    return {str(bind.target): bind.writable for bind in shown(layout, name, plan, "/home/agent")}


def test_only_the_manager_is_shown_every_configuration_and_writes_the_proposed_ones_alone(layout: Layout) -> None:
    own = {"/run/hive": False, "/state": True, "/home/agent": True}
    assert seen(layout, "alice", Plan()) == own
    assert seen(layout, MANAGER, Plan()) == {**own, "/agents": True, "/applied": False}


def test_an_agent_is_shown_its_own_configuration_to_read_and_what_that_has_mounted(layout: Layout) -> None:
    plan = Plan(config=showing(Path("/srv/data")).config, files=layout.deployed("alice") / "c0ffee")
    assert seen(layout, "alice", plan).items() >= {"/config": False, "/data": True}.items()


def test_nothing_that_the_hive_shows_can_be_stood_in_for(layout: Layout) -> None:
    places = seen(layout, MANAGER, Plan(files=layout.deployed(MANAGER))).keys() - {"/home/agent"}
    assert len(places) == 5
    for place in places:
        with pytest.raises(ValueError, match="which is the hive's own"):
            target(place)


async def test_what_really_lies_there_can_be_mounted(reactor: Any, layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    await check_sources(reactor, layout, showing(tmp_path / "data"))
    await check_sources(reactor, layout, Plan())


async def test_what_a_link_leads_to_is_not_what_was_agreed_to(reactor: Any, layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "data/inner\n").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for source in (tmp_path / "link", tmp_path / "link/inner\n"):
        with pytest.raises(ContainerError, match=rf"is a link or lies behind one.*; name {tmp_path}/data"):
            await check_sources(reactor, layout, showing(source))


async def test_the_hives_own_can_not_be_mounted(reactor: Any, layout: Layout) -> None:
    with pytest.raises(ContainerError, match="which is the hive's own"):
        await check_sources(reactor, layout, showing(layout.state / "agents"))


@pytest.mark.parametrize("name", ["nowhere", "loop"])
async def test_what_is_not_there_is_refused_in_a_sentence(
    reactor: Any, layout: Layout, tmp_path: Path, name: str
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ContainerError, match=rf"there is no .*/{name} to be mounted at /data; make it"):
        await check_sources(reactor, layout, showing(tmp_path / name))
