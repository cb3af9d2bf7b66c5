"""`hive-agent mcp` as a whole: what it imports and in which order, its log, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import sys


def serve(path: str) -> int:
    """Serve until the end of standard input; the exit status. Standard output is the protocol's alone."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="hive-agent mcp: %(message)s")
    from hyperhive.agent.tools import lean

    lean.load()
    from hyperhive.agent.tools import server

    asyncio.run(server.serve(path))
    return 0
