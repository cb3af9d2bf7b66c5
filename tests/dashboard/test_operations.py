"""Operations: what was done to agents, by whom, and what came of it."""

from __future__ import annotations

from tests.daemon.harness import Hive
from tests.dashboard.console import Console
from tests.dashboard.working import HOSTILE, Worker


def rows(console: Console, **wanted: str) -> list[str]:
    """What one reads of each operation."""
    page = console.get("/operations", **wanted)
    return [page.part(id_) for id_ in page.ids if id_.startswith("operation-")]


def test_operations_are_listed_newest_first_with_what_came_of_them(hive: Hive, console: Console) -> None:
    Worker(hive)
    with hive.host() as host:
        assert host.ask("stop", name="bob")["ok"]
    newest, middle, oldest = rows(console)
    assert newest.startswith("3 bob stop succeeded operator")
    assert "done log of bob" in newest
    assert middle.startswith("2 bob spawn succeeded operator")
    assert oldest.startswith("1 manager start succeeded system")
    assert "/agents/bob/log" in console.get("/operations").links


def test_an_operation_that_failed_says_why(hive: Hive, console: Console) -> None:
    Worker(hive)
    with hive.host() as host:
        assert host.ask("stop", name="bob")["ok"]
        (hive.state / "agents/bob/state").rename(hive.state / "gone")
        (hive.state / "agents/bob/state").write_text("in the way")
        assert not host.ask("start", name="bob")["ok"]
    newest = rows(console)[0]
    assert "bob start failed operator" in newest
    assert "state" in newest
    (found,) = rows(console, state="failed")
    assert found.split()[0] == newest.split()[0]  # how long ago it was may have changed meanwhile


def test_they_are_filtered_by_text_kind_state_and_number(hive: Hive, console: Console) -> None:
    Worker(hive)
    assert [row[0] for row in rows(console, text="BOB")] == ["2"]
    assert [row[0] for row in rows(console, kind="start")] == ["1"]
    assert [row[0] for row in rows(console, state="succeeded", text="bob")] == ["2"]
    assert [row[0] for row in rows(console, id="1")] == ["1"]
    page = console.get("/operations", text=HOSTILE, kind=HOSTILE, state=HOSTILE, id=HOSTILE)
    assert "No operation is as the filter wants it." in page.text
    assert ("script", {}) not in page.tags
    assert page.form("/operations").fields["text"] == HOSTILE
