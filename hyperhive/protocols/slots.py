"""Where the answers of a conversation wait for their turn, and what they handed out until they are known to be read."""

from __future__ import annotations

from collections import deque

from attrs import define, field

from hyperhive.protocols.answers import Following, Lease


@define(eq=False)
class Slot:
    """The place of one answer among the others; `line` is None until it is there."""

    line: bytes | None = None
    lease: Lease | None = None
    following: Following | None = None
    weight: int = 0


@define(eq=False)
class Slots:
    """The answers that a peer has asked for and that are not written, in the order of its requests.

    `weight` is what their requests weigh together; `unread` are the leases of answers that are written, and not known
    to be read.
    """

    weight: int = field(default=0, init=False)
    unread: list[Lease] = field(factory=list, init=False)
    _waiting: deque[Slot] = field(factory=deque, init=False)

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self) -> Slot:
        """The place of one more answer, behind all the others."""
        slot = Slot()
        self._waiting.append(slot)
        return slot

    def weigh(self, slot: Slot, what: int) -> None:
        """The request weighs so much more."""
        slot.weight += what
        self.weight += what

    def take_ready(self) -> tuple[list[bytes], Following | None]:
        """The lines whose turn it is, to be written now, and what is to follow them."""
        ready: list[bytes] = []
        following = None
        while self._waiting and (line := self._waiting[0].line) is not None:
            slot = self._waiting.popleft()
            ready.append(line)
            self.weight -= slot.weight
            if slot.lease is not None:
                self.unread.append(slot.lease)
            following = slot.following or following
        return ready, following

    def were_read(self) -> None:
        """The peer has read all that was written."""
        unread, self.unread = self.unread, []
        for lease in unread:
            lease.was_read()

    def give_up(self) -> None:
        """The peer is gone: what it may not have read goes back, and what was not written does."""
        unread, self.unread = self.unread, []
        for lease in unread:
            lease.was_not_read()
        for slot in self._waiting:
            if slot.line is not None and slot.lease is not None:
                slot.lease.was_not_written()
        self._waiting.clear()
