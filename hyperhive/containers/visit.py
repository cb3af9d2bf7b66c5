"""Runs one command inside a machine, as `python -I -S visit.py RECORD PID STARTED COMMAND...`, and ends as it ended.

RECORD is of a visitor (`visitors.py`); PID is the machine's leader, which began at STARTED, in clock ticks since boot.
A script of its own that imports nothing of hyperhive. Who lives in the machine is not trusted: from `enter` on nothing
is read from files any more, and before a process of ours can be seen from inside, it is the agent's user, holds no
privilege and can't be traced.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import warnings  # noqa: F401 - os.execvpe imports it, which must not be looked for in the machine

NAMESPACES = {
    "cgroup": 0x02000000,
    "ipc": 0x08000000,
    "mnt": 0x00020000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "user": 0x10000000,
    "uts": 0x04000000,
}
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38
CAPABILITIES = range(64)
CAN_NOT_RUN = 126

libc = ctypes.CDLL(None, use_errno=True)


def main(record: str, pid: str, started: str, *command: str) -> int:
    """Run the command to its end; its exit status, or 128 and the number of the signal that ended it."""
    with open(record, encoding="utf-8") as file:
        visitor = json.load(file)
    os.closerange(3, 1 + max(map(int, os.listdir("/proc/self/fd"))))
    enter(int(pid), int(started))
    become(visitor["uid"], visitor["gid"])
    child = os.fork()
    if child == 0:
        run(visitor["environment"], command)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def enter(pid: int, started: int) -> None:
    """Go where that process is: into all its namespaces, and to its root. Only a child is in its pid namespace."""
    leader = os.pidfd_open(pid)
    # Of this very process from here on, if it is the right one: what /proc says of a number is looked at in between.
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY)
    flags = sum(flag for name, flag in NAMESPACES.items() if is_another(pid, name))
    with open(f"/proc/{pid}/stat", "rb") as stat:
        if int(stat.read().rpartition(b")")[2].split()[19]) != started:
            raise ProcessLookupError(3, os.strerror(3))
    system(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
    system(libc.setns(leader, flags))
    os.fchdir(root)
    os.chroot(".")
    os.close(root)
    os.close(leader)


def is_another(pid: int, name: str) -> bool:
    """Whether the process has another namespace of that kind than we."""
    return not os.path.samestat(os.stat(f"/proc/{pid}/ns/{name}"), os.stat(f"/proc/self/ns/{name}"))


def become(uid: int, gid: int) -> None:
    """Be that user for ever, without a privilege and without a way to one."""
    for capability in CAPABILITIES:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # those that this kernel does not know fail
    system(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(0, 0, 0)  # root of the machine first: who stops being that loses its capabilities
    os.setresuid(uid, uid, uid)
    system(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))  # the kernel has set it anew


def run(environment: dict[str, str], command: tuple[str, ...]) -> None:
    """In the child: turn into the command."""
    try:
        os.setsid()
        os.umask(0o022)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.chdir("/state")
        os.execvpe(command[0], command, environment)
    except OSError as error:
        say(f"{command[0]!r} can't be run: {error.strerror}")
    finally:
        os._exit(CAN_NOT_RUN)


def system(result: int) -> None:
    """Raise OSError where a call of the C library's failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def say(line: str) -> None:
    """Tell whoever reads the unit's journal."""
    os.write(2, f"{line}\n".encode(errors="replace"))


if __name__ == "__main__":
    try:
        status = main(*sys.argv[1:])
    except OSError as error:
        say(f"the machine can't be entered: {error.strerror}")
        status = CAN_NOT_RUN
    os._exit(status)  # nothing is to be tidied up by files of the machine
