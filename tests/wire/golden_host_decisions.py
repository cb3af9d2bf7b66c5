"""The wire by example: the operator's answers about approvals and operations. Part of what `golden` has."""

from __future__ import annotations

from typing import Final

from hyperhive.wire import responses
from hyperhive.wire.records import Approval, Operation
from hyperhive.wire.states import ApprovalKind, ApprovalStatus, OperationKind, OperationState
from tests.wire.golden_lines import Lines, answer

_APPROVAL = Approval(id=1, agent="bob", commit_ref="0a1b", requested_at=5, status=ApprovalStatus.PENDING)

HOST_ANSWERS: Final[Lines] = (
    # the seed's, and the version that every host answer starts with
    ('{"version":1,"ok":true}', answer()),
    ('{"version":1,"ok":false,"error":"no"}', responses.HostResponse(ok=False, error="no")),
    ('{"version":1,"ok":true,"agents":["bob","manager"]}', answer(agents=("bob", "manager"))),
    ('{"version":1,"ok":true,"approvals":[]}', answer(approvals=())),
    (
        (
            '{"version":1,"ok":true,"approvals":'
            '[{"id":1,"agent":"bob","kind":"apply_commit","commit_ref":"0a1b","requested_at":5,"status":"pending"}]}'
        ),
        answer(approvals=(_APPROVAL,)),
    ),
    (
        (
            '{"version":1,"ok":true,"approvals":[{"id":2,"agent":"carol","kind":"spawn","commit_ref":"",'
            '"requested_at":5,"status":"denied","resolved_at":9,"note":"no"}]}'
        ),
        answer(
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
    ('{"version":1,"ok":true,"approvals":[],"more":2}', answer(approvals=(), more=2)),
    (
        (
            '{"version":1,"ok":true,"approvals":[{"id":2,"agent":"carol","kind":"spawn","commit_ref":"",'
            '"requested_at":5,"status":"pending","decided_at":7,"decided_by":"operator","operation":3,'
            '"description":"tests"}]}'
        ),
        answer(
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
        answer(
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
        answer(
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
    ('{"version":1,"ok":true,"id":12}', answer(id=12)),
    ('{"version":1,"ok":true,"ids":[12,13]}', answer(ids=(12, 13))),
    ('{"version":1,"ok":true,"operation":3}', answer(operation=3)),
    (
        (
            '{"version":1,"ok":true,"operations":[{"id":3,"agent":"bob","kind":"restart","state":"running",'
            '"requested_by":"operator","queued_at":5,"started_at":6}]}'
        ),
        answer(
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
        answer(
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
)
