"""What an agent can't do from its machine, be it root there: each attempt is made inside, by a program of the agent's.

The hive's network is `nat`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.host.hives import NspawnHive, call
from tests.host.internet import internet, networkd
from tests.host.isolation.den import CONSOLE, Den
from tests.host.puppets import COMMAND, Puppet


@pytest.fixture(scope="package", params=["root", "agent"])
def den(request: pytest.FixtureRequest) -> Iterator[Den]:
    """One hive for all that runs as the same user in its machine."""
    base = Path(os.environ["HYPERHIVE_TEST_HOST_STATE"], f"den-{request.param}")
    base.mkdir(mode=0o755)
    secret = base / "secret"
    secret.write_text("of the host's")
    with ExitStack() as around:
        around.callback(call, "rm", "-rf", "--one-file-system", str(base))
        around.enter_context(networkd())
        around.enter_context(internet())
        hive = NspawnHive(base, network="nat", user=request.param)
        around.callback(hive.end)
        hive.open("--dashboard", f"0.0.0.0:{CONSOLE}", command=COMMAND)
        with hive.host() as host:
            for name in ("alice", "bob"):
                assert host.ask("spawn", name=name)["ok"]
                Puppet(hive, name).wait()
        yield Den(hive, request.param, secret)
