"""The load generator: one epoll loop that keeps a fixed number of messages in flight for each of its pairs.

It is one thread, blocks nowhere but in `epoll_wait`, and does no more for a message than to count it and to look at
the clock, so that what is measured is the system at the other end.
"""

from __future__ import annotations

import gc
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import define, field, frozen

from benchmarks.errors import Stalled, UnexpectedAnswer
from benchmarks.wires import PairWire

WARM_UP_SECONDS = 0.3
DRAIN_SECONDS = 20.0
ANSWER_SECONDS = 20.0


@frozen(kw_only=True)
class Load:
    """So many pairs, each with so many messages in flight: written, and not yet both acknowledged and read."""

    name: str
    pairs: int
    in_flight: int


ONE_PAIR = Load(name="1 pair", pairs=1, in_flight=1)
EIGHT_PAIRS = Load(name="8 pairs", pairs=8, in_flight=1)
SIXTEEN_BY_SIXTEEN = Load(name="16 pairs x 16", pairs=16, in_flight=16)
LOADS = (ONE_PAIR, EIGHT_PAIRS, SIXTEEN_BY_SIXTEEN)


@frozen(kw_only=True)
class Measurement:
    """One run of one load: rates a second, latencies (write of the send to its arrival) in milliseconds.

    `generator_us` is the processor time that the generator itself spent on a message, in microseconds.
    """

    messages_per_second: float
    acknowledged_per_second: float
    p50_ms: float
    p99_ms: float
    generator_us: float


def drive(wire: Callable[[int], PairWire], load: Load, seconds: float) -> Measurement:
    """Put a load on a system for so many seconds after a warm-up, then let what is in flight arrive.

    `wire` gives the bytes of each pair by its number. Raises `UnexpectedAnswer`, `Stalled`, or `OSError`.
    """
    pairs = [_Pair(wire(number), load.in_flight) for number in range(load.pairs)]
    gc.collect()
    gc.disable()
    try:
        return _Run(pairs).measure(seconds)
    finally:
        gc.enable()
        for pair in pairs:
            pair.close()


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of the values do not exceed; NaN if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def connected(path: Path) -> socket.socket:
    """A stream connection to a Unix socket, whose reads and writes give up after `ANSWER_SECONDS`."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(ANSWER_SECONDS)
    try:
        stream.connect(str(path))
    except OSError:
        stream.close()
        raise
    return stream


class _Pair:
    """The two connections of a pair, what was sent on one and read on the other."""

    def __init__(self, wire: PairWire, in_flight: int) -> None:
        self._wire, self._in_flight = wire, in_flight
        self.sent = self.acknowledged = self.arrived = 0
        self._written_at: deque[float] = deque()
        self._half_answer = self._half_message = b""
        self.sender = _greeted(wire.sender_path, wire.sender_greeting)
        self.receiver = _greeted(wire.receiver_path, wire.receiver_greeting)
        self.receiver.sendall(wire.receive * in_flight)

    def refill(self) -> None:
        """Send as many messages as are missing from the number that is to be in flight."""
        missing = self._in_flight - self.sent + min(self.acknowledged, self.arrived)
        if missing > 0:
            self._written_at.extend([time.perf_counter()] * missing)
            self.sent += missing
            self.sender.sendall(self._wire.send * missing)

    def read_acknowledgements(self) -> None:
        """Read what the sender was answered."""
        lines, self._half_answer = _whole(self._half_answer + _read(self.sender), (b"\n",))
        self.acknowledged += self._wire.acknowledged(lines)

    def read_messages(self, latencies: list[float]) -> None:
        """Read what the receiver was answered, add the time that each message took, settle them and ask again."""
        lines, self._half_message = _whole(self._half_message + _read(self.receiver), self._wire.endings)
        messages, settlement = self._wire.arrived(lines)
        now, written_at = time.perf_counter(), self._written_at
        if messages > len(written_at):
            raise UnexpectedAnswer(f"{messages - len(written_at)} messages came that this run had not sent")
        latencies.extend([now - written_at.popleft() for _ in range(messages)])
        self.arrived += messages
        if settlement:
            self.receiver.sendall(settlement)

    def close(self) -> None:
        self.sender.close()
        self.receiver.close()


@define
class _Run:
    """All pairs of one load in one epoll set."""

    _pairs: list[_Pair]
    _latencies: list[float] = field(factory=list)

    def measure(self, seconds: float) -> Measurement:
        with select.epoll() as poller:
            by_descriptor = {}
            for pair in self._pairs:
                for stream in (pair.sender, pair.receiver):
                    poller.register(stream, select.EPOLLIN)
                    by_descriptor[stream.fileno()] = (pair, stream is pair.sender)
                pair.refill()
            self._spin(poller, by_descriptor, time.perf_counter() + WARM_UP_SECONDS)
            self._latencies.clear()
            before, start, processor = self._acknowledged(), time.perf_counter(), time.process_time()
            self._spin(poller, by_descriptor, start + seconds)
            elapsed, processor = time.perf_counter() - start, time.process_time() - processor
            acknowledged, latencies = self._acknowledged() - before, self._latencies
            self._latencies = []
            self._drain(poller, by_descriptor)
        return Measurement(
            messages_per_second=len(latencies) / elapsed,
            acknowledged_per_second=acknowledged / elapsed,
            p50_ms=percentile(latencies, 50) * 1000,
            p99_ms=percentile(latencies, 99) * 1000,
            generator_us=processor / max(1, len(latencies)) * 1e6,
        )

    def _acknowledged(self) -> int:
        return sum(pair.acknowledged for pair in self._pairs)

    def _spin(self, poller: select.epoll, pairs: dict[int, tuple[_Pair, bool]], until: float) -> None:
        latencies = self._latencies
        while (left := until - time.perf_counter()) > 0:
            for descriptor, _ in poller.poll(left):
                pair, is_sender = pairs[descriptor]
                if is_sender:
                    pair.read_acknowledgements()
                else:
                    pair.read_messages(latencies)
                pair.refill()

    def _drain(self, poller: select.epoll, pairs: dict[int, tuple[_Pair, bool]]) -> None:
        deadline = time.perf_counter() + DRAIN_SECONDS
        while any(min(pair.acknowledged, pair.arrived) < pair.sent for pair in self._pairs):
            ready = poller.poll(max(0.0, deadline - time.perf_counter()))
            if not ready:
                raise Stalled(f"after {DRAIN_SECONDS:.0f} s some messages had neither come nor been refused")
            for descriptor, _ in ready:
                pair, is_sender = pairs[descriptor]
                if is_sender:
                    pair.read_acknowledgements()
                else:
                    pair.read_messages(self._latencies)


def _greeted(path: Path, greeting: bytes) -> socket.socket:
    stream = connected(path)
    stream.sendall(greeting)
    lines = 0
    while lines < greeting.count(b"\n"):
        lines += _read(stream).count(b"\n")
    return stream


def _read(stream: socket.socket) -> bytes:
    chunk = stream.recv(262144)
    if not chunk:
        raise Stalled("a system closed a connection that was in use")
    return chunk


def _whole(answers: bytes, endings: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """Split off what comes after the last ending: an answer that has not come whole."""
    if answers.endswith(endings):
        return answers, b""
    cut = max(answers.rfind(ending) + len(ending) if ending in answers else 0 for ending in endings)
    return answers[:cut], answers[cut:]
