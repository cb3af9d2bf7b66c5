"""Rows as a daemon would show them, with what a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from hyperhive.wire import records
from hyperhive.wire.records import AgentStatus, Approval, MessageRow, Operation, Question
from hyperhive.wire.states import (
    ApprovalKind,
    ApprovalStatus,
    MessageState,
    OperationKind,
    OperationState,
    QuestionStatus,
)
from hyperhive.wire.turns import Turn

NOW = 1_800_000_000


def agent(name: str = "alice", **given: Any) -> AgentStatus:
    usual = {"running": True, "failed": False, "paused": False, "unread": 0, "restarts": 0, "generation": 1}
    return AgentStatus(**{"name": name, "since": NOW - 180, **usual, **given})


def approval(number: int = 7, **given: Any) -> Approval:
    usual = {"agent": "alice", "kind": ApprovalKind.SPAWN, "commit_ref": "", "status": ApprovalStatus.PENDING}
    return Approval(**{"id": number, "requested_at": NOW - 60, **usual, **given})


def question(number: int = 3, **given: Any) -> Question:
    usual = {"asker": "alice", "question": "Which branch?", "options": ("main", "dev"), "multi": False}
    return Question(**{"id": number, "asked_at": NOW - 60, "status": QuestionStatus.OPEN, **usual, **given})


def message(number: int = 41, **given: Any) -> MessageRow:
    usual = {"sender": "alice", "recipient": "bob", "body": "hello", "state": MessageState.DONE, "attempts": 0}
    return MessageRow(**{"id": number, "at": NOW - 60, **usual, **given})


def operation(number: int = 12, **given: Any) -> Operation:
    usual = {"agent": "alice", "kind": OperationKind.RESTART, "state": OperationState.RUNNING}
    return Operation(**{"id": number, "requested_by": "operator", "queued_at": NOW - 5, **usual, **given})


def turn(number: int = 7, **given: Any) -> Turn:
    usual = {"agent": "alice", "generation": 1, "runner": "claude", "messages": (41,), "started_at": NOW - 60}
    return Turn(**{"id": number, **usual, **given})


def letter(number: int = 41, **given: Any) -> records.InboxRow:
    return records.InboxRow(**{"id": number, "sender": "alice", "body": "hello", "at": NOW - 60, **given})
