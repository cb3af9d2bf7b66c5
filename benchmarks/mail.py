"""Durable mail: the same loads on each system, turn about, and this daemon's multiples of beanstalkd's rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from statistics import median

from attrs import define, field

from benchmarks.errors import BenchmarkError
from benchmarks.hive import hive, pair_names
from benchmarks.load import EIGHT_PAIRS, LOADS, SIXTEEN_BY_SIXTEEN, Load, Measurement, drive
from benchmarks.run import Run
from benchmarks.servers import System, Workplace, beanstalkd, echo, redis
from benchmarks.table import Row, spread

PAIRS = max(load.pairs for load in LOADS)
YARDSTICK = "beanstalkd"
ECHO = "echo"
AIMS = {EIGHT_PAIRS.name: ">= 1", SIXTEEN_BY_SIXTEEN.name: ">= 3"}


@contextmanager
def empty_hive(place: Workplace) -> Iterator[System]:
    """This daemon with an empty database and the agents of all pairs."""
    with hive(place, place.directory("hive"), pair_names(PAIRS)) as running:
        yield running.system


SYSTEMS: dict[str, Callable[[Workplace], AbstractContextManager[System]]] = {
    "hyperhive": empty_hive,
    "beanstalkd": beanstalkd,
    "redis": redis,
}


@define
class MailFigures:
    """What was measured: by load, by system, one measurement a round, `None` where a system failed in that round."""

    rounds: dict[str, dict[str, list[Measurement | None]]] = field(factory=dict)

    def add(self, load: Load, system: str, measured: Measurement | None) -> None:
        """Note the measurement of one turn."""
        self.rounds.setdefault(load.name, {}).setdefault(system, []).append(measured)

    def ratios(self, load: str, system: str) -> list[float]:
        """The system's rate as multiples of the yardstick's in the same round."""
        of_load = self.rounds[load]
        pairs = zip(of_load[system], of_load.get(YARDSTICK, []), strict=False)
        return [a.messages_per_second / b.messages_per_second for a, b in pairs if a and b]

    def rows(self) -> Iterator[Row]:
        """The table's rows: medians over the rounds, and the spread of the ratios."""
        for load, of_load in self.rounds.items():
            for system in (*SYSTEMS, ECHO):
                measured = [turn for turn in of_load.get(system, []) if turn]
                if measured:
                    yield self._row(load, system, measured)

    def remarks(self) -> str:
        """How far the load generator is from being what was measured."""
        turns = [(load, turn) for load, of_load in self.rounds.items() for turn in of_load.get(ECHO, []) if turn]
        rates = "; ".join(f"{load}: {t.messages_per_second:,.0f} msg/s, {t.generator_us:.1f} us" for load, t in turns)
        return f"The generator by itself, against a relay that stores nothing (rate, its own time a message): {rates}."

    def _row(self, load: str, system: str, measured: list[Measurement]) -> Row:
        ratios = self.ratios(load, system) if system not in (YARDSTICK, ECHO) else []
        return Row(
            what=f"mail, {load}",
            who=system,
            figure=f"{median(turn.messages_per_second for turn in measured):,.0f} msg/s",
            p50=f"{median(turn.p50_ms for turn in measured):.2f} ms",
            p99=f"{median(turn.p99_ms for turn in measured):.2f} ms",
            compared=f"{spread(ratios)} x {YARDSTICK}" if ratios else "",
            aim=AIMS.get(load, "") if system == "hyperhive" else "",
        )


def measure_mail(run: Run) -> MailFigures:
    """Every load on every chosen system in each round; a system that fails is left out from then on."""
    figures, chosen = MailFigures(), {name: SYSTEMS[name] for name in run.systems}
    for number in range(run.rounds):
        run.disk.sample()
        with ExitStack() as stack:
            running = _start(run, chosen, stack)
            if number == 0:
                running.append(stack.enter_context(echo(run.place, PAIRS)))
            for turn, load in enumerate(LOADS if running else (), start=number):
                first = turn % len(running)
                for system in [*running[first:], *running[:first]]:
                    run.say(f"mail, round {number + 1} of {run.rounds}: {load.name}, {system.name}")
                    figures.add(load, system.name, _measured(run, system, load))
    return figures


def _start(
    run: Run, chosen: dict[str, Callable[[Workplace], AbstractContextManager[System]]], stack: ExitStack
) -> list[System]:
    running = []
    for name in list(chosen):
        try:
            running.append(stack.enter_context(chosen[name](run.place)))
        except (BenchmarkError, OSError) as error:
            del chosen[name]
            run.failed(f"mail, {name}", error)
    return running


def _measured(run: Run, system: System, load: Load) -> Measurement | None:
    try:
        return drive(system.wire(), load, run.seconds)
    except (BenchmarkError, OSError) as error:
        run.failed(f"mail, {load.name}, {system.name}", error)
        return None
