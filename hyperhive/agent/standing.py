"""How the loop stands, as the operator is told."""

from __future__ import annotations

from typing import ClassVar

from twisted.logger import Logger

from hyperhive.agent.asking import IAsk
from hyperhive.agent.texts import within
from hyperhive.client import Refused, WireError
from hyperhive.wire.fields import TEXT_BYTES
from hyperhive.wire.states import HarnessState
from hyperhive.wire.turn_requests import Report


class Standing:
    """Tells the daemon how we stand, when that has changed. `model` is what is worked with, as far as known.

    `runner` is the name of what does our turns.
    """

    _log: ClassVar[Logger] = Logger()

    def __init__(self, daemon: IAsk, runner: str, model: str | None) -> None:
        self._daemon = daemon
        self._runner = runner
        self._told: Report | None = None
        self.model = model

    async def tell(self, state: HarnessState, until: float | None = None, note: str | None = None) -> None:
        """Tell it, unless that is what was told last; returns when the daemon knows. `until` in unix seconds."""
        note = None if note is None else within(note, TEXT_BYTES)
        report = Report(state, None if until is None else round(until), self.model, note, self._runner)
        if report == self._told:
            return
        try:
            await self._daemon.ask(report)
        except (Refused, WireError) as error:
            self._log.error("the daemon did not take note of how we stand: {error}", error=error)
        self._told = report
