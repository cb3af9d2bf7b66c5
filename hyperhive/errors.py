"""What is refused: every error that a person or an agent reads, as one sentence."""

from __future__ import annotations

from typing import Final

LONGEST_QUOTE = 200


def brief(text: str) -> str:
    """Somebody's words as a sentence can hold them: cut where they are long."""
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"


NOTHING_CHANGED: Final = "nothing was changed"
"""With this ends what is said of trouble that the same request may not meet again, such as a full disk."""


class HiveError(Exception):
    """A refusal; its text is the sentence that whoever asked reads."""

    def __str__(self) -> str:
        """The sentence as text that can be stored: a file's name in bytes that are none would spoil it."""
        return super().__str__().encode(errors="replace").decode()


class BadName(HiveError):
    """A name that no agent may have."""


class UnknownAgent(HiveError):
    """Nobody of that name is in the hive."""


class Refused(HiveError):
    """The request is well formed, and the hive's rules or its present state forbid it."""


class InboxFull(HiveError):
    """The recipient holds as much unread mail as an inbox may."""


class ContainerError(HiveError):
    """A backend could not do what was asked of it."""


class RepositoryError(HiveError):
    """A repository of an agent's configuration could not be used, or what it holds is refused."""


class BadConfig(HiveError):
    """A configuration that no agent can have: which file, which line, what would be right."""


class DatabaseTrouble(HiveError):
    """The database could not do it (a full disk, say); nothing was changed."""


class DoorError(HiveError):
    """A socket could not be opened."""


class OperationFailed(HiveError):
    """An operation ended, and not well."""


class StartupError(HiveError):
    """The daemon can't start: the operator reads why, and what would let it."""
