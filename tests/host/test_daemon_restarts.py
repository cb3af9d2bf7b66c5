"""The daemon killed and started again, twenty times, while two machines write to each other without a pause."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.client import take_all
from tests.host.hives import NspawnHive, call

KILLS = 20
AGENTS = ("alice", "bob")
# Each sends numbers to the other and takes what the other sends, alice's turn by turn and bob's one by one, over
# connections of its own that it makes again by itself. What was answered, given and settled is told in the end.
WRITER = r"""
import json, os, signal, socket, sys, threading, time

me = os.environ["HIVE_AGENT"]
while me == "manager":
    signal.pause()
peer = {"alice": "bob", "bob": "alice"}[me]
begin, end = said = threading.Event(), threading.Event()
ledger = {"unsure": [], "sent": [], "given": [], "settled": [], "connections": 0}

class Line:
    hive = None

    def ask(self, cmd, **fields):
        "The answer, or None where the daemon has gone meanwhile."
        while self.hive is None:
            try:
                hive = socket.socket(socket.AF_UNIX)
                hive.connect(os.environ["HIVE_SOCKET"])
                self.hive, self.answers = hive, hive.makefile("rb")
                ledger["connections"] += 1
            except OSError:
                time.sleep(0.01)
        try:
            self.hive.sendall(json.dumps({"cmd": cmd, **fields}).encode() + b"\n")
            answer = self.answers.readline()
        except OSError:
            answer = b""
        if not answer:
            self.hive = None
            return None
        return json.loads(answer)

def send():
    line, number = Line(), 0
    begin.wait()
    while not end.is_set():
        number += 1
        answer = line.ask("send", to=peer, body=str(number))
        if answer is None:
            ledger["unsure"].append(number)
        elif answer["kind"] == "ok":
            ledger["sent"].append([number, answer["id"]])
        else:
            print("refused:", answer, flush=True)
            os._exit(1)
        while answer and answer["id"] > seen[0] + 400 and not end.is_set():
            time.sleep(0.005)

seen = [0]

def take(row):
    seen[0] = max(seen[0], row["id"])
    if row["from"] == "operator":
        said[row["body"] == "end"].set()
    elif row["from"] == peer:
        ledger["given"].append([row["id"], int(row["body"]), bool(row.get("redelivered"))])

def take_by_the_turn():
    line = Line()
    while not end.is_set():
        answer = line.ask("recv", max=8)
        rows = answer["messages"] if answer else []
        for row in rows:
            take(row)
        ids = [row["id"] for row in rows]
        if ids and line.ask("ack_turn", ids=ids):
            ledger["settled"] += [[id, len(ledger["given"])] for id in ids]

def take_one_by_one():
    line = Line()
    while not end.is_set():
        answer = line.ask("recv")
        if answer and answer["kind"] == "message":
            take(answer)

sender = threading.Thread(target=send)
sender.start()
{"alice": take_by_the_turn, "bob": take_one_by_one}[me]()
sender.join()
with open("/state/ledger.new", "w") as file:
    json.dump(ledger, file)
os.rename("/state/ledger.new", "/state/ledger")
while not (Line().ask("send", to="manager", body="done") or {}).get("id"):
    pass
signal.pause()
"""


@pytest.fixture
def hive() -> Iterator[NspawnHive]:
    base = Path(tempfile.mkdtemp(prefix="hive-", dir=os.environ["HYPERHIVE_TEST_HOST_STATE"]))
    hive = NspawnHive(base)
    try:
        yield hive
    finally:
        hive.end()
        call("rm", "-rf", "--one-file-system", str(base), str(hive.run))


def test_twenty_kills_of_the_daemon_restart_no_machine_and_lose_and_double_no_mail(hive: NspawnHive) -> None:
    command = ("/usr/bin/python3", "-I", "-S", "-c", WRITER)
    daemon = hive.open(command=command)
    for name in AGENTS:
        assert hive.host().ask("spawn", name=name)["ok"]
    for name in AGENTS:
        assert hive.host().ask("send", to=name, body="begin")["ok"]
    before = {name: (hive.leader(name), *lives(hive, name)) for name in (*AGENTS, "manager")}
    for kill in range(KILLS):
        changes(hive, 20 + 37 * kill % 100)
        daemon.kill()
        daemon = hive.open(command=command)
    assert {name: (hive.leader(name), *lives(hive, name)) for name in before} == before

    changes(hive, 100)
    for name in AGENTS:
        assert hive.host().ask("send", to=name, body="end")["ok"]
    mail = heard_by_the_manager(hive)
    events = [json.loads(row["body"]) for row in mail.values() if row["from"] == "system"]
    assert [(it["event"], it["agent"]) for it in events] == [("spawned", name) for name in AGENTS]
    ledgers = {name: json.loads((hive.state / "agents" / name / "state/ledger").read_text()) for name in AGENTS}
    for sender, recipient in (AGENTS, AGENTS[::-1]):
        rest = [row for row in take_all(hive.agent(recipient)) if row["from"] == sender]
        given = [*ledgers[recipient]["given"], *([row["id"], int(row["body"]), row["redelivered"]] for row in rest)]
        assert_all_came_once(ledgers[sender], given)
        assert_settled_for_good(ledgers[recipient]["settled"], given)
        assert ledgers[sender]["connections"] >= 2 * KILLS


def assert_all_came_once(sender: Any, given: list[Any]) -> None:
    """Every send that was answered came; what came again was marked; all came in the order in which it was sent."""
    first = {id_: number for id_, number, _ in reversed(given)}
    assert len(sender["sent"]) > KILLS
    assert [sent for sent in sender["sent"] if first.get(sent[1]) != sent[0]] == []
    assert set(first.values()) <= {number for number, _ in sender["sent"]} | set(sender["unsure"])
    assert len(set(first.values())) == len(first)
    seen: dict[int, int] = {}
    for id_, number, redelivered in given:
        assert redelivered or id_ not in seen, f"{number} came twice, unmarked"
        seen[id_] = number
    assert list(seen) == sorted(seen)
    assert list(seen.values()) == sorted(seen.values())


def assert_settled_for_good(settled: list[Any], given: list[Any]) -> None:
    """What was acknowledged, and the daemon had said so, did not come again."""
    last = {id_: place for place, (id_, _, _) in enumerate(given)}
    assert [id_ for id_, place in settled if last.get(id_, -1) >= place] == []


def lives(hive: NspawnHive, name: str) -> tuple[Any, ...]:
    row = hive.status(name)
    return row["running"], row["generation"], row["restarts"], row["since"]


def changes(hive: NspawnHive, count: int) -> None:
    """Return when so much has changed in the hive, beginning with now: almost all of it is mail."""
    with hive.host() as following:
        assert following.ask("subscribe")["ok"]
        for _ in range(count):
            following.hear()


def heard_by_the_manager(hive: NspawnHive) -> dict[int, Any]:
    """All mail to the manager, by its number, once both agents have written that they are done."""
    found: dict[int, Any] = {}
    with hive.manager() as manager:
        while sum(row["body"] == "done" for row in found.values()) < len(AGENTS):
            row = manager.ask("recv", wait_seconds=20)
            assert row["kind"] == "message", found
            found[row["id"]] = row
    return found
