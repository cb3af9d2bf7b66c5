"""What Twisted alone needs for as many sockets: `python -m benchmarks.bare_twisted DIR COUNT`.

Listens on `DIR/a<n>` for each n below COUNT, takes every line, and answers none.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver


class Parked(LineReceiver):
    """A peer whose request waits for ever."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        """Take the request."""


def main(directory: str, count: str) -> None:
    """Listen until a signal ends the process."""
    from twisted.internet import reactor
    from twisted.internet.interfaces import IReactorCore, IReactorUNIX

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for number in range(int(count)):
        IReactorUNIX(reactor).listenUNIX(str(Path(directory, f"a{number}")), Factory.forProtocol(Parked))
    IReactorCore(reactor).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
