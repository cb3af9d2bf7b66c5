"""The states of a message, as its row holds them.

Conditions have them written out, not bound: a partial index is used only where its very condition stands in the query.
"""

from __future__ import annotations

from typing import Final

from hyperhive.wire.states import MessageState

QUEUED: Final = 0
LEASED: Final = 1
DONE: Final = 2
DEAD: Final = 3
HELD: Final = 4

IN_WORDS: Final = {
    QUEUED: MessageState.QUEUED,
    LEASED: MessageState.LEASED,
    DONE: MessageState.DONE,
    DEAD: MessageState.DEAD,
    HELD: MessageState.HELD,
}
"""Each as whoever asks is told it."""
