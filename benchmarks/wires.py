"""What one pair, a sender and its receiver, says to each system: prepared bytes, answers counted and never parsed.

A send is answered when it is durable; a message is taken, and settled when the next one is asked for. Per system:

* hyperhive: `send`, and the plain `recv`, each of which settles the lease of the one before it;
* beanstalkd: `put` into the pair's tube, and `reserve`, then `delete` together with the next `reserve`;
* Redis: `LPUSH` to the pair's list, and `BLMOVE` into a list of what is in hand, then `LREM` with the next `BLMOVE`;
* echo: the benchmark's own relay, which stores nothing and so shows what the generator can do at most.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from benchmarks.errors import UnexpectedAnswer

BODY = b"x" * 199 + b"~"
"""Every message's body: 200 bytes whose last is found nowhere else on any of the wires."""


@frozen(kw_only=True)
class PairWire:
    """The bytes of one pair.

    `acknowledged` takes whole answers to sends and returns how many there are; `arrived` takes whole answers
    to the receiver and returns how many messages are among them, and what settles them and asks for as many again.
    What the receiver reads is whole when it ends with one of `endings`.
    A greeting is answered with as many lines as it has.
    """

    sender_path: Path
    receiver_path: Path
    send: bytes
    receive: bytes
    acknowledged: Callable[[bytes], int]
    arrived: Callable[[bytes], tuple[int, bytes]]
    endings: tuple[bytes, ...] = (b"\n",)
    sender_greeting: bytes = b""
    receiver_greeting: bytes = b""


def hyperhive_wire(agent_socket: Callable[[str], Path], _run: int, pair: int) -> PairWire:
    """Agent `s<pair>` writes to agent `r<pair>`; `agent_socket` gives the path of an agent's socket."""
    send = json.dumps({"cmd": "send", "to": f"r{pair}", "body": BODY.decode()}, separators=(",", ":"))
    receive = b'{"cmd":"recv"}\n'

    def arrived(lines: bytes) -> tuple[int, bytes]:
        messages = _expect(lines, lines.count(b'"kind":"message"'), lines.count(b"\n"))
        return messages, receive * messages

    return PairWire(
        sender_path=agent_socket(f"s{pair}"),
        receiver_path=agent_socket(f"r{pair}"),
        send=send.encode() + b"\n",
        receive=receive,
        acknowledged=lambda lines: _expect(lines, lines.count(b'"kind":"ok"'), lines.count(b"\n")),
        arrived=arrived,
    )


def beanstalkd_wire(path: Path, run: int, pair: int) -> PairWire:
    """A tube for each pair of each run; a reserved job has an hour, so that none comes back during a run.

    A run leaves the jobs behind whose `delete` stood in line after a `reserve` that nothing answered any more.
    """
    reserved = re.compile(rb"RESERVED (\d+) ")

    def arrived(lines: bytes) -> tuple[int, bytes]:
        jobs = reserved.findall(lines)
        _expect(lines, 2 * len(jobs) + lines.count(b"DELETED\r\n"), lines.count(b"\n"))
        return len(jobs), b"".join([b"delete %s\r\nreserve\r\n" % job for job in jobs])

    return PairWire(
        sender_path=path,
        receiver_path=path,
        sender_greeting=b"use %d-%d\r\n" % (run, pair),
        receiver_greeting=b"watch %d-%d\r\nignore default\r\n" % (run, pair),
        send=b"put 0 0 3600 %d\r\n%s\r\n" % (len(BODY), BODY),
        receive=b"reserve\r\n",
        acknowledged=lambda lines: _expect(lines, lines.count(b"INSERTED "), lines.count(b"\n")),
        arrived=arrived,
        endings=(b"~\r\n", b"DELETED\r\n"),
    )


def redis_wire(path: Path, run: int, pair: int) -> PairWire:
    """A list for each pair of each run, and beside it a list of what its receiver has in hand."""
    queue, in_hand = b"queue%d-%d" % (run, pair), b"in-hand%d-%d" % (run, pair)
    receive = _resp(b"BLMOVE", queue, in_hand, b"RIGHT", b"LEFT", b"0")
    settle_and_receive = _resp(b"LREM", in_hand, b"1", BODY) + receive

    def arrived(lines: bytes) -> tuple[int, bytes]:
        messages = lines.count(b"~\r\n")
        _expect(lines, 2 * messages + lines.count(b":1\r\n"), lines.count(b"\n"))
        return messages, settle_and_receive * messages

    return PairWire(
        sender_path=path,
        receiver_path=path,
        send=_resp(b"LPUSH", queue, BODY),
        receive=receive,
        acknowledged=lambda lines: _expect(lines, lines.count(b":"), lines.count(b"\n")),
        arrived=arrived,
        endings=(b"~\r\n", b":1\r\n"),
    )


def echo_wire(directory: Path, _run: int, pair: int) -> PairWire:
    """A pair of the relay in `benchmarks.echo`, which has two sockets for it in `directory`."""

    def arrived(lines: bytes) -> tuple[int, bytes]:
        messages = lines.count(b"\n")
        return messages, b"next\n" * messages

    return PairWire(
        sender_path=directory / f"s{pair}",
        receiver_path=directory / f"r{pair}",
        send=BODY + b"\n",
        receive=b"next\n",
        acknowledged=lambda lines: lines.count(b"\n"),
        arrived=arrived,
    )


def _resp(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%s\r\n" % (len(word), word) for word in words])


def _expect(lines: bytes, expected: int, found: int) -> int:
    if expected != found:
        raise UnexpectedAnswer(f"among {found} lines only {expected} were expected ones, in: {lines[:300]!r}")
    return expected
