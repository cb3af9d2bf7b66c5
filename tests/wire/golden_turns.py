"""The wire of turns by example: `golden` counts these lines among its own."""

from __future__ import annotations

from typing import Final

from hyperhive.wire import agent_requests as agent
from hyperhive.wire import events, responses
from hyperhive.wire import host_turn_requests as host
from hyperhive.wire import turn_requests as turns
from hyperhive.wire.records import AgentStatus, Change
from hyperhive.wire.states import HarnessState, OrderKind, TurnOutcome
from hyperhive.wire.turns import Harness, Order, Turn, TurnEvent, Usage
from tests.wire.golden_lines import Lines

AGENT_REQUESTS: Final[Lines] = (
    ('{"cmd":"send","to":"bob","body":"hi","in_turn":true}', agent.Send("bob", "hi", in_turn=True)),
    ('{"cmd":"begin_turn","ids":[],"runner":"command"}', turns.BeginTurn((), "command")),
    ('{"cmd":"begin_turn","ids":[1,2],"runner":"claude","model":"m"}', turns.BeginTurn((1, 2), "claude", "m")),
    ('{"cmd":"turn_events","turn":1,"first":5,"events":["{}","x"]}', turns.TurnEvents(1, 5, ("{}", "x"))),
    ('{"cmd":"end_turn","turn":1,"outcome":"done"}', turns.EndTurn(1, TurnOutcome.DONE)),
    (
        (
            '{"cmd":"end_turn","turn":1,"outcome":"failed","spent":false,"error":"why",'
            '"usage":{"model":"m","session":"s","input_tokens":1,"output_tokens":2,"cached_tokens":3,'
            '"context_tokens":4,"cost_micros":5,"duration_ms":6}}'
        ),
        turns.EndTurn(
            1,
            TurnOutcome.FAILED,
            spent=False,
            error="why",
            usage=Usage(
                model="m",
                session="s",
                input_tokens=1,
                output_tokens=2,
                cached_tokens=3,
                context_tokens=4,
                cost_micros=5,
                duration_ms=6,
            ),
        ),
    ),
    ('{"cmd":"report","state":"ready"}', turns.Report(HarnessState.READY)),
    (
        '{"cmd":"report","state":"limited","until":9,"model":"m","note":"why","runner":"claude"}',
        turns.Report(HarnessState.LIMITED, 9, "m", "why", "claude"),
    ),
    ('{"cmd":"orders"}', turns.Orders()),
    ('{"cmd":"orders","wait_seconds":180}', turns.Orders(180)),
)

AGENT_ANSWERS: Final[Lines] = (
    ('{"kind":"ok","kept":true}', responses.Ok(kept=True)),
    ('{"kind":"orders","orders":[]}', responses.Orders(())),
    (
        '{"kind":"orders","orders":[{"order":"cancel_turn","turn":7},{"order":"set_model","model":"m"}]}',
        responses.Orders(
            (
                Order(order=OrderKind.CANCEL_TURN, turn=7),
                Order(order=OrderKind.SET_MODEL, model="m"),
            )
        ),
    ),
    (
        '{"kind":"orders","orders":[{"order":"login","token":"t"}]}',
        responses.Orders((Order(order=OrderKind.LOGIN, token="t"),)),
    ),
)

HOST_REQUESTS: Final[Lines] = (
    ('{"cmd":"turns","limit":20}', host.Turns(20)),
    ('{"cmd":"turns","limit":20,"name":"bob","before":9}', host.Turns(20, "bob", 9)),
    ('{"cmd":"turn_log","turn":1}', host.TurnLog(1)),
    ('{"cmd":"turn_log","turn":1,"after":5}', host.TurnLog(1, 5)),
    ('{"cmd":"cancel_turn","name":"bob"}', host.CancelTurn("bob")),
    ('{"cmd":"compact","name":"bob"}', host.Compact("bob")),
    ('{"cmd":"new_session","name":"bob"}', host.NewSession("bob")),
    ('{"cmd":"set_model","name":"bob"}', host.SetModel("bob")),
    ('{"cmd":"set_model","name":"bob","model":"m"}', host.SetModel("bob", "m")),
    ('{"cmd":"login","name":"bob"}', host.Login("bob")),
    ('{"cmd":"login","name":"bob","token":"t"}', host.Login("bob", "t")),
)

_OPEN = Turn(id=1, agent="bob", generation=2, runner="claude", messages=(3,), started_at=5, usage=Usage(model="m"))
_OPEN_LINE = (
    '{"id":1,"agent":"bob","generation":2,"runner":"claude","messages":[3],"started_at":5,"usage":{"model":"m"},'
    '"events":0}'
)

HOST_ANSWERS: Final[Lines] = (
    ('{"version":1,"ok":true,"turns":[]}', responses.HostResponse(ok=True, turns=())),
    (
        (
            '{"version":1,"ok":true,"turns":[{"id":1,"agent":"bob","generation":2,"runner":"command","messages":[],'
            '"started_at":5,"ended_at":6,"outcome":"needs_login","error":"why","usage":{},"events":7}]}'
        ),
        responses.HostResponse(
            ok=True,
            turns=(
                Turn(
                    id=1,
                    agent="bob",
                    generation=2,
                    runner="command",
                    messages=(),
                    started_at=5,
                    ended_at=6,
                    outcome=TurnOutcome.NEEDS_LOGIN,
                    error="why",
                    events=7,
                ),
            ),
        ),
    ),
    (
        f'{{"version":1,"ok":true,"turns":[{_OPEN_LINE}],"events":[{{"seq":1,"at":5,"event":"{{}}"}}]}}',
        responses.HostResponse(ok=True, turns=(_OPEN,), events=(TurnEvent(seq=1, at=5, event="{}"),)),
    ),
    (
        f'{{"version":1,"ok":true,"seq":8,"change":{{"kind":"turn","turn":{_OPEN_LINE}}}}}',
        responses.HostResponse(ok=True, seq=8, change=Change(kind="turn", turn=_OPEN)),
    ),
    (
        (
            '{"version":1,"ok":true,"agent_statuses":[{"name":"bob","running":true,"failed":false,"needs_update":false,'
            '"needs_login":true,"paused":false,"active_model":"m","unread":0,"restarts":0,"generation":1,"turn":7,'
            '"harness":{"state":"needs_login","until":9,"model":"m","note":"why","runner":"claude"}}]}'
        ),
        responses.HostResponse(
            ok=True,
            agent_statuses=(
                AgentStatus(
                    name="bob",
                    running=True,
                    failed=False,
                    needs_login=True,
                    paused=False,
                    active_model="m",
                    unread=0,
                    restarts=0,
                    generation=1,
                    turn=7,
                    harness=Harness(state=HarnessState.NEEDS_LOGIN, until=9, model="m", note="why", runner="claude"),
                ),
            ),
        ),
    ),
)

EVENTS: Final[Lines] = (
    ('{"event":"needs_login","agent":"bob"}', events.NeedsLogin("bob")),
    ('{"event":"logged_in","agent":"bob"}', events.LoggedIn("bob")),
    ('{"event":"turn_failed","agent":"bob","turn":7,"note":"why"}', events.TurnFailed(agent="bob", turn=7, note="why")),
)
