"""Programs that build an image, each in namespaces of its own: no mount, no process of theirs outlives ours."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from hyperhive.images.record import ImageError

REMEMBERED: Final = 200
"""Lines of output in which the reason of a failure is looked for."""
_ALARMS: Final = ("E: ", "ERROR: ", "error: ")

Listener = Callable[[str], None]
"""Hears each line that a program writes."""


def run(
    arguments: Sequence[str], hear: Listener, *, network: bool = True, environ: Mapping[str, str] | None = None
) -> None:
    """Run a program to its end; `environ` is its whole environment, ours if there is none.

    It is killed with all that it started, and its mounts are gone, when this is left by an exception and also when
    this very process is killed. Without `network` not even the loopback is up. Raises ImageError with the last
    complaint that the program wrote if it ends with anything but 0.
    """
    spaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *(() if network else ("--net",))]
    command = [found("setpriv"), "--pdeathsig", "KILL", found("unshare"), *spaces, "--", *arguments]
    heard: deque[str] = deque(maxlen=REMEMBERED)
    # A session of its own: Ctrl-C is ours to answer. Umask 022, for others than root will read what is made.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        errors="replace", env={**(os.environ if environ is None else environ), "PATH": search_path()},
        start_new_session=True, umask=0o022,
    ) as process:  # fmt: skip
        try:
            for line in process.stdout or ():
                heard.append(line.rstrip())
                hear(heard[-1])
            status = process.wait()
        except BaseException:
            process.kill()
            raise
    if status:
        raise ImageError(f"{_name(arguments)} failed: {_complaint(heard) or _ending(status)}")


def found(program: str) -> str:
    """The path of a program. Raises ImageError if it is not installed."""
    path = shutil.which(program, path=search_path())
    if path is None:
        package = "debootstrap" if program == "debootstrap" else "util-linux"
        raise ImageError(f"{program} is not installed; on Debian and Ubuntu: apt install {package}")
    return path


def search_path() -> str:
    """Where programs are looked for: root's directories too, which a shell after `su` may lack."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/bin", "/bin"])


def _name(arguments: Sequence[str]) -> str:
    words = [Path(word).name for word in arguments[:3]]
    return "pip" if words[1:] == ["-m", "pip"] else words[0]


def _complaint(heard: Sequence[str]) -> str:
    alarms = [line for line in heard if line.startswith(_ALARMS)]
    lines = alarms or [line for line in heard if line.strip()]
    return lines[-1].strip() if lines else ""


def _ending(status: int) -> str:
    return f"it was killed by {signal.Signals(-status).name}" if status < 0 else f"it ended with status {status}"
