"""Why the test host did not run; each error's text is the one sentence that its reader gets."""

from __future__ import annotations


class CannotRun(Exception):
    """This machine cannot run a test host: what it lacks, and what would be right."""


class Failed(Exception):
    """Something that should have worked here did not: a tree was not built, or the host did not boot."""


class TookTooLong(Failed):
    """A limit of time was reached, and what ran was killed."""
