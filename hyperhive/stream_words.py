"""What a runner wrote in a turn, in words: a coding agent's stream of JSON taken apart, any other line as it is.

Named tuples, as every `hivectl` that starts would wait a millisecond for each attrs class.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from hyperhive.half_characters import made_whole

START: Final = "start"
TEXT: Final = "text"
THOUGHT: Final = "thought"
CALL: Final = "call"
RESULT: Final = "result"
PART: Final = "part"
END: Final = "end"
NOTE: Final = "note"
LINE: Final = "line"

_SILENT: Final = frozenset({"stream_event", "rate_limit_event", "control_response"})
"""Types of events that say nothing which another one does not say."""


class Word(NamedTuple):
    """One thing that was said or done; `kind` is one of the constants above.

    `text` is what was said, what a tool was given (as JSON) or gave back, why a run failed; `name` a tool, or the kind
    of a part that has no words. `call` is what a call and its result have in common. `given`: not said by the agent but
    to it. `failed`: something that is none to be glad of; `grave`: a note that somebody should see.
    """

    kind: str
    text: str = ""
    name: str = ""
    call: str = ""
    given: bool = False
    failed: bool = False
    grave: bool = False


def told(event: str) -> tuple[Word, ...]:
    """What one event says; nothing for one that says nothing to a person, and one LINE for what is not known here."""
    try:
        found = json.loads(made_whole(event))
        if not isinstance(found, dict) or not isinstance(found.get("type"), str):
            return (Word(LINE, event),)
        words = _words(found)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        words = None
    return (Word(LINE, event),) if words is None else tuple(words)


def _words(event: dict[str, Any]) -> list[Word] | None:
    """What an event of a type that is known here says; None for another one."""
    match event["type"]:
        case "system" if event.get("subtype") == "init":
            return [Word(START, f"session {event['session_id']}, model {event['model']}")]
        case "system":
            return _notice(event)
        case "assistant" | "user" as side:
            return list(_content(event["message"]["content"], given=side == "user"))
        case "result":
            return [_end(event)]
        case "hyperhive":
            return [Word(NOTE, str(event["note"]), grave=True)]
        case kind if kind in _SILENT:
            return []
    return None


def _content(content: Any, *, given: bool) -> Iterator[Word]:
    if isinstance(content, str):
        yield Word(TEXT, content, given=given)
        return
    for part in content:
        match part["type"]:
            case "text":
                yield Word(TEXT, _string(part["text"]), given=given)
            case "thinking":
                yield Word(THOUGHT, _string(part.get("thinking", "")))
            case "tool_use":
                text = json.dumps(part["input"], ensure_ascii=False)
                yield Word(CALL, text, name=str(part["name"]), call=str(part.get("id", "")))
            case "tool_result":
                failed, call = bool(part.get("is_error")), str(part.get("tool_use_id", ""))
                yield Word(RESULT, _plain(part.get("content", "")), call=call, failed=failed)
            case kind:
                yield Word(PART, name=str(kind))


def _notice(event: dict[str, Any]) -> list[Word] | None:
    """What a runner says of its own doings; None for what is not known here."""
    match event:
        case {"subtype": "api_retry", "attempt": attempt, "max_retries": most, "error": error}:
            again = f"asks the provider again, attempt {attempt} of {most}: {_spaced(error)}"
            return [Word(NOTE, again, grave=True)]
        case {"subtype": "status", "status": "compacting"}:
            return [Word(NOTE, "shortens the context")]
        case {"subtype": "status", "compact_result": "failed"}:
            why = str(event.get("compact_error") or "it did not say why")
            return [Word(NOTE, f"the context could not be shortened: {why}", failed=True)]
        case {"subtype": "compact_boundary", "compact_metadata": {"pre_tokens": before, "post_tokens": after}}:
            return [Word(NOTE, f"the context was shortened from {before} to {after} tokens")]
        case {"subtype": "compact_boundary"}:
            return [Word(NOTE, "the context was shortened")]
        case {"subtype": "status"}:
            return []
    return None


def _end(event: dict[str, Any]) -> Word:
    """The last event of a run. What it says when all went well was said before; a `subtype` of success proves none."""
    if not event.get("is_error"):
        return Word(END)
    errors = event.get("errors")
    listed = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
    why = event.get("result") or listed or _spaced(event.get("subtype", "it did not say why"))
    return Word(END, str(why), failed=True)


def _spaced(word: Any) -> str:
    return str(word).replace("_", " ")


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(_string(part["text"]) if part["type"] == "text" else f"({part['type']})" for part in content)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
