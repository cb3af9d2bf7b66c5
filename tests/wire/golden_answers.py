"""The wire by example: what agents and the manager are answered. Part of what `golden` has."""

from __future__ import annotations

from typing import Final

from hyperhive.wire import responses
from hyperhive.wire.records import InboxRow, Letter, OpenThread
from tests.wire.golden_lines import ROW, ROW_LINE, Lines

AGENT_ANSWERS: Final[Lines] = (
    # the seed's
    ('{"kind":"ok"}', responses.Ok()),
    ('{"kind":"err","message":"no"}', responses.Err("no")),
    ('{"kind":"message","from":"bob","body":"hi"}', responses.Message(sender="bob", body="hi")),
    ('{"kind":"empty"}', responses.Empty()),
    ('{"kind":"status","unread":3}', responses.Status(3)),
    ('{"kind":"recent","rows":[]}', responses.Recent(())),
    (f'{{"kind":"recent","rows":[{ROW_LINE}]}}', responses.Recent((ROW,))),
    ('{"kind":"question_queued","id":4}', responses.QuestionQueued(4)),
    # added
    ('{"kind":"ok","id":12}', responses.Ok(id=12)),
    ('{"kind":"ok","ids":[12,13]}', responses.Ok(ids=(12, 13))),
    ('{"kind":"ok","count":0}', responses.Ok(count=0)),
    ('{"kind":"ok","operation":3}', responses.Ok(operation=3)),
    (
        '{"kind":"message","from":"operator","body":"hi","id":1,"redelivered":true,"in_reply_to":0,"via":"self"}',
        responses.Message(sender="operator", body="hi", id=1, redelivered=True, in_reply_to=0, via="self"),
    ),
    ('{"kind":"messages","messages":[]}', responses.Messages(())),
    (
        '{"kind":"messages","messages":[{"id":1,"from":"bob","body":"hi","at":5,"redelivered":false}]}',
        responses.Messages((Letter(id=1, sender="bob", body="hi", at=5, redelivered=False),)),
    ),
    (
        (
            '{"kind":"messages","messages":'
            '[{"id":1,"from":"operator","body":"hi","at":5,"redelivered":true,"in_reply_to":2,"via":"self"}]}'
        ),
        responses.Messages(
            (Letter(id=1, sender="operator", body="hi", at=5, redelivered=True, in_reply_to=2, via="self"),)
        ),
    ),
    (
        '{"kind":"recent","rows":[{"id":1,"from":"bob","body":"hi","at":5,"in_reply_to":2,"via":"self"}]}',
        responses.Recent((InboxRow(id=1, sender="bob", body="hi", at=5, in_reply_to=2, via="self"),)),
    ),
    (
        '{"kind":"identity","name":"bob","role":"agent","hive":"box","generation":2}',
        responses.Identity("bob", "agent", "box", 2),
    ),
    (
        (
            '{"kind":"open_threads","rows":'
            '[{"direction":"owes","kind":"question","id":1,"peer":"bob","text":"so?","since":5,"deadline_at":65}]}'
        ),
        responses.OpenThreads(
            (OpenThread(direction="owes", kind="question", id=1, peer="bob", text="so?", since=5, deadline_at=65),)
        ),
    ),
    (
        (
            '{"kind":"open_threads","rows":'
            '[{"direction":"owes","kind":"message","id":1,"peer":"operator","text":"so?","since":5,"via":"self"}]}'
        ),
        responses.OpenThreads(
            (OpenThread(direction="owes", kind="message", id=1, peer="operator", text="so?", since=5, via="self"),)
        ),
    ),
)

MANAGER_ANSWERS: Final[Lines] = (
    ('{"kind":"list","agents":["bob","manager"]}', responses.List(("bob", "manager"))),
    ('{"kind":"logs","log":["one","two"]}', responses.Logs(("one", "two"))),
)
