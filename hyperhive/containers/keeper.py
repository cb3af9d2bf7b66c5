"""The parent of one agent's command: keeps its output, and writes down how it ended, daemon or no daemon.

A script of its own, run as `python -I -S keeper.py RUNTIME NOTES FILES COMMAND...`: all of it stands in this file, for
run like that Python finds no neighbours of it, and it imports as little as it can, for there is one of it to every
agent. RUNTIME gets its files, NOTES is where the command starts, FILES is the soft limit of open files that the command
gets back (`-` leaves it). Which agent it keeps is in its environment, where a later daemon finds it. It says one line
on standard output, `up` or `failed SENTENCE`, and nothing after that.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import select
import signal
import sys
import time

LOG_BYTES = 5 * 1024 * 1024
LOG_FILES = ("log", "log.1", "log.2")
MARKS = ("HIVE_KEEPER_STATE", "HIVE_KEEPER_AGENT", "HIVE_KEEPER_GENERATION")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LOOK_AGAIN = 50  # milliseconds
KILL_SECONDS = 5.0

libc = ctypes.CDLL(None, use_errno=True)


class Refusal(Exception):
    """Why the command does not run: the sentence that the operator reads."""


def main(runtime: str, notes: str, files: str, *command: str) -> int:
    """Run the command to its end; the exit status is 0 when its end was written down, 1 when it never ran."""
    agent, generation = os.environ["HIVE_KEEPER_AGENT"], int(os.environ["HIVE_KEEPER_GENERATION"])
    try:
        stand_alone(runtime)
        hold("lock", agent)
        wake, log = children_wake(), Log()
        log.write_heading(f"--- start {generation} of {agent}, {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n")
        leader, output = launch(command, notes, files, generation)
    except Refusal as why:
        say(f"failed {why}")
        return 1
    except OSError as error:
        say(f"failed {agent} can't be kept in {runtime}: {error.strerror}")
        return 1
    say("up")
    status = attend(leader, output, wake, log)
    end_descendants(wake)
    drain(output, log)
    write_exit(generation, status)
    return 0


def stand_alone(runtime: str) -> None:
    """Away from the daemon: no descriptor of its, no terminal, no signal meant for it; the agent's orphans are ours."""
    os.closerange(3, 1 + max(map(int, os.listdir("/proc/self/fd"))))
    if os.getsid(0) != os.getpid():
        os.setsid()
    os.umask(0o077)
    os.chdir(runtime)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hold(path: str, agent: str) -> None:
    """Take the lock that an agent's one keeper has for as long as it lives. Raises Refusal."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refusal(f"another start of {agent} is running already; stop it first") from None


def children_wake() -> int:
    """A descriptor that is readable after a child has ended."""
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def launch(command: tuple[str, ...], notes: str, files: str, generation: int) -> tuple[int, int]:
    """The command's process id and its output, once it is really that command that runs. Raises Refusal.

    `run.json` is there before the command is: the child waits at `go` for it.
    """
    output, printed = os.pipe()
    go, gone_ahead = os.pipe()
    failure, failed = os.pipe()
    keeper, leader = os.getpid(), os.fork()
    if leader == 0:
        os.close(gone_ahead)
        become(command, notes, files, keeper, go, printed, failed)
    for theirs in (printed, go, failed):
        os.close(theirs)
    write_run(generation, leader)
    os.write(gone_ahead, b"!")
    os.close(gone_ahead)
    with open(failure, encoding="utf-8", errors="replace") as reasons:
        if sentence := reasons.read():
            os.unlink("run.json")
            raise Refusal(sentence)
    os.set_blocking(output, False)
    return leader, output


def become(command: tuple[str, ...], notes: str, files: str, keeper: int, go: int, printed: int, failed: int) -> None:
    """In the child: turn into the command, in a session of its own that does not outlive the keeper."""
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper or not os.read(go, 1):
            os._exit(1)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (printed, 1), (printed, 2)):
            os.dup2(source, target)
        os.umask(0o022)
        if files != "-":
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (int(files), hard))
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals():
            if signal.getsignal(number) == signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.chdir(notes)
        environment = {key: value for key, value in os.environ.items() if key not in MARKS}
        os.execvpe(command[0], command, environment)
    except OSError as error:
        where = notes if error.filename == notes else command[0]
        os.write(failed, f"{where!r} can't be run: {error.strerror}".encode(errors="replace"))
    finally:
        os._exit(1)


def attend(leader: int, output: int, wake: int, log: Log) -> int:
    """The leader's wait status, when it has one; till then its output goes to the log and ended children are reaped."""
    poll = select.poll()
    poll.register(output, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if output in ready and not pump(output, log):
            poll.unregister(output)
        if wake in ready:
            os.read(wake, 4096)
            ended = dict(iter(reap, None))
            if leader in ended:
                return ended[leader]


def pump(output: int, log: Log) -> bool:
    """What is there of the output goes to the log; False when no more will come."""
    data = os.read(output, 65536)
    log.write(data)
    return bool(data)


def drain(output: int, log: Log) -> None:
    """The rest of the output; who else holds the other end of the pipe does not matter any more."""
    try:
        while pump(output, log):
            pass
    except BlockingIOError:
        pass


def reap() -> tuple[int, int] | None:
    """One child that ended, as process id and wait status, if there is one."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def end_descendants(wake: int) -> None:
    """What the leader left became our children, in whatever session they are: killed, until there is none.

    One that may not be killed by us (`sudo`) or can't be (a dead disk) is given up after a while.
    """
    patience = time.monotonic() + KILL_SECONDS
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    while time.monotonic() < patience:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for child in children():
            try:
                os.kill(child, signal.SIGKILL)
            except PermissionError:
                continue
        if poll.poll(LOOK_AGAIN):
            os.read(wake, 4096)


def children() -> list[int]:
    """Our children; none of their numbers can be anyone else's before we have reaped them."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if int(stat_fields(entry)[1]) == os.getpid():
                    found.append(int(entry))
            except OSError:
                continue
    return found


def stat_fields(pid: int | str) -> list[str]:
    """`/proc/PID/stat` from its third field on: state, parent, ... and at 19 the start time in clock ticks."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()


def write_run(generation: int, leader: int) -> None:
    """`run.json`: whom we keep, told apart from later processes of the same number by start times and the boot."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    write_file(
        "run.json",
        f'{{"generation": {generation}, "since": {int(time.time())}, "boot": "{boot}",'
        f' "keeper": {os.getpid()}, "keeper_started": {stat_fields("self")[19]},'
        f' "leader": {leader}, "leader_started": {stat_fields(leader)[19]}}}\n',
        durably=False,  # after a power cut nothing runs
    )


