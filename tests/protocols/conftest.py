"""A stage for conversations over real Unix sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import maybeDeferred

from hyperhive.protocols.agent import AgentDesk
from hyperhive.protocols.host import HostDesk
from hyperhive.protocols.host_console import HostConsoleDesk
from hyperhive.protocols.host_turns import HostTurnDesk
from hyperhive.protocols.manager import ManagerDesk
from hyperhive.services import homes
from hyperhive.services.changes import Changes
from hyperhive.services.sessions import Sessions
from hyperhive.wire import codec
from hyperhive.wire.names import MANAGER
from hyperhive.wire.records import Console, Urls
from tests.bench import Bench
from tests.protocols.asking import Ask, come_to
from tests.protocols.scripted_desk import ScriptedDesk
from tests.protocols.stage import Client, Stage


@pytest_twisted.async_yield_fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage with its socket in a temporary directory."""
    made = Stage(tmp_path / "mcp.sock")
    yield made
    await made.close()


@pytest.fixture
def desk(stage: Stage) -> ScriptedDesk:
    made = ScriptedDesk()

    def at(look: Any) -> ScriptedDesk:
        made.look = look
        return made

    stage.serve(codec.MANAGER, at)
    return made


@pytest.fixture
def client(stage: Stage, desk: ScriptedDesk) -> Client:
    return stage.client()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(homes, "deferToThread", maybeDeferred)
    made = Bench(tmp_path)
    made.add_agents("alice", "bob", MANAGER)
    services = (made.broker, made.leases, made.turns, made.orders, made.lifecycle, made.approvals, made.questions)
    for service in (*services, made.reminders):
        service.startService()
    yield made
    made.questions.stopService()
    made.reminders.stopService()
    made.orders.stopService()
    made.turns.stopService()
    made.leases.stopService()
    made.close()


@pytest.fixture
def operator(bench: Bench) -> Ask:
    """Asks as the operator."""
    desk = HostDesk(
        broker=bench.broker,
        approvals=bench.approvals,
        configurations=bench.configurations,
        questions=bench.questions,
        lifecycle=bench.lifecycle,
        roster=bench.roster,
        changes=Changes(bench.broker, bench.roster),
        urls=Urls(domain="hive.example"),
        console=HostConsoleDesk(Sessions(bench.broker), lambda: Console(url="http://hive.localhost:7000")),
        turns=HostTurnDesk(bench.turns, bench.harnesses),
    )
    return lambda request: come_to(bench, desk.answer(request))


@pytest.fixture
def manager(bench: Bench) -> Ask:
    """Asks as the manager."""
    agent = AgentDesk(
        broker=bench.broker,
        leases=bench.leases,
        turns=bench.turns,
        harnesses=bench.harnesses,
        questions=bench.questions,
        reminders=bench.reminders,
        roster=bench.roster,
        hive="test",
        name=MANAGER,
        look=lambda: None,
        speak=bench.pulse.voice(MANAGER),
    )
    desk = ManagerDesk(agent=agent, approvals=bench.approvals, lifecycle=bench.lifecycle)
    return lambda request: come_to(bench, desk.answer(request))
