"""Why a part of the benchmark has no figures, each as one sentence."""

from __future__ import annotations


class BenchmarkError(Exception):
    """Something could not be measured; the text says what and why."""


class NotInstalled(BenchmarkError):
    """A server is not on this machine; the text says how to get it."""


class NotStarted(BenchmarkError):
    """A server could not be started; the text says which, and the end of what it wrote."""


class UnexpectedAnswer(BenchmarkError):
    """A system answered something that is neither an acknowledgement nor a message."""


class Stalled(BenchmarkError):
    """A system under load fell silent."""
