"""What of the host is mounted: what lies where it was agreed to, and never the hive's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyperhive.agent_config import AgentConfig, Mount
from hyperhive.boundaries import Plan
from hyperhive.containers.mounting import check_sources
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(state=tmp_path / "state", run=tmp_path / "run")
    (layout.state / "agents").mkdir(parents=True)
    return layout


def showing(source: Path) -> Plan:
    return Plan(config=AgentConfig(mounts=(Mount(source=source, target=Path("/data"), writable=True),)))


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
