"""The wire by example: reminders, receipts, and conversations that are held. Part of what `golden` has."""

from __future__ import annotations

from typing import Final

from hyperhive.wire import agent_requests as agent
from hyperhive.wire import events, responses
from hyperhive.wire import host_turn_requests as host
from hyperhive.wire.records import MessageRow, OpenThread
from hyperhive.wire.states import MessageState
from hyperhive.wire.turns import HeldThread
from tests.wire.golden_lines import Lines

AGENT_REQUESTS: Final[Lines] = (
    ('{"cmd":"remind","message":"look again","delay_seconds":60}', agent.Remind("look again", 60)),
    ('{"cmd":"remind","message":"look again","at":1700000000}', agent.Remind("look again", at=1700000000)),
    ('{"cmd":"receipt","id":12}', agent.Receipt(12)),
)

HOST_REQUESTS: Final[Lines] = (
    ('{"cmd":"held"}', host.Held()),
    ('{"cmd":"release","thread":12}', host.Release(12)),
)

AGENT_ANSWERS: Final[Lines] = (
    (
        '{"kind":"receipt","id":12,"state":"held","attempts":0,"at":5}',
        responses.Receipt(12, MessageState.HELD, 0, 5),
    ),
    (
        (
            '{"kind":"open_threads","rows":[{"direction":"owes","kind":"reminder","id":1,"peer":"reminder",'
            '"text":"look again","since":5,"deadline_at":65}]}'
        ),
        responses.OpenThreads(
            (
                OpenThread(
                    direction="owes",
                    kind="reminder",
                    id=1,
                    peer="reminder",
                    text="look again",
                    since=5,
                    deadline_at=65,
                ),
            )
        ),
    ),
)

HOST_ANSWERS: Final[Lines] = (
    ('{"version":1,"ok":true,"held":[]}', responses.HostResponse(ok=True, held=())),
    (
        (
            '{"version":1,"ok":true,"held":[{"thread":12,"agents":["alice","bob"],"since":5,"messages":1,'
            '"note":"40 replies"}]}'
        ),
        responses.HostResponse(
            ok=True, held=(HeldThread(thread=12, agents=("alice", "bob"), since=5, messages=1, note="40 replies"),)
        ),
    ),
    (
        (
            '{"version":1,"ok":true,"messages":[{"id":14,"from":"bob","to":"alice","body":"hi","at":5,'
            '"state":"held","attempts":0,"in_reply_to":13,"thread":12}]}'
        ),
        responses.HostResponse(
            ok=True,
            messages=(
                MessageRow(
                    id=14,
                    sender="bob",
                    recipient="alice",
                    body="hi",
                    at=5,
                    state=MessageState.HELD,
                    attempts=0,
                    in_reply_to=13,
                    thread=12,
                ),
            ),
        ),
    ),
)

EVENTS: Final[Lines] = (
    (
        '{"event":"held","thread":12,"agents":["alice","bob"],"note":"40 replies"}',
        events.Held(thread=12, agents=("alice", "bob"), note="40 replies"),
    ),
)
