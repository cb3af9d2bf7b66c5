"""What the stand-in of the Messages API answers: well, with a refusal as the real API words it, or not at all."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from attrs import field, frozen

USAGE: Final[Mapping[str, int]] = {
    "input_tokens": 11,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 100,
    "output_tokens": 7,
}


@frozen
class Asked:
    """One request for an answer: its headers, their names in lower case, and the body's JSON."""

    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def tools(self) -> list[str]:
        """The names of the tools that the model is offered."""
        return [tool["name"] for tool in self.body.get("tools", ())]

    @property
    def blocks(self) -> list[Mapping[str, Any]]:
        """What was said since the model spoke last. The CLI says more than its user does."""
        since = itertools.takewhile(lambda message: message["role"] != "assistant", reversed(self.body["messages"]))
        return [block for message in reversed(list(since)) for block in _blocks(message["content"])]

    @property
    def text(self) -> str:
        """The text of what was said since then."""
        return "\n".join(block["text"] for block in self.blocks if block["type"] == "text")

    @property
    def results(self) -> list[str]:
        """What the tools answered that the model called when it spoke last."""
        given = [block.get("content", "") for block in self.blocks if block["type"] == "tool_result"]
        return ["".join(part.get("text", "") for part in _blocks(content)) for content in given]

    @property
    def everything(self) -> str:
        """The whole request, to look for words in."""
        return json.dumps(self.body)


def _blocks(content: Any) -> list[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


@frozen
class Text:
    """A block of text; it is streamed in pieces."""

    text: str


@frozen
class Call:
    """A tool that the model wants to use, by its whole name, such as `mcp__hive__send`."""

    name: str
    input: Mapping[str, Any] = field(factory=dict)


@frozen
class Says:
    """An answer. A model that calls a tool is asked again with what the tool said."""

    blocks: Sequence[Text | Call]
    usage: Mapping[str, int] = USAGE


@frozen
class Refuses:
    """An error, as the real API gives it: status, the kind and text of the body, headers."""

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class Hangs:
    """Nothing more after the first blocks, or nothing at all; the connection stays open until the other side goes."""

    blocks: Sequence[Text | Call] = ()


@frozen
class Drops:
    """The connection is cut after the first blocks, or before anything."""

    blocks: Sequence[Text | Call] = ()


Answer = Says | Refuses | Hangs | Drops
Script = Callable[[Asked], Answer] | Sequence[Answer]
"""A model: what it answers to what; or one answer after the other, the last of them for ever."""


def says(*blocks: str | Call, **usage: int) -> Says:
    """An answer of texts and calls; `usage` changes what it is said to have taken."""
    return Says([Text(block) if isinstance(block, str) else block for block in blocks], {**USAGE, **usage})


def echo(asked: Asked) -> Answer:
    """A model that says how many messages it has before it."""
    return says(f"heard {len(asked.body['messages'])}")


UNKNOWN_KEY: Final = Refuses(401, "authentication_error", "invalid x-api-key")
OVERLOADED: Final = Refuses(529, "overloaded_error", "Overloaded")
TOO_LONG: Final = Refuses(400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum")


def rate_limited(resets_at: int, retry_after: int) -> Refuses:
    """Too many requests by an API key: the limit ends at `resets_at` (unix seconds)."""
    return Refuses(
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 50 requests per minute.",
        {
            "retry-after": str(retry_after),
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-reset": datetime.fromtimestamp(resets_at, UTC).isoformat(),
        },
    )


def used_up(resets_at: int, retry_after: int) -> Refuses:
    """The quota of a subscription is used up until `resets_at` (unix seconds)."""
    return Refuses(
        429,
        "rate_limit_error",
        "This request would exceed your account's rate limit. Please try again later.",
        {
            "retry-after": str(retry_after),
            "anthropic-ratelimit-unified-status": "rejected",
            "anthropic-ratelimit-unified-reset": str(resets_at),
            "anthropic-ratelimit-unified-representative-claim": "five_hour",
            "anthropic-ratelimit-unified-fallback": "unavailable",
            "anthropic-ratelimit-unified-overage-status": "rejected",
            "anthropic-ratelimit-unified-overage-disabled-reason": "org_level_disabled",
            "anthropic-ratelimit-unified-5h-status": "rejected",
            "anthropic-ratelimit-unified-5h-reset": str(resets_at),
            "anthropic-ratelimit-unified-5h-utilization": "1.0",
        },
    )
