"""The turn loop with the real CLI, which speaks to a stand-in of the Messages API."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from hyperhive.agent.program import Agent
from hyperhive.agent.settings import settings_in
from hyperhive.wire.agent_requests import GetOpenThreads
from hyperhive.wire.states import HarnessState, OrderKind, TurnOutcome
from hyperhive.wire.turn_requests import Report
from hyperhive.wire.turns import Order
from tests.agent.small_hive import SmallHive
from tests.claude.api import MessagesApi
from tests.claude.conftest import offline
from tests.claude.script import TOO_LONG, UNKNOWN_KEY, Answer, Asked, says, used_up

Serve = Callable[..., Agent]
TOKEN = "sk-ant-api-of-a-test"


@pytest.fixture
def hive(reactor: Any, tmp_path: Path) -> Generator[SmallHive]:
    """A socket that serves alice, open."""
    small = SmallHive(reactor, tmp_path / "mcp.sock")
    small.open()
    yield small
    pytest_twisted.blockon(Deferred.fromCoroutine(small.close()))


@pytest.fixture
def serve(
    reactor: Any, hive: SmallHive, claude: Path, api: MessagesApi, home: Path, tmp_path: Path
) -> Generator[Serve]:
    """Starts an agent whose runner is the CLI."""
    agents: list[Agent] = []
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "claude").symlink_to(claude)
    environment = {
        **offline(api, home),
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "HIVE_RUNNER": "claude",
        "HIVE_STATE_DIR": str(home),
    }

    def start(**changed: str) -> Agent:
        own = {**environment, **changed}
        agents.append(Agent(reactor, hive.path, settings_in(own), own))
        agents[-1].start()
        return agents[-1]

    yield start
    for agent in agents:
        pytest_twisted.blockon(Deferred.fromCoroutine(agent.stop()))


@pytest.mark.deadline(90)
async def test_mail_is_a_turn_of_the_real_cli_which_knows_who_it_is_and_who_wrote(
    hive: SmallHive, serve: Serve, api: MessagesApi
) -> None:
    number = hive.deliver("bob", "How many are three and four?")
    serve()
    await hive.until(lambda: hive.ended)
    (ended,) = hive.ended
    assert (ended.outcome, ended.error, hive.done) == (TurnOutcome.DONE, None, [number])
    assert ended.usage is not None
    assert ended.usage.output_tokens
    assert ended.usage.session
    told = api.asked[-1].everything
    assert 'You are the agent \\"alice\\" of the hive \\"testhive\\"' in told
    assert 'You have mail: message 1 from \\"bob\\"' in told
    assert "How many are three and four?" in told
    assert '"type":"result"' in hive.stream[-1]


@pytest.mark.deadline(90)
async def test_the_next_message_goes_on_in_the_same_session(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("bob", "one")
    hive.deliver("bob", "two")
    serve()
    await hive.until(lambda: len(hive.ended) == 2)
    assert len({end.usage and end.usage.session for end in hive.ended}) == 1
    assert [end.outcome for end in hive.ended] == [TurnOutcome.DONE] * 2


@pytest.mark.deadline(90)
async def test_what_is_open_is_told_again_after_the_cli_has_shortened_its_context_by_itself(
    hive: SmallHive, serve: Serve, api: MessagesApi
) -> None:
    api.use([says("hello"), TOO_LONG, says("what was said so far")])
    for body in "one", "two", "three":
        hive.deliver("bob", body)
    serve()
    await hive.until(lambda: len(hive.ended) == 3)
    assert [(end.outcome, end.error) for end in hive.ended] == [(TurnOutcome.DONE, None)] * 3
    assert [turn.ids for turn in hive.turns] == [(1,), (2,), (3,)]
    assert hive.asked.count(GetOpenThreads()) == 2


@pytest.mark.deadline(90)
async def test_a_context_that_can_not_be_shortened_is_left_behind_with_its_session(
    hive: SmallHive, serve: Serve, api: MessagesApi
) -> None:
    def answer(asked: Asked) -> Answer:
        """The book does not fit into the first session, and neither does the wish to shorten that."""
        first = [end.usage.session for end in hive.ended[:1] if end.usage and end.usage.session]
        is_full = "a whole book" in asked.everything and first and first[0] in asked.everything
        return TOO_LONG if is_full else says("hello")

    api.use(answer)
    for body in "the first thing", "a whole book", "a word":
        hive.deliver("bob", body)
    serve()
    await hive.until(lambda: len(hive.ended) == 4)
    done, failed = TurnOutcome.DONE, TurnOutcome.FAILED
    assert [end.outcome for end in hive.ended] == [done, failed, done, done]
    assert hive.put_back == [(2, True)]
    assert hive.done == [1, 2, 3]


@pytest.mark.deadline(90)
async def test_a_provider_that_takes_no_more_is_left_alone_and_the_mail_waits(
    hive: SmallHive, serve: Serve, api: MessagesApi
) -> None:
    again = int(time.time()) + 7200
    api.use(lambda _: used_up(resets_at=again, retry_after=7200))
    number = hive.deliver("bob", "one")
    serve(ANTHROPIC_API_KEY="", CLAUDE_CODE_OAUTH_TOKEN="sk-ant-oat01-dummy")
    await hive.until(lambda: hive.stands(HarnessState.LIMITED))
    assert hive.put_back == [(number, False)]
    assert [asked.until for asked in hive.asked if isinstance(asked, Report)][-1] == again


@pytest.mark.deadline(90)
async def test_who_is_not_logged_in_goes_on_with_the_operators_token(
    hive: SmallHive, serve: Serve, api: MessagesApi
) -> None:
    api.use(lambda asked: says("welcome") if asked.headers.get("x-api-key") == TOKEN else UNKNOWN_KEY)
    number = hive.deliver("bob", "one")
    serve()
    await hive.until(lambda: hive.stands(HarnessState.NEEDS_LOGIN))
    assert hive.put_back == [(number, False)]
    await hive.until(hive.listened)
    hive.order(Order(order=OrderKind.LOGIN, token=TOKEN))
    await hive.until(lambda: hive.done)
    assert [end.outcome for end in hive.ended] == [TurnOutcome.NEEDS_LOGIN, TurnOutcome.DONE]
