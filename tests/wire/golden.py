"""The wire by example: for every request, answer and event the exact line, and the value that it stands for.

`AGENT_REQUESTS` to `EVENTS` are lines that we write and read. `ALSO_READ` are lines of other writers, a serde
client of the seed among them, that mean the same as one of ours.
"""

from __future__ import annotations

from typing import Any, Final

from hyperhive.wire import agent_requests as agent
from hyperhive.wire import events, responses
from hyperhive.wire import host_requests as host
from hyperhive.wire import manager_requests as manager
from hyperhive.wire.records import (
    AgentStatus,
    Approval,
    Backend,
    Change,
    ConfigEvent,
    ConfigFile,
    InboxRow,
    Letter,
    MessageRow,
    OpenThread,
    Operation,
    Question,
    Scope,
    Urls,
)
from hyperhive.wire.states import (
    ApprovalKind,
    ApprovalStatus,
    MessageState,
    OperationKind,
    OperationState,
    Outcome,
    QuestionStatus,
)
from tests.wire import golden_console, golden_threads, golden_turns

Lines = tuple[tuple[str, Any], ...]

AGENT_REQUESTS: Final[Lines] = (
    *golden_turns.AGENT_REQUESTS,
    # the seed's
    ('{"cmd":"send","to":"bob","body":"hi"}', agent.Send("bob", "hi")),
    ('{"cmd":"recv"}', agent.Recv()),
    ('{"cmd":"recv","wait_seconds":0}', agent.Recv(0)),
    ('{"cmd":"recv","wait_seconds":18446744073709551615}', agent.Recv(2**64 - 1)),
    ('{"cmd":"status"}', agent.Status()),
    ('{"cmd":"operator_msg","body":"stop that"}', agent.OperatorMsg("stop that")),
    ('{"cmd":"recent","limit":20}', agent.Recent(20)),
    # added
    ('{"cmd":"send","to":"*","body":"ü\\u0000\\n","in_reply_to":-1}', agent.Send("*", "ü\0\n", -1)),
    ('{"cmd":"recv","wait_seconds":180,"max":32}', agent.Recv(180, 32)),
    ('{"cmd":"ack_turn"}', agent.AckTurn()),
    ('{"cmd":"ack_turn","ids":[1,2]}', agent.AckTurn((1, 2))),
    ('{"cmd":"requeue_inflight"}', agent.RequeueInflight()),
    ('{"cmd":"requeue_inflight","ids":[1],"spent":false}', agent.RequeueInflight((1,), spent=False)),
    ('{"cmd":"renew"}', agent.Renew()),
    ('{"cmd":"ask_operator","question":"so?","options":[],"multi":false}', agent.AskOperator("so?")),
    (
        '{"cmd":"ask_operator","question":"so?","options":["a","b"],"multi":true,"ttl_seconds":60}',
        agent.AskOperator("so?", ("a", "b"), multi=True, ttl_seconds=60),
    ),
    ('{"cmd":"ask","to":"bob","question":"so?","options":[],"multi":false}', agent.Ask("bob", "so?")),
    ('{"cmd":"answer","id":3,"answer":"yes"}', agent.Answer(3, "yes")),
    ('{"cmd":"answer","id":3,"choices":["a"],"text":"and"}', agent.Answer(3, None, ("a",), "and")),
    ('{"cmd":"whoami"}', agent.Whoami()),
    ('{"cmd":"set_status","text":"reading"}', agent.SetStatus("reading")),
    ('{"cmd":"get_open_threads"}', agent.GetOpenThreads()),
    *golden_threads.AGENT_REQUESTS,
)

