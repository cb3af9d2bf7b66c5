"""The history of a configuration: one step of it, and what that changed."""

from __future__ import annotations

import pytest

from hyperhive.errors import Refused, UnknownAgent
from hyperhive.wire.records import ConfigEvent
from hyperhive.wire.states import OperationKind
from tests.bench import Bench


def tagged(bench: Bench, *tags: str) -> dict[str, str]:
    """Tags of carol, each at a commit of its own; the commits."""
    commits = {}
    for tag in tags:
        commits[tag] = commit = bench.repositories.commit("carol", f"# {tag}\n")
        bench.repositories.applied["carol"][commit] = bench.repositories.proposed["carol"][commit]
        bench.get(bench.repositories.tag("carol", tag, commit, f"said of {tag}"))
    return commits


def before(bench: Bench, tag: str) -> str | None:
    """The tag of what the step is compared with."""
    found = bench.get(bench.configurations.step("carol", tag)).before
    return None if found is None else found.tag


@pytest.fixture(autouse=True)
def carol(bench: Bench) -> None:
    bench.operate("carol", OperationKind.SPAWN)


def test_a_step_shows_what_it_changed_of_what_was_deployed_before_it(bench: Bench) -> None:
    commits = tagged(bench, "deployed/2", "proposal/5")
    step = bench.get(bench.configurations.step("carol", "proposal/5"))
    assert isinstance(step.event, ConfigEvent)
    assert (step.event.sha, step.event.text) == (commits["proposal/5"], "said of proposal/5")
    assert step.before is not None
    assert step.before.sha == commits["deployed/2"]
    assert step.diff is not None
    assert "# proposal/5" in step.diff


def test_the_first_one_changed_nothing_and_a_deploy_that_failed_after_all_never_was(bench: Bench) -> None:
    tagged(bench, "deployed/2", "deployed/10", "failed/10", "approved/11")
    assert before(bench, "deployed/0") is None
    assert before(bench, "deployed/2") == "deployed/0"
    assert before(bench, "approved/11") == "deployed/2"


def test_a_step_that_was_never_taken_and_an_agent_that_is_not_there_are_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="the configuration of 'carol' has no step 'deployed/7'; its history lists them"):
        before(bench, "deployed/7")
    with pytest.raises(UnknownAgent):
        bench.get(bench.configurations.step("nobody", "deployed/0"))
