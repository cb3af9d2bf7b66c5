"""Another backend is taken where no agent runs in a container of the one before."""

from __future__ import annotations

import pytest

from hyperhive.errors import StartupError
from hyperhive.store import agents
from tests.bench import Bench
from tests.services.operating import START, STOP


def use(bench: Bench, kind: str, boot: str = "this boot") -> None:
    """What a daemon begins with whose backend is of that kind."""
    bench.get(bench.lifecycle.prepare(boot, kind))


def test_another_backend_is_refused_while_agents_run_in_containers_of_the_one_before(bench: Bench) -> None:
    use(bench, "local")
    told = "the agents of this hive run in containers of the kind 'local': set that again, stop them .*'nspawn'"
    with pytest.raises(StartupError, match=told):
        use(bench, "nspawn")
    use(bench, "local")
    for name in ("alice", "bob", "manager"):
        bench.operate(name, STOP)
    use(bench, "nspawn")
    bench.operate("bob", START)
    with pytest.raises(StartupError, match="of the kind 'nspawn'"):
        use(bench, "local")


def test_another_backend_is_taken_where_agents_crashed_were_stopped_by_the_daemon_or_went_with_the_host(
    bench: Bench,
) -> None:
    use(bench, "local")
    bench.do(lambda connection: agents.start_failed(connection, "alice", "why", agents.RUNNING))
    bench.do(lambda connection: agents.is_stopped(connection, "bob", agents.RESUME))
    use(bench, "nspawn", "the next boot")


def test_another_backend_is_refused_where_a_daemon_ended_in_the_middle_of_a_start(bench: Bench) -> None:
    use(bench, "local")
    for name in ("alice", "bob", "manager"):
        bench.operate(name, STOP)
    bench.do(lambda connection: connection.execute("UPDATE operations SET state = 'running' WHERE id = 1"))
    with pytest.raises(StartupError, match="of the kind 'local'"):
        use(bench, "nspawn")


def test_a_hive_that_does_not_know_its_backend_has_the_one_that_is_configured(bench: Bench) -> None:
    bench.do(lambda connection: connection.execute("DELETE FROM facts WHERE name = 'containers'"))
    use(bench, "nspawn")
    with pytest.raises(StartupError, match="of the kind 'nspawn'"):
        use(bench, "local")
