"""The wire by example: the events in an agent's inbox. Part of what `golden` has."""

from __future__ import annotations

from typing import Final

from hyperhive.wire import events
from hyperhive.wire.states import ApprovalStatus, Outcome
from tests.wire.golden_lines import Lines

EVENTS: Final[Lines] = (
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
)
