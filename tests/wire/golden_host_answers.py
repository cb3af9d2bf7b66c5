"""The wire by example: what else the operator is answered. Part of what `golden` has."""

from __future__ import annotations

from typing import Final

from hyperhive.wire.records import AgentStatus, Backend, Change, ConfigEvent, ConfigFile, MessageRow, Question, Urls
from hyperhive.wire.states import MessageState, QuestionStatus
from tests.wire.golden_lines import ROW, ROW_LINE, Lines, answer

_STATUS = AgentStatus(name="bob", running=True, failed=False, paused=False, unread=0, restarts=0, generation=1)
_STATUS_LINE = (
    '{"name":"bob","running":true,"failed":false,"needs_update":false,"needs_login":false,"paused":false,'
    '"unread":0,"restarts":0,"generation":1}'
)
_MESSAGE = MessageRow(
    id=1, sender="bob", recipient="alice", body="hi", at=5, state=MessageState.QUEUED, attempts=0
)  # fmt: skip
_MESSAGE_LINE = '{"id":1,"from":"bob","to":"alice","body":"hi","at":5,"state":"queued","attempts":0}'

HOST_ANSWERS: Final[Lines] = (
    (f'{{"version":1,"ok":true,"agent_statuses":[{_STATUS_LINE}]}}', answer(agent_statuses=(_STATUS,))),
    (
        (
            '{"version":1,"ok":true,"agent_statuses":[{"name":"bob","running":true,"failed":false,"needs_update":true,'
            '"needs_login":true,"paused":true,"parent":"manager","deployed_sha":"0a1b","active_model":"m",'
            '"status_text":"reading","status_set_at":4,"url":"http://bob","operation":3,"unread":2,"restarts":1,'
            '"since":5,"generation":2,"in_hand":1,"failure":"why","restart_at":6}]}'
        ),
        answer(
            agent_statuses=(
                AgentStatus(
                    name="bob",
                    running=True,
                    failed=False,
                    needs_update=True,
                    needs_login=True,
                    paused=True,
                    parent="manager",
                    deployed_sha="0a1b",
                    active_model="m",
                    status_text="reading",
                    status_set_at=4,
                    url="http://bob",
                    operation=3,
                    unread=2,
                    restarts=1,
                    since=5,
                    generation=2,
                    in_hand=1,
                    failure="why",
                    restart_at=6,
                ),
            )
        ),
    ),
    (
        (
            '{"version":1,"ok":true,"questions":[{"id":3,"asker":"bob","question":"so?","options":["a"],"multi":false,'
            '"asked_at":5,"status":"open"}]}'
        ),
        answer(
            questions=(
                Question(
                    id=3,
                    asker="bob",
                    question="so?",
                    options=("a",),
                    multi=False,
                    asked_at=5,
                    status=QuestionStatus.OPEN,
                ),
            )
        ),
    ),
    (
        (
            '{"version":1,"ok":true,"questions":[{"id":3,"asker":"bob","to":"alice","question":"so?","options":[],'
            '"multi":true,"asked_at":5,"deadline_at":65,"status":"answered","answer":"a","answered_at":6,'
            '"answered_by":"alice"}]}'
        ),
        answer(
            questions=(
                Question(
                    id=3,
                    asker="bob",
                    to="alice",
                    question="so?",
                    options=(),
                    multi=True,
                    asked_at=5,
                    deadline_at=65,
                    status=QuestionStatus.ANSWERED,
                    answer="a",
                    answered_at=6,
                    answered_by="alice",
                ),
            )
        ),
    ),
    (
        '{"version":1,"ok":true,"backend":{"kind":"local","isolates":false}}',
        answer(backend=Backend(kind="local", isolates=False)),
    ),
    (
        '{"version":1,"ok":true,"backend":{"kind":"nspawn","isolates":true,"blind":"the system bus is gone"}}',
        answer(backend=Backend(kind="nspawn", isolates=True, blind="the system bus is gone")),
    ),
    (f'{{"version":1,"ok":true,"inbox":[{ROW_LINE}]}}', answer(inbox=(ROW,))),
    (f'{{"version":1,"ok":true,"messages":[{_MESSAGE_LINE}]}}', answer(messages=(_MESSAGE,))),
    ('{"version":1,"ok":true,"log":["one","two"]}', answer(log=("one", "two"))),
    ('{"version":1,"ok":true,"urls":{}}', answer(urls=Urls())),
    ('{"version":1,"ok":true,"urls":{"domain":"d","home":"h"}}', answer(urls=Urls(domain="d", home="h"))),
    (
        '{"version":1,"ok":true,"diff":"+a\\n","digest":"d1","base":"c0ffee","sha":"0a1b"}',
        answer(diff="+a\n", digest="d1", base="c0ffee", sha="0a1b"),
    ),
    ('{"version":1,"ok":true,"diff":"","base":"c0ffee","sha":"0a1b"}', answer(diff="", base="c0ffee", sha="0a1b")),
    ('{"version":1,"ok":true,"config_log":[]}', answer(config_log=())),
    (
        '{"version":1,"ok":true,"config_log":[{"tag":"denied/3","sha":"0a1b","at":5,"text":"no"}]}',
        answer(config_log=(ConfigEvent(tag="denied/3", sha="0a1b", at=5, text="no"),)),
    ),
    (
        '{"version":1,"ok":true,"sha":"0a1b","files":[{"path":"agent.toml","text":""},{"path":"b","text":"c","cut":true}]}',
        answer(sha="0a1b", files=(ConfigFile(path="agent.toml", text=""), ConfigFile(path="b", text="c", cut=True))),
    ),
    # a subscription: its acknowledgement, a change, a change to what is gone, and the word that some were missed
    ('{"version":1,"ok":true,"seq":7}', answer(seq=7)),
    (
        f'{{"version":1,"ok":true,"seq":8,"change":{{"kind":"message","message":{_MESSAGE_LINE}}}}}',
        answer(seq=8, change=Change(kind="message", message=_MESSAGE)),
    ),
    (
        '{"version":1,"ok":true,"seq":9,"change":{"kind":"agent","gone":true,"name":"bob"}}',
        answer(seq=9, change=Change(kind="agent", gone=True, name="bob")),
    ),
    ('{"version":1,"ok":true,"resync":true,"seq":7}', answer(resync=True, seq=7)),
)
