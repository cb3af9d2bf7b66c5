"""What a runner wrote in a turn, for people: a coding agent's stream of JSON told in words, any other line as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hyperhive.hivectl.page import Line, Page, View

_SILENT = frozenset({"stream_event", "rate_limit_event", "control_response"})
"""Types of events that say nothing which another one does not say."""


def told(event: str, view: View) -> Page:
    """The lines for one event; none for one that says nothing to a person."""
    try:
        found = json.loads(event)
    except ValueError:
        return (Line(event),)
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        return (Line(event),)
    try:
        lines = _lines(found, view)
    except (AttributeError, KeyError, TypeError, ValueError):
        lines = None
    return (Line(event),) if lines is None else tuple(lines)


def _lines(event: dict[str, Any], view: View) -> list[Line] | None:
    """The lines for an event of a type that is known here; None for another one."""
    match event["type"]:
        case "system" if event.get("subtype") == "init":
            return [Line(f"session {event['session_id']}, model {event['model']}", "dim")]
        case "system":
            return _notice(event, view)
        case "assistant" | "user" as side:
            return list(_content(event["message"]["content"], side, view))
        case "result":
            return _result(event, view)
        case "hyperhive":
            return [Line(str(event["note"]), "yellow")]
        case kind if kind in _SILENT:
            return []
    return None


def _content(content: Any, side: str, view: View) -> Iterator[Line]:
    if isinstance(content, str):
        yield Line(content, "dim" if side == "user" else "")
        return
    for part in content:
        match part["type"]:
            case "text":
                yield Line(part["text"], "dim" if side == "user" else "")
            case "thinking":
                yield Line(f"(thinks) {view.brief(part.get('thinking', ''))}", "dim")
            case "tool_use":
                yield Line(f"→ {part['name']} {view.brief(_written(part['input']))}", "cyan")
            case "tool_result":
                failed = bool(part.get("is_error"))
                yield Line(f"← {view.brief(_plain(part.get('content', '')))}", "red" if failed else "dim")
            case kind:
                yield Line(f"({kind})", "dim")


def _notice(event: dict[str, Any], view: View) -> list[Line] | None:
    """What a runner says of its own doings; None for what is not known here."""
    match event:
        case {"subtype": "api_retry", "attempt": attempt, "max_retries": most, "error": error}:
            return [Line(f"asks the provider again, attempt {attempt} of {most}: {_spaced(error)}", "yellow")]
        case {"subtype": "status", "status": "compacting"}:
            return [Line("shortens the context", "dim")]
        case {"subtype": "status", "compact_result": "failed"}:
            why = view.brief(str(event.get("compact_error") or "it did not say why"))
            return [Line(f"the context could not be shortened: {why}", "red")]
        case {"subtype": "compact_boundary", "compact_metadata": {"pre_tokens": before, "post_tokens": after}}:
            return [Line(f"the context was shortened from {before} to {after} tokens", "dim")]
        case {"subtype": "compact_boundary"}:
            return [Line("the context was shortened", "dim")]
        case {"subtype": "status"}:
            return []
    return None


def _result(event: dict[str, Any], view: View) -> list[Line]:
    """The last event of a run, which adds nothing where all went well. A `subtype` of success does not say that."""
    if not event.get("is_error"):
        return []
    errors = event.get("errors")
    listed = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
    why = event.get("result") or listed or _spaced(event.get("subtype", "it did not say why"))
    return [Line(f"failed: {view.brief(str(why))}", "bold red")]


def _spaced(word: Any) -> str:
    return str(word).replace("_", " ")


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part["text"] if part["type"] == "text" else f"({part['type']})" for part in content)


def _written(given: Any) -> str:
    return json.dumps(given, ensure_ascii=False)