MANAGER_REQUESTS: Final[Lines] = (
    # the seed's, beside those of every agent
    ('{"cmd":"request_spawn","name":"carol"}', manager.RequestSpawn("carol")),
    ('{"cmd":"kill","name":"bob"}', manager.Kill("bob")),
    ('{"cmd":"start","name":"bob"}', manager.Start("bob")),
    ('{"cmd":"restart","name":"bob"}', manager.Restart("bob")),
    (
        '{"cmd":"request_apply_commit","agent":"bob","commit_ref":"0a1b2c3"}',
        manager.RequestApplyCommit("bob", "0a1b2c3"),
    ),
    # added
    ('{"cmd":"request_spawn","name":"carol","description":"tests"}', manager.RequestSpawn("carol", "tests")),
    ('{"cmd":"kill","name":"bob","wait":false}', manager.Kill("bob", wait=False)),
    ('{"cmd":"start","name":"bob","wait":true}', manager.Start("bob", wait=True)),
    ('{"cmd":"restart","name":"bob","wait":false}', manager.Restart("bob", wait=False)),
    (
        '{"cmd":"request_apply_commit","agent":"bob","commit_ref":"0a1b2c3","description":"newer"}',
        manager.RequestApplyCommit("bob", "0a1b2c3", "newer"),
    ),
    ('{"cmd":"request_init_config","name":"carol"}', manager.RequestInitConfig("carol")),
    ('{"cmd":"request_init_config","name":"carol","description":"tests"}', manager.RequestInitConfig("carol", "tests")),
    ('{"cmd":"update","name":"bob"}', manager.Update("bob")),
    ('{"cmd":"cancel_approval","id":4}', manager.CancelApproval(4)),
    ('{"cmd":"get_logs","agent":"bob","lines":50}', manager.GetLogs("bob", 50)),
    ('{"cmd":"list"}', manager.List()),
)

HOST_REQUESTS: Final[Lines] = (
    *golden_turns.HOST_REQUESTS,
    # the seed's
    ('{"cmd":"spawn","name":"bob"}', host.Spawn("bob")),
    ('{"cmd":"request_spawn","name":"bob"}', manager.RequestSpawn("bob")),
    ('{"cmd":"kill","name":"bob"}', manager.Kill("bob")),
    ('{"cmd":"destroy","name":"bob","purge":false}', host.Destroy("bob")),
    ('{"cmd":"destroy","name":"bob","purge":true}', host.Destroy("bob", purge=True)),
    ('{"cmd":"rebuild","name":"bob"}', host.Rebuild("bob")),
    ('{"cmd":"list"}', manager.List()),
    ('{"cmd":"pending"}', host.Pending()),
    ('{"cmd":"approve","id":9223372036854775807}', host.Approve(2**63 - 1)),
    ('{"cmd":"deny","id":-9223372036854775808}', host.Deny(-(2**63))),
    # added
    ('{"cmd":"spawn","name":"bob","wait":false}', host.Spawn("bob", wait=False)),
    ('{"cmd":"destroy","name":"bob","purge":false,"wait":false}', host.Destroy("bob", wait=False)),
    ('{"cmd":"rebuild","name":"bob","wait":false}', host.Rebuild("bob", wait=False)),
    ('{"cmd":"pending","all":true}', host.Pending(all=True)),
    ('{"cmd":"approve","id":1,"digest":"c0ffee"}', host.Approve(1, "c0ffee")),
    ('{"cmd":"deny","id":1,"note":"no"}', host.Deny(1, "no")),
    ('{"cmd":"diff","id":1}', host.Diff(1)),
    ('{"cmd":"diff","id":1,"against":"last-approved"}', host.Diff(1, "last-approved")),
    ('{"cmd":"start","name":"bob"}', host.Start("bob")),
    ('{"cmd":"start","scope":{"agent_names":["a","b"]}}', host.Start(scope=Scope(agent_names=("a", "b")))),
    ('{"cmd":"stop","name":"bob","graceful":false}', host.Stop("bob", graceful=False)),
    ('{"cmd":"restart","name":"bob","wait":false}', host.Restart("bob", wait=False)),
    ('{"cmd":"agent_status"}', host.AgentStatus()),
    ('{"cmd":"set_paused","name":"bob","paused":true}', host.SetPaused("bob", paused=True)),
    ('{"cmd":"questions"}', host.Questions()),
    ('{"cmd":"questions","all":true}', host.Questions(all=True)),
    ('{"cmd":"answer","id":3,"choices":["a"]}', agent.Answer(3, None, ("a",))),
    ('{"cmd":"cancel_question","id":3}', host.CancelQuestion(3)),
    ('{"cmd":"send","to":"bob","body":"hi","in_reply_to":7}', host.Send("bob", "hi", 7)),
    ('{"cmd":"inbox","limit":10}', host.Inbox(10)),
    ('{"cmd":"messages","limit":10}', host.Messages(10)),
    ('{"cmd":"messages","limit":10,"agent":"bob","before":99}', host.Messages(10, "bob", 99)),
    ('{"cmd":"dead_letters"}', host.DeadLetters()),
    ('{"cmd":"requeue","id":5}', host.Requeue(5)),
    ('{"cmd":"operations"}', host.Operations()),
    ('{"cmd":"operations","all":true}', host.Operations(all=True)),
    ('{"cmd":"logs","name":"bob","lines":50}', host.Logs("bob", 50)),
    ('{"cmd":"config_log","name":"bob"}', host.ConfigLog("bob")),
    ('{"cmd":"config_show","name":"bob"}', host.ConfigShow("bob")),
    ('{"cmd":"config_show","name":"bob","ref":"deployed/3"}', host.ConfigShow("bob", "deployed/3")),
    ('{"cmd":"rollback","name":"bob"}', host.Rollback("bob")),
    ('{"cmd":"rollback","name":"bob","ref":"0a1b","wait":false}', host.Rollback("bob", "0a1b", wait=False)),
    ('{"cmd":"subscribe"}', host.Subscribe()),
    ('{"cmd":"subscribe","since":17}', host.Subscribe(17)),
    ('{"cmd":"subscribe_agent_status"}', host.SubscribeAgentStatus()),
    ('{"cmd":"urls"}', host.Urls()),
    *golden_threads.HOST_REQUESTS,
    *golden_console.HOST_REQUESTS,
)

