"""The wire by example: what agents, the manager and the operator ask. Part of what `golden` has."""

from __future__ import annotations

from typing import Any, Final

from hyperhive.wire import agent_requests as agent
from hyperhive.wire import host_requests as host
from hyperhive.wire import manager_requests as manager
from hyperhive.wire.records import Scope
from tests.wire.golden_lines import Lines

AGENT_REQUESTS: Final[Lines] = (
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
