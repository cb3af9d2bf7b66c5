"""Every request of every socket with the type of each of its fields: what bad input is made from.

Written down by hand, so that the daemon is not checked against itself. A field's type ends in `?` where null means
absent. The values are ones that change nothing: nobody here is called `nobody`, and no number is 999999999.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import frozen

NOBODY: Final = "nobody"
NO_NUMBER: Final = 999_999_999

Fields = dict[str, str]

AGENT: Final[dict[str, Fields]] = {
    "begin_turn": {"ids": "ids", "runner": "name", "model": "name?"},
    "turn_events": {"turn": "i64", "first": "u64", "events": "events"},
    "end_turn": {"turn": "i64", "outcome": "outcome", "spent": "bool?", "error": "text?", "usage": "usage?"},
    "report": {"state": "state", "until": "i64?", "model": "name?", "note": "text?", "runner": "name?"},
    "orders": {"wait_seconds": "u64?"},
    "send": {"to": "name", "body": "body", "in_reply_to": "i64?", "in_turn": "bool?"},
    "recv": {"wait_seconds": "u64?", "max": "u64?"},
    "status": {},
    "operator_msg": {"body": "body"},
    "recent": {"limit": "u64"},
    "ack_turn": {"ids": "ids?"},
    "requeue_inflight": {"ids": "ids?", "spent": "bool?"},
    "renew": {},
    "ask_operator": {"question": "text", "options": "options", "multi": "bool", "ttl_seconds": "u64?"},
    "ask": {"to": "name", "question": "text", "options": "options", "multi": "bool", "ttl_seconds": "u64?"},
    "answer": {"id": "i64", "answer": "text?", "choices": "options?", "text": "text?"},
    "remind": {"message": "body", "delay_seconds": "u64?", "at": "i64?"},
    "receipt": {"id": "i64"},
    "whoami": {},
    "set_status": {"text": "text"},
    "get_open_threads": {},
}

MANAGER: Final[dict[str, Fields]] = {
    **AGENT,
    "request_spawn": {"name": "name", "description": "text?"},
    "request_apply_commit": {"agent": "name", "commit_ref": "name", "description": "text?"},
    "request_init_config": {"name": "name", "description": "text?"},
    "cancel_approval": {"id": "i64"},
    "kill": {"name": "name", "wait": "bool?"},
    "start": {"name": "name", "wait": "bool?"},
    "restart": {"name": "name", "wait": "bool?"},
    "update": {"name": "name", "wait": "bool?"},
    "get_logs": {"agent": "name", "lines": "u64"},
    "list": {},
}

HOST: Final[dict[str, Fields]] = {
    "turns": {"limit": "u64", "name": "name?", "before": "i64?"},
    "turn_log": {"turn": "i64", "after": "u64?"},
    "cancel_turn": {"name": "name"},
    "compact": {"name": "name"},
    "new_session": {"name": "name"},
    "set_model": {"name": "name", "model": "name?"},
    "login": {"name": "name", "token": "name?"},
    "spawn": {"name": "name", "wait": "bool?"},
    "request_spawn": {"name": "name", "description": "text?"},
    "kill": {"name": "name", "wait": "bool?"},
    "destroy": {"name": "name", "purge": "bool", "wait": "bool?"},
    "rebuild": {"name": "name", "wait": "bool?"},
    "list": {},
    "pending": {"all": "bool?"},
    "approve": {"id": "i64", "digest": "name?"},
    "diff": {"id": "i64", "against": "name?"},
    "deny": {"id": "i64", "note": "text?"},
    "start": {"name": "name?", "scope": "scope?", "wait": "bool?"},
    "stop": {"name": "name?", "scope": "scope?", "graceful": "bool?", "wait": "bool?"},
    "restart": {"name": "name?", "scope": "scope?", "wait": "bool?"},
    "agent_status": {},
    "set_paused": {"name": "name", "paused": "bool"},
    "questions": {"all": "bool?"},
    "answer": {"id": "i64", "answer": "text?", "choices": "options?", "text": "text?"},
    "cancel_question": {"id": "i64"},
    "send": {"to": "name", "body": "body", "in_reply_to": "i64?"},
    "inbox": {"limit": "u64"},
    "messages": {"limit": "u64", "agent": "name?", "before": "i64?"},
    "dead_letters": {},
    "requeue": {"id": "i64"},
    "held": {},
    "release": {"thread": "i64"},
    "operations": {"all": "bool?"},
    "logs": {"name": "name", "lines": "u64"},
    "config_log": {"name": "name"},
    "config_show": {"name": "name", "ref": "name?"},
    "rollback": {"name": "name", "ref": "name?", "wait": "bool?"},
    "subscribe": {"since": "u64?"},
    "subscribe_agent_status": {},
    "urls": {},
    "console_link": {"read_only": "bool?"},
    "sessions": {},
    "revoke": {"session": "i64"},
}

EXPECTED: Final = {
    "name": "a string",
    "text": "a string",
    "body": "a string",
    "bool": "true or false",
    "i64": "a whole number",
    "u64": "a whole number",
    "ids": "a list",
    "options": "a list",
    "scope": "an object",
    "events": "a list",
    "outcome": "one of 'done', 'failed', ",
    "state": "one of 'ready', 'waiting', ",
    "usage": "an object",
}
HARMLESS: Final[dict[str, Any]] = {
    "name": NOBODY,
    "text": "some words",
    "body": "some words",
    "bool": False,
    "i64": NO_NUMBER,
    "u64": 1,
    "ids": [],
    "options": [],
    "scope": {"agent_names": [NOBODY]},
    "events": [],
    "outcome": "done",
    "state": "ready",
    "usage": {},
}
DEFAULTED: Final = {"purge", "options", "multi"}
"""Fields that may be absent, but not null."""

_OF_EACH_TYPE: Final[dict[str, tuple[Any, ...]]] = {
    "null": (None,),
    "boolean": (True, False),
    "integer": (7,),
    "negative": (-1,),
    "too large": (2**63, 2**64, -(2**63) - 1, 10**25),
    "fraction": (7.5, 7.0, 1e300),
    "string": ("7", ""),
    "list": ([], [[]], [None]),
    "object": ({}, {"7": 7}),
}
_TAKEN: Final[dict[str, set[str]]] = {
    "name": {"string"},
    "text": {"string"},
    "body": {"string"},
    "bool": {"boolean"},
    "i64": {"integer", "negative"},
    "u64": {"integer"},
    "ids": {"list"},
    "options": {"list"},
    "scope": {"object"},
    "events": {"list"},
    "outcome": set(),
    "state": set(),
    "usage": {"object"},
}


@frozen
class Wrong:
    """One bad request: the field that is wrong, and words that the refusal must have beside its name."""

    fields: dict[str, Any]
    field: str
    expected: str


def wrong_requests(fields: Fields) -> list[Wrong]:
    """Every way to get one field of that request wrong."""
    right = {name: HARMLESS[kind] for name, kind in fields.items() if not kind.endswith("?")}
    found = []
    for name, spelled in fields.items():
        kind = spelled.removesuffix("?")
        expected = EXPECTED[kind]
        found += [Wrong({**right, name: value}, name, expected) for value in _wrong_values(kind, spelled)]
        if name in right and name not in DEFAULTED:
            found.append(Wrong({other: right[other] for other in right if other != name}, name, "missing"))
        found += [Wrong({**right, name: value}, name, words) for value, words in _out_of_bounds(kind)]
    return found


def _wrong_values(kind: str, spelled: str) -> list[Any]:
    taken = _TAKEN[kind] | ({"null"} if spelled.endswith("?") else set())
    # 2**63 is a u64.
    return [
        value
        for name, values in _OF_EACH_TYPE.items()
        if name not in taken
        for value in values
        if not (kind == "u64" and value == 2**63 and isinstance(value, int))
    ]


def _out_of_bounds(kind: str) -> list[tuple[Any, str]]:
    bounds: dict[str, list[tuple[Any, str]]] = {
        "name": [("a\0b", "NUL"), ("n" * 1025, "1024 bytes")],
        "text": [("ä" * 8193, "16384 bytes")],
        "body": [("ä" * (128 * 1024 + 1), "262144 bytes")],
        "options": [(["x"] * 65, "64"), ([7], "a string"), (["ä" * 8193], "16384 bytes"), ([None], "a string")],
        "ids": [(["7"], "a whole number"), ([7, 7.0], "a whole number"), ([True], "a whole number")],
        "events": [(["x"] * 257, "256"), ([7], "a string"), (["x" * 65_537], "65536 bytes")],
        "usage": [({"cost_micros": "7"}, "a whole number"), ({"model": 7}, "a string")],
        "scope": [({"agent_names": "alice"}, "a list"), ({"agent_names": [7]}, "a string"), ({}, "a list")],
    }
    return bounds.get(kind, [])
