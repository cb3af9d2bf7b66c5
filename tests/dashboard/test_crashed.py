"""An agent that crashed, on Home: why, what it was at, and what starts it again."""

from __future__ import annotations

import os
import re
import signal

from tests.daemon.client import next_event
from tests.daemon.harness import Hive
from tests.dashboard.console import Console
from tests.dashboard.working import Worker


def test_an_agent_that_crashed_is_there_with_its_cause_and_started_again(hive: Hive, console: Console) -> None:
    assert hive.host().ask("spawn", name="alice")["ok"]
    os.kill(hive.pid("alice"), signal.SIGKILL)
    next_event(hive.manager(), "container_crash")
    page = console.get("/")
    assert "alice failed killed by SIGKILL It is not started again by itself." in page.part("needs")
    assert "/agents/alice/log" in page.links
    assert "turn" not in page.part("failed-alice")
    done = console.post("/agents/alice/operate", what="start", back="/")
    assert "alice is starting" in done.text
    assert hive.host().ask("start", name="alice", wait=True)["ok"]
    assert "Nothing needs you." in console.get("/").part("needs")


def test_a_crash_in_the_middle_of_a_turn_leads_to_that_turn_to_its_mail_and_to_the_log(
    hive: Hive, console: Console
) -> None:
    worker = Worker(hive)
    turn = worker.begin("fix the lights")
    os.kill(hive.pid("bob"), signal.SIGKILL)
    next_event(hive.manager(), "container_crash")
    page = console.get("/")
    assert f"See turn {turn}, in the middle of which it crashed" in page.part("failed-bob")
    (mail,) = {link for link in page.links if re.fullmatch(r"/mail/\d+", link)}
    assert "fix the lights" in console.get(mail).text
    for address in (f"/agents/bob/turns/{turn}", "/agents/bob/log"):
        assert address in page.links
        assert console.get(address).status == 200
