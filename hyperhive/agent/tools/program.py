"""`hive-agent mcp` as a whole: what it imports and in which order, its log, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import stat
import sys
from pathlib import Path

_log = logging.getLogger(__name__)


def serve(path: str) -> int:
    """Serve until the end of standard input; the exit status. Standard output is the protocol's alone."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="hive-agent mcp: %(message)s")
    if (why := absence(path)) is not None:
        _log.warning("no daemon listens at %s (%s); a call waits for one, and says so if none comes", path, why)
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


def absence(path: str) -> str | None:
    """Why nobody can listen there now; None where there is a socket."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        return error.strerror or str(error)
    return None if stat.S_ISSOCK(mode) else "it is no socket"
