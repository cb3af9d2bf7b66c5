"""What an agent is made from, what became of its configuration, and the way back."""

from __future__ import annotations

import pytest

from tests.daemon.harness import Hive
from tests.dashboard.console import Console
from tests.dashboard.test_agents import ended
from tests.dashboard.working import Worker

PAGE = "/agents/bob/configuration"
SLY = '[mail]\nrecipients = ["manager"]  # <script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}\n'


@pytest.fixture
def deployed(hive: Hive, console: Console) -> str:
    """The commit that bob is made from, by approval 1; before that it was another."""
    Worker(hive)
    commit = hive.propose("bob", SLY)
    asked = hive.manager().ask("request_apply_commit", agent="bob", commit_ref=commit, description="less mail")
    assert asked["kind"] != "err", asked
    with hive.host() as host:
        assert host.ask("stop", name="bob")["ok"]  # so that no deploy waits for the test's program to be well
        assert host.ask("approve", id=1)["ok"]
    ended(hive)
    assert hive.status("bob")["deployed_sha"] == commit
    return commit


def test_what_runs_is_shown_with_its_history(console: Console, deployed: str) -> None:
    page = console.get(PAGE)
    assert f"Commit {deployed}" in page.part("running")
    assert "<script>alert(1)</script>U+202E" in page.part("config-1")
    assert ("script", {}) not in page.tags
    steps = [id_ for id_ in page.ids if id_.startswith("step-")]
    assert steps == ["step-deployed-1", "step-building-1", "step-approved-1", "step-proposal-1", "step-deployed-0"]
    assert "runs" in page.part("step-deployed-1")
    assert "less mail" in page.part("step-proposal-1")


def test_a_step_shows_what_it_changed_of_what_was_deployed_before(console: Console, deployed: str) -> None:
    page = console.get(f"{PAGE}/deployed/1")
    assert deployed in page.text
    assert "Against deployed/0" in page.text
    assert "agent.toml changed" in page.part("file-1")
    assert '+recipients = ["manager"] # <script>alert(1)</script>U+202E' in page.part("file-1")
    assert ("script", {}) not in page.tags
    assert "Nothing was deployed before it." in console.get(f"{PAGE}/deployed/0").text


def test_the_operator_goes_back_to_what_ran_before(hive: Hive, console: Console, deployed: str) -> None:
    forms = [form for form in console.get(PAGE).forms if form.action == "/agents/bob/rollback"]
    assert [form.buttons for form in forms] == [["Roll back to deployed/0"]]
    page = console.post("/agents/bob/rollback", **forms[0].pressed("Roll back to deployed/0"))
    assert "bob is being deployed from deployed/0 (operation" in page.text
    ended(hive)
    assert hive.status("bob")["deployed_sha"] != deployed
    assert "Roll back to deployed/1" in console.get(f"{PAGE}/deployed/1").text


@pytest.mark.usefixtures("deployed")
def test_what_can_not_be_gone_back_to_is_a_sentence(console: Console) -> None:
    for ref, sentence in (
        ("", "must name a step"),
        ("deployed/1", "is what is deployed of 'bob'"),
        ("deployed/9", "9"),
    ):
        page = console.post("/agents/bob/rollback", ref=ref)
        assert page.status == 409
        assert sentence in page.text
    assert console.get(f"{PAGE}/deployed/9").status == 404
    assert console.get(f"{PAGE}/<script>/1").status == 404
    assert console.get("/agents/nobody/configuration").status == 404
    assert console.get("/agents/nobody/configuration/deployed/0").status == 404


def test_who_may_only_look_goes_nowhere(hive: Hive, onlooker: Console, deployed: str) -> None:
    assert onlooker.post("/agents/bob/rollback", ref="deployed/0").status == 403
    assert [form for form in onlooker.get(PAGE).forms if form.action == "/agents/bob/rollback"] == []
    assert hive.status("bob")["deployed_sha"] == deployed