def write_exit(generation: int, status: int) -> None:
    """`exit.json`: how the leader of that generation ended."""
    code = os.waitstatus_to_exitcode(status)
    how = f'"status": {code}' if code >= 0 else f'"signal": {-code}'
    text = f'{{"generation": {generation}, {how}, "at": {int(time.time())}}}\n'
    write_file("exit.json", text, durably=True)


def write_file(path: str, text: str, *, durably: bool) -> None:
    """Write the whole file or leave the old one, whatever happens meanwhile; `durably`, it is on disk then."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        if durably:
            os.fsync(file.fileno())
    os.rename(path + ".new", path)
    if durably:
        directory = os.open(".", os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)


def say(line: str) -> None:
    """Tell the daemon, if it still listens, and let go of it."""
    try:
        os.write(1, f"{line}\n".encode(errors="replace"))
    except OSError:
        pass
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.close(nothing)


class Log:
    """The agent's output over all its starts, in files of at most `LOG_BYTES`; the oldest is forgotten."""

    def __init__(self) -> None:
        self._open()

    def write(self, data: bytes) -> None:
        """Keep it if the disk can; an agent must not stand still because the disk is full."""
        try:
            if os.fstat(self._file).st_size + len(data) > LOG_BYTES:
                self._rotate()
            os.write(self._file, data)
        except OSError:
            pass

    def write_heading(self, line: str) -> None:
        """Write the line, on a line of its own wherever the start before stopped."""
        size = os.fstat(self._file).st_size
        whole = not size or os.pread(self._file, 1, size - 1) == b"\n"
        self.write((line if whole else "\n" + line).encode())

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        self._file = os.open(LOG_FILES[0], flags, 0o600)

    def _rotate(self) -> None:
        for older, newer in zip(LOG_FILES[:0:-1], LOG_FILES[-2::-1], strict=True):
            if os.path.lexists(newer):
                os.rename(newer, older)
        os.close(self._file)
        self._open()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