_ROW = InboxRow(id=1, sender="bob", body="hi", at=1700000000)
_ROW_LINE = '{"id":1,"from":"bob","body":"hi","at":1700000000}'

AGENT_ANSWERS: Final[Lines] = (
    *golden_turns.AGENT_ANSWERS,
    # the seed's
    ('{"kind":"ok"}', responses.Ok()),
    ('{"kind":"err","message":"no"}', responses.Err("no")),
    ('{"kind":"message","from":"bob","body":"hi"}', responses.Message(sender="bob", body="hi")),
    ('{"kind":"empty"}', responses.Empty()),
    ('{"kind":"status","unread":3}', responses.Status(3)),
    ('{"kind":"recent","rows":[]}', responses.Recent(())),
    (f'{{"kind":"recent","rows":[{_ROW_LINE}]}}', responses.Recent((_ROW,))),
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
    *golden_threads.AGENT_ANSWERS,
)

MANAGER_ANSWERS: Final[Lines] = (
    ('{"kind":"list","agents":["bob","manager"]}', responses.List(("bob", "manager"))),
    ('{"kind":"logs","log":["one","two"]}', responses.Logs(("one", "two"))),
)

_APPROVAL = Approval(id=1, agent="bob", commit_ref="0a1b", requested_at=5, status=ApprovalStatus.PENDING)
_STATUS = AgentStatus(name="bob", running=True, failed=False, paused=False, unread=0, restarts=0, generation=1)
_STATUS_LINE = (
    '{"name":"bob","running":true,"failed":false,"needs_update":false,"needs_login":false,"paused":false,'
    '"unread":0,"restarts":0,"generation":1}'
)
_MESSAGE = MessageRow(
    id=1, sender="bob", recipient="alice", body="hi", at=5, state=MessageState.QUEUED, attempts=0
)  # fmt: skip
_MESSAGE_LINE = '{"id":1,"from":"bob","to":"alice","body":"hi","at":5,"state":"queued","attempts":0}'


def _host(**fields: Any) -> responses.HostResponse:
    return responses.HostResponse(ok=True, **fields)


