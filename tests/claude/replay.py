"""A program in the CLI's place: for each line that it reads it writes a recorded turn, in pieces of so many bytes.

    replay.py RECORDING PIECE [EXIT] …

Without more to write it waits for the end of its input, or exits at once with status EXIT, or dies of signal -EXIT.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path


def turns(recording: bytes) -> Iterator[bytes]:
    """What was written to each line that was read."""
    turn = b""
    for line in recording.splitlines(keepends=True):
        turn += line
        if b'"type":"result"' in line and b'"num_turns"' in line:
            yield turn
            turn = b""
    yield turn


def main(path: str, piece: int, status: int | None) -> None:
    """Replay the recording."""
    for turn in turns(Path(path).read_bytes()):
        if not turn or not sys.stdin.readline():
            break
        for at in range(0, len(turn), piece):
            os.write(1, turn[at : at + piece])
    if status is not None:
        os.kill(os.getpid(), -status) if status < 0 else sys.exit(status)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), None if sys.argv[3] == "stay" else int(sys.argv[3]))
