"""The lines of `golden`, in both directions."""

from __future__ import annotations

from typing import Any

import pytest

from hyperhive.wire import agent_requests, codec, events, host_requests, manager_requests, responses
from hyperhive.wire.codec import AGENT, HOST, MANAGER, Dialect, body_of_event, event_of_body
from hyperhive.wire.strict import members
from tests.wire import golden
from tests.wire.golden_lines import Lines

DIALECTS = {dialect.name: dialect for dialect in (AGENT, MANAGER, HOST)}
REQUESTS = (
    *((AGENT, *pair) for pair in golden.AGENT_REQUESTS),
    *((MANAGER, *pair) for pair in (*golden.AGENT_REQUESTS, *golden.MANAGER_REQUESTS)),
    *((HOST, *pair) for pair in golden.HOST_REQUESTS),
)
ANSWERS = (
    *((AGENT, *pair) for pair in golden.AGENT_ANSWERS),
    *((MANAGER, *pair) for pair in (*golden.AGENT_ANSWERS, *golden.MANAGER_ANSWERS)),
    *((HOST, *pair) for pair in golden.HOST_ANSWERS),
)
every_request = pytest.mark.parametrize(("dialect", "line", "value"), REQUESTS)
every_answer = pytest.mark.parametrize(("dialect", "line", "value"), ANSWERS)
every_event = pytest.mark.parametrize(("body", "event"), golden.EVENTS)


@every_request
def test_a_request_is_written_as_that_line(dialect: Dialect[Any, Any], line: str, value: Any) -> None:
    assert dialect.line_of_request(value).decode() == line


@every_request
def test_a_request_is_read_from_that_line(dialect: Dialect[Any, Any], line: str, value: Any) -> None:
    assert dialect.request(line.encode()) == value


@every_answer
def test_an_answer_is_written_as_that_line(dialect: Dialect[Any, Any], line: str, value: Any) -> None:
    assert dialect.line_of_answer(value).decode() == line


@every_answer
def test_an_answer_is_read_from_that_line(dialect: Dialect[Any, Any], line: str, value: Any) -> None:
    assert dialect.answer(line.encode()) == value


@every_event
def test_an_event_is_written_as_that_body(body: str, event: Any) -> None:
    assert body_of_event(event) == body


@every_event
def test_an_event_is_read_from_that_body(body: str, event: Any) -> None:
    assert event_of_body(body) == event


@pytest.mark.parametrize(("name", "line", "value"), golden.ALSO_READ)
def test_a_line_of_another_writer_means_the_same(name: str, line: str, value: Any) -> None:
    assert DIALECTS[name].request(line.encode()) == value


@pytest.mark.parametrize(
    ("union", "lines"),
    [
        (agent_requests.AgentRequest, golden.AGENT_REQUESTS),
        (manager_requests.ManagerRequest, (*golden.AGENT_REQUESTS, *golden.MANAGER_REQUESTS)),
        (host_requests.HostRequest, golden.HOST_REQUESTS),
        (responses.AgentResponse, golden.AGENT_ANSWERS),
        (responses.ManagerResponse, (*golden.AGENT_ANSWERS, *golden.MANAGER_ANSWERS)),
        (events.HelperEvent, golden.EVENTS),
    ],
)
def test_every_class_of_a_union_has_a_line(union: Any, lines: Lines) -> None:
    assert {type(value) for _, value in lines} == set(members(union))


def test_every_field_of_the_hosts_answer_has_a_line() -> None:
    named = {name for line, _ in golden.HOST_ANSWERS for name in codec.plain(HOST.answer(line.encode()))}
    assert named >= set(responses.HostResponse.__annotations__)


def test_a_refusal_is_what_each_socket_calls_one() -> None:
    assert AGENT.line_of_answer(AGENT.refusal("no")) == b'{"kind":"err","message":"no"}'
    assert MANAGER.line_of_answer(MANAGER.refusal("no")) == b'{"kind":"err","message":"no"}'
    assert HOST.line_of_answer(HOST.refusal("no")) == b'{"version":1,"ok":false,"error":"no"}'


def test_answers_of_a_newer_daemon_can_be_read() -> None:
    assert AGENT.answer(b'{"kind":"ok","new":[1]}') == responses.Ok()
    assert HOST.answer(b'{"version":1,"ok":true,"new":{}}') == responses.HostResponse(ok=True)


def test_an_event_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(codec.WireError, match="unknown 'event' \"invented\""):
        event_of_body('{"event":"invented"}')
