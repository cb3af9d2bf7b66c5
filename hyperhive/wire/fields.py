"""The types of fields, as the wire knows them, and the marks that say how a field is written.

A bare `int` is the seed's `i64`. Sizes are in bytes of UTF-8.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import attrs
from attrs import frozen

BODY_BYTES: Final = 256 * 1024
NAME_BYTES: Final = 1024
TEXT_BYTES: Final = 16 * 1024
MOST_OPTIONS: Final = 64
MOST_NAMES: Final = 1024
EVENT_BYTES: Final = 64 * 1024
MOST_EVENTS: Final = 256


@frozen
class Whole:
    """A range of whole numbers."""

    least: int
    most: int


@frozen
class Chars:
    """A bound on a string: its bytes in UTF-8, and whether a NUL may stand in it."""

    most_bytes: int
    nul: bool = True


@frozen
class Count:
    """How many items a list may have."""

    most: int


I64: Final = Whole(-(2**63), 2**63 - 1)
U64: Final = Whole(0, 2**64 - 1)

Unsigned = Annotated[int, U64]
"""The seed's `u64`."""
Position = Annotated[int, Whole(0, 2**62)]
"""Where something stands among others, such as a line of a stream."""
Name = Annotated[str, Chars(NAME_BYTES, nul=False)]
"""A name of somebody; whether anybody has it is not the wire's business."""
Body = Annotated[str, Chars(BODY_BYTES)]
"""The body of a message."""
Text = Annotated[str, Chars(TEXT_BYTES)]
"""A question, an option, an answer, a note or a description."""
Options = Annotated[tuple[Text, ...], Count(MOST_OPTIONS)]
"""What may be chosen in answer to a question."""
Ids = Annotated[tuple[int, ...], Count(100_000)]
"""Numbers of messages."""
Events = Annotated[tuple[Annotated[str, Chars(EVENT_BYTES)], ...], Count(MOST_EVENTS)]
"""Lines of a turn's stream."""
Names = Annotated[tuple[Name, ...], Count(MOST_NAMES)]
"""Several agents."""

NAME_ON_WIRE: Final = "hyperhive.name"
OMITTED: Final = "hyperhive.omitted"


def absent() -> Any:
    """A field that is None unless given, and is then left out of what we write."""
    return attrs.field(default=None, metadata={OMITTED: True})


def only_when_true() -> Any:
    """A flag that is left out of what we write while it is false."""
    return attrs.field(default=False, metadata={OMITTED: True})


def sender() -> Any:
    """The field that is called `from` on the wire, which Python keeps for itself."""
    return attrs.field(metadata={NAME_ON_WIRE: "from"})


def recipient() -> Any:
    """The field that is called `to` on the wire, in rows where `from` stands beside it."""
    return attrs.field(metadata={NAME_ON_WIRE: "to"})
