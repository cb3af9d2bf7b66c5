"""Run as a file, before a command and in its place: gives it a session of its own that dies with its parent.

The session keeps the command from signals that are meant for hive-agent, and makes it one group to end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the point is that no shell is between
    except OSError as error:
        sys.exit(f"hive-agent: {sys.argv[1]!r} can not be run: {error.strerror}")
