"""`hive-agent mcp` as a whole: what it imports and in which order, its log, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys


def serve(path: str) -> int:
    """Serve until the end of standard input; the exit status. Standard output is the protocol's alone."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="hive-agent mcp: %(message)s")
    # A reader of standard input can't be interrupted: it would hold up the end until the input ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # there is no garbage in an import, and looking for it takes a tenth of the time
    from hyperhive.agent.tools import lean

    lean.load()
    from hyperhive.agent.tools import server

    gc.freeze()
    gc.enable()
    asyncio.run(server.serve(path))
    return 0