HOST_ANSWERS: Final[Lines] = (
    *golden_turns.HOST_ANSWERS,
    # the seed's, and the version that every host answer starts with
    ('{"version":1,"ok":true}', _host()),
    ('{"version":1,"ok":false,"error":"no"}', responses.HostResponse(ok=False, error="no")),
    ('{"version":1,"ok":true,"agents":["bob","manager"]}', _host(agents=("bob", "manager"))),
    ('{"version":1,"ok":true,"approvals":[]}', _host(approvals=())),
    (
        (
            '{"version":1,"ok":true,"approvals":'
            '[{"id":1,"agent":"bob","kind":"apply_commit","commit_ref":"0a1b","requested_at":5,"status":"pending"}]}'
        ),
        _host(approvals=(_APPROVAL,)),
    ),
    (
        (
            '{"version":1,"ok":true,"approvals":[{"id":2,"agent":"carol","kind":"spawn","commit_ref":"",'
            '"requested_at":5,"status":"denied","resolved_at":9,"note":"no"}]}'
        ),
        _host(
            approvals=(
                Approval(
                    id=2,
                    agent="carol",
                    kind=ApprovalKind.SPAWN,
                    commit_ref="",
                    requested_at=5,
                    status=ApprovalStatus.DENIED,
                    resolved_at=9,
                    note="no",
                ),
            )
        ),
    ),
    # added
    ('{"version":1,"ok":true,"approvals":[],"more":2}', _host(approvals=(), more=2)),
    (
        (
            '{"version":1,"ok":true,"approvals":[{"id":2,"agent":"carol","kind":"spawn","commit_ref":"",'
            '"requested_at":5,"status":"pending","decided_at":7,"decided_by":"operator","operation":3,'
            '"description":"tests"}]}'
        ),
        _host(
            approvals=(
                Approval(
                    id=2,
                    agent="carol",
                    kind=ApprovalKind.SPAWN,
                    commit_ref="",
                    requested_at=5,
                    status=ApprovalStatus.PENDING,
                    decided_at=7,
                    decided_by="operator",
                    operation=3,
                    description="tests",
                ),
            )
        ),
    ),
    (
        (
            '{"version":1,"ok":true,"approvals":[{"id":3,"agent":"bob","kind":"apply_commit","commit_ref":"0a1b",'
            '"requested_at":5,"status":"pending","sha":"0a1b2c","base":"c0ffee","requested_by":"manager","stale":true}]}'
        ),
        _host(
            approvals=(
                Approval(
                    id=3,
                    agent="bob",
                    commit_ref="0a1b",
                    requested_at=5,
                    status=ApprovalStatus.PENDING,
                    sha="0a1b2c",
                    base="c0ffee",
                    requested_by="manager",
                    stale=True,
                ),
            )
        ),
    ),
    (
        (
            '{"version":1,"ok":true,"approvals":['
            '{"id":4,"agent":"carol","kind":"init_config","commit_ref":"","requested_at":5,"status":"pending"},'
            '{"id":5,"agent":"bob","kind":"update","commit_ref":"","requested_at":5,"status":"pending"}]}'
        ),
        _host(
            approvals=(
                Approval(
                    id=4,
                    agent="carol",
                    kind=ApprovalKind.INIT_CONFIG,
                    commit_ref="",
                    requested_at=5,
                    status=ApprovalStatus.PENDING,
                ),
                Approval(
                    id=5,
                    agent="bob",
                    kind=ApprovalKind.UPDATE,
                    commit_ref="",
                    requested_at=5,
                    status=ApprovalStatus.PENDING,
                ),
            )
        ),
    ),
    ('{"version":1,"ok":true,"id":12}', _host(id=12)),
    ('{"version":1,"ok":true,"ids":[12,13]}', _host(ids=(12, 13))),
    ('{"version":1,"ok":true,"operation":3}', _host(operation=3)),
    (
        (
            '{"version":1,"ok":true,"operations":[{"id":3,"agent":"bob","kind":"restart","state":"running",'
            '"requested_by":"operator","queued_at":5,"started_at":6}]}'
        ),
        _host(
            operations=(
                Operation(
                    id=3,
                    agent="bob",
                    kind=OperationKind.RESTART,
                    state=OperationState.RUNNING,
                    requested_by="operator",
                    queued_at=5,
                    started_at=6,
                ),
            )
        ),
    ),
    (
        (
            '{"version":1,"ok":true,"operations":['
            '{"id":3,"agent":"carol","kind":"init_config","state":"queued","requested_by":"operator","queued_at":5},'
            '{"id":4,"agent":"bob","kind":"deploy","state":"queued","requested_by":"operator","queued_at":5}]}'
        ),
        _host(
            operations=(
                Operation(
                    id=3,
                    agent="carol",
                    kind=OperationKind.INIT_CONFIG,
                    state=OperationState.QUEUED,
                    requested_by="operator",
                    queued_at=5,
                ),
                Operation(
                    id=4,
                    agent="bob",
                    kind=OperationKind.DEPLOY,
                    state=OperationState.QUEUED,
                    requested_by="operator",
                    queued_at=5,
                ),
            )
        ),
    ),
    (f'{{"version":1,"ok":true,"agent_statuses":[{_STATUS_LINE}]}}', _host(agent_statuses=(_STATUS,))),
    (
        (
            '{"version":1,"ok":true,"agent_statuses":[{"name":"bob","running":true,"failed":false,"needs_update":true,'
            '"needs_login":true,"paused":true,"parent":"manager","deployed_sha":"0a1b","active_model":"m",'
            '"status_text":"reading","status_set_at":4,"url":"http://bob","operation":3,"unread":2,"restarts":1,'
            '"since":5,"generation":2,"in_hand":1,"failure":"why","restart_at":6}]}'
        ),
        _host(
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
        _host(
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
        _host(
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
        _host(backend=Backend(kind="local", isolates=False)),
    ),
    (
        '{"version":1,"ok":true,"backend":{"kind":"nspawn","isolates":true,"blind":"the system bus is gone"}}',
        _host(backend=Backend(kind="nspawn", isolates=True, blind="the system bus is gone")),
    ),
    (f'{{"version":1,"ok":true,"inbox":[{_ROW_LINE}]}}', _host(inbox=(_ROW,))),
    (f'{{"version":1,"ok":true,"messages":[{_MESSAGE_LINE}]}}', _host(messages=(_MESSAGE,))),
    ('{"version":1,"ok":true,"log":["one","two"]}', _host(log=("one", "two"))),
    ('{"version":1,"ok":true,"urls":{}}', _host(urls=Urls())),
    ('{"version":1,"ok":true,"urls":{"domain":"d","home":"h"}}', _host(urls=Urls(domain="d", home="h"))),
    (
        '{"version":1,"ok":true,"diff":"+a\\n","digest":"d1","base":"c0ffee","sha":"0a1b"}',
        _host(diff="+a\n", digest="d1", base="c0ffee", sha="0a1b"),
    ),
    ('{"version":1,"ok":true,"diff":"","base":"c0ffee","sha":"0a1b"}', _host(diff="", base="c0ffee", sha="0a1b")),
    ('{"version":1,"ok":true,"config_log":[]}', _host(config_log=())),
    (
        '{"version":1,"ok":true,"config_log":[{"tag":"denied/3","sha":"0a1b","at":5,"text":"no"}]}',
        _host(config_log=(ConfigEvent(tag="denied/3", sha="0a1b", at=5, text="no"),)),
    ),
    (
        '{"version":1,"ok":true,"sha":"0a1b","files":[{"path":"agent.toml","text":""},{"path":"b","text":"c","cut":true}]}',
        _host(sha="0a1b", files=(ConfigFile(path="agent.toml", text=""), ConfigFile(path="b", text="c", cut=True))),
    ),
    # a subscription: its acknowledgement, a change, a change to what is gone, and the word that some were missed
    ('{"version":1,"ok":true,"seq":7}', _host(seq=7)),
    (
        f'{{"version":1,"ok":true,"seq":8,"change":{{"kind":"message","message":{_MESSAGE_LINE}}}}}',
        _host(seq=8, change=Change(kind="message", message=_MESSAGE)),
    ),
    (
        '{"version":1,"ok":true,"seq":9,"change":{"kind":"agent","gone":true,"name":"bob"}}',
        _host(seq=9, change=Change(kind="agent", gone=True, name="bob")),
    ),
    ('{"version":1,"ok":true,"resync":true,"seq":7}', _host(resync=True, seq=7)),
    *golden_threads.HOST_ANSWERS,
    *golden_console.HOST_ANSWERS,
)

EVENTS: Final[Lines] = (
    *golden_turns.EVENTS,
    # the seed's
    (
        '{"event":"approval_resolved","id":1,"agent":"bob","commit_ref":"0a1b","status":"approved"}',
        events.ApprovalResolved(id=1, agent="bob", commit_ref="0a1b", status=ApprovalStatus.APPROVED),
    ),
    (
        '{"event":"approval_resolved","id":1,"agent":"bob","commit_ref":"","status":"failed","note":"why"}',
        events.ApprovalResolved(id=1, agent="bob", commit_ref="", status=ApprovalStatus.FAILED, note="why"),
    ),
    ('{"event":"spawned","agent":"bob","ok":true}', events.Spawned(agent="bob", ok=True)),
    ('{"event":"spawned","agent":"bob","ok":false,"note":"why"}', events.Spawned(agent="bob", ok=False, note="why")),
    ('{"event":"rebuilt","agent":"bob","ok":true}', events.Rebuilt(agent="bob", ok=True)),
    ('{"event":"rebuilt","agent":"bob","ok":false,"note":"why"}', events.Rebuilt(agent="bob", ok=False, note="why")),
    ('{"event":"killed","agent":"bob"}', events.Killed("bob")),
    ('{"event":"destroyed","agent":"bob"}', events.Destroyed("bob")),
    ('{"event":"container_crash","agent":"bob"}', events.ContainerCrash(agent="bob")),
    ('{"event":"container_crash","agent":"bob","note":"why"}', events.ContainerCrash(agent="bob", note="why")),
    (
        '{"event":"container_crash","agent":"bob","note":"why","restart_at":5}',
        events.ContainerCrash(agent="bob", note="why", restart_at=5),
    ),
    ('{"event":"restart_given_up","agent":"bob","note":"why"}', events.RestartGivenUp(agent="bob", note="why")),
    (
        '{"event":"operator_answered","id":1,"question":"so?","answer":"a, b"}',
        events.OperatorAnswered(id=1, question="so?", answer="a, b"),
    ),
    # added
    (
        '{"event":"approval_resolved","id":1,"agent":"bob","commit_ref":"","status":"denied","outcome":"cancelled"}',
        events.ApprovalResolved(
            id=1, agent="bob", commit_ref="", status=ApprovalStatus.DENIED, outcome=Outcome.CANCELLED
        ),
    ),
    (
        '{"event":"approval_resolved","id":1,"agent":"bob","commit_ref":"0a1b","status":"approved","sha":"0a1b2c"}',
        events.ApprovalResolved(id=1, agent="bob", commit_ref="0a1b", status=ApprovalStatus.APPROVED, sha="0a1b2c"),
    ),
    ('{"event":"rebuilt","agent":"bob","ok":true,"sha":"0a1b2c"}', events.Rebuilt(agent="bob", ok=True, sha="0a1b2c")),
    (
        (
            '{"event":"operator_answered","id":1,"question":"so?","answer":"a","outcome":"answered",'
            '"answered_by":"operator"}'
        ),
        events.OperatorAnswered(id=1, question="so?", answer="a", outcome=Outcome.ANSWERED, answered_by="operator"),
    ),
    (
        '{"event":"question_asked","id":1,"asker":"bob","question":"so?","options":["a"],"multi":false}',
        events.QuestionAsked(id=1, asker="bob", question="so?", options=("a",), multi=False),
    ),
    (
        (
            '{"event":"question_answered","id":1,"question":"so?","answer":"[expired]","answerer":"system",'
            '"outcome":"expired"}'
        ),
        events.QuestionAnswered(id=1, question="so?", answer="[expired]", answerer="system", outcome=Outcome.EXPIRED),
    ),
    ('{"event":"config_ready","agent":"carol"}', events.ConfigReady("carol")),
    ('{"event":"needs_update","agent":"bob"}', events.NeedsUpdate("bob")),
    ('{"event":"bounced","id":1,"to":"bob","reason":"why"}', events.Bounced(id=1, to="bob", reason="why")),
    *golden_threads.EVENTS,
)

ALSO_READ: Final[tuple[tuple[str, str, Any], ...]] = (
    # a serde client writes every field; an `Option` that is None is null
    ("agent", '{"cmd":"recv","wait_seconds":null}', agent.Recv()),
    (
        "manager",
        '{"cmd":"ask_operator","question":"so?","options":[],"multi":false,"ttl_seconds":null}',
        agent.AskOperator("so?"),
    ),
    # serde's defaults
    ("host", '{"cmd":"destroy","name":"bob"}', host.Destroy("bob")),
    ("agent", '{"cmd":"ask_operator","question":"so?"}', agent.AskOperator("so?")),
    # null in an optional field that was added means absent too
    ("agent", '{"cmd":"recv","wait_seconds":null,"max":null}', agent.Recv()),
    ("agent", '{"cmd":"send","to":"bob","body":"","in_reply_to":null}', agent.Send("bob", "")),
    ("agent", '{"cmd":"answer","id":1,"answer":"a","choices":null,"text":null}', agent.Answer(1, "a")),
    ("host", '{"cmd":"start","name":"bob","scope":null,"wait":null}', host.Start("bob")),
    ("host", '{"cmd":"stop","name":"bob","graceful":null}', host.Stop("bob")),
    ("host", '{"cmd":"deny","id":1,"note":null}', host.Deny(1)),
    ("host", '{"cmd":"approve","id":1,"digest":null}', host.Approve(1)),
    ("host", '{"cmd":"rollback","name":"bob","ref":null,"wait":null}', host.Rollback("bob")),
    ("host", '{"cmd":"subscribe","since":null}', host.Subscribe()),
    # the order of fields, white space and unknown fields mean nothing
    ("agent", ' { "body" : "hi", "cmd" : "send", "from" : "manager", "to" : "bob" } \r', agent.Send("bob", "hi")),
    ("host", '{"cmd":"list","name":[[]],"":null}', manager.List()),
    # escapes are what they stand for
    ("agent", '{"cmd":"send","to":"bob","body":"\\ud83d\\ude00\\/"}', agent.Send("bob", "😀/")),
    # of a field that is given twice, the last one counts
    ("agent", '{"cmd":"recent","limit":1,"limit":2}', agent.Recent(2)),
)
