"""Whatever can be said can be said on one line, and is understood as it was meant."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperhive.wire import agent_requests, events, host_requests, manager_requests, responses
from hyperhive.wire.codec import AGENT, HOST, MANAGER, Dialect, WireError, body_of_event, event_of_body
from tests.strategies import of_class, of_union
from tests.wire import golden


@given(of_union(agent_requests.AgentRequest))
def test_agent_requests(request: Any) -> None:
    assert AGENT.request(AGENT.line_of_request(request)) == request


@given(of_union(manager_requests.ManagerRequest))
def test_manager_requests(request: Any) -> None:
    assert MANAGER.request(MANAGER.line_of_request(request)) == request


@given(of_union(host_requests.HostRequest))
def test_host_requests(request: Any) -> None:
    assert HOST.request(HOST.line_of_request(request)) == request


@given(of_union(responses.ManagerResponse))
def test_agent_and_manager_answers(answer: Any) -> None:
    assert MANAGER.answer(MANAGER.line_of_answer(answer)) == answer


@given(of_class(responses.HostResponse))
def test_host_answers(answer: Any) -> None:
    line = HOST.line_of_answer(answer)
    assert HOST.answer(line) == answer
    assert b"\n" not in line


@given(of_union(events.HelperEvent))
def test_events(event: Any) -> None:
    assert event_of_body(body_of_event(event)) == event


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["cmd", "to", "id"]), inner),
    max_leaves=5,
)  # fmt: skip
LINES = [line for line, _ in (*golden.AGENT_REQUESTS, *golden.MANAGER_REQUESTS, *golden.HOST_REQUESTS)]


@pytest.mark.parametrize("dialect", [AGENT, MANAGER, HOST], ids=lambda dialect: dialect.name)
@given(line=st.sampled_from(LINES), which=st.integers(0, 4), value=JSON)
def test_a_request_spoilt_in_one_field_is_a_request_or_refused(
    dialect: Dialect[Any, Any], line: str, which: int, value: Any
) -> None:
    said = orjson.loads(line)
    said[sorted(said)[which % len(said)]] = value
    with contextlib.suppress(WireError):
        dialect.request(orjson.dumps(said))


@pytest.mark.parametrize("dialect", [AGENT, MANAGER, HOST], ids=lambda dialect: dialect.name)
@given(line=st.binary(max_size=80))
def test_any_bytes_are_a_request_or_refused(dialect: Dialect[Any, Any], line: bytes) -> None:
    with contextlib.suppress(WireError):
        dialect.request(line)
