"""What the host is: its binds, its options, its units, and the environment of the command that it runs."""

from __future__ import annotations

import json
import os
import shlex
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from testhost.errors import CannotRun
from testhost.runs import Run

STATE = "/var/lib/hive-test"
BTRFS = "/var/lib/hive-btrfs"
AGENT_IMAGE = "/srv/agent-image"
TREE = "/srv/host-tree"
RESULTS = "/run/test-host"

# Nobody logs in, nothing is fetched, and the console belongs to the runner.
MASKED = (
    *("console-getty.service", "getty.target", "nix-daemon.service", "nix-daemon.socket"),
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"),
    *("e2scrub_reap.service", "fstrim.timer", "systemd-modules-load.service"),
)

TARGET = """\
[Unit]
Description=A test host that is up
Requires=multi-user.target
Wants=test-host.service
After=multi-user.target
"""

# Not oneshot, so that the boot is over while it runs; logged in a file, so that it can be followed from outside.
SERVICE = """\
[Unit]
Description=What this test host was booted for
After=multi-user.target
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=exec
ExecStart=/bin/bash /run/test-host/command
ExecStopPost=/bin/bash -c 'journalctl --sync; echo "$EXIT_CODE $EXIT_STATUS" > /run/test-host/status.new; \
mv /run/test-host/status.new /run/test-host/status'
WorkingDirectory={project}
StandardOutput=append:/run/test-host/output
StandardError=inherit
Slice=testhost.slice
OOMPolicy=continue
TimeoutStopSec=10
LimitNOFILE=65536
"""

# PrivateTmp would hide a checkout that stands there.
IN_TMP = "[Service]\nBindReadOnlyPaths={paths}\n"

DEFAULTS = "[Manager]\nDefaultTimeoutStopSec=10s\n"
JOURNAL = "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSyncIntervalSec=1s\n"


def prepare(run: Run, *, project: Path, tree: Path, command: str) -> None:
    """Write into `run` all that its boot needs: `command` is a shell command, run in `project`."""
    _write_units(run, project, interpreter(project, tree))
    script = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment().items())
    (run.results / "command").write_text(f"{script}{command}\n", encoding="utf-8")
    boot = {
        "tree": str(tree),
        "cgroup": str(run.cgroup),
        "btrfs": BTRFS,
        "nspawn": nspawn(run, project=project, tree=tree),
        "init": ["systemd.unit=test-host.target"],
    }
    (run.directory / "boot.json").write_text(json.dumps(boot), encoding="utf-8")


def nspawn(run: Run, *, project: Path, tree: Path) -> list[str]:
    """The systemd-nspawn command that boots `run`; the project and its Python are there under the same paths."""
    read_only = {str(path): str(path) for path in (project, *interpreter(project, tree))}
    read_only |= {str(run.agent_image): AGENT_IMAGE, str(tree): TREE}
    read_write = {str(run.state): STATE, str(run.results): RESULTS, str(run.journal): "/var/log/journal"}
    return [
        *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"),
        *("--settings=no", "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only"),
        *(f"--directory={run.root}", f"--machine={run.name}", "--hostname=test-host", "--capability=all"),
        *(f"--bind-ro={here}:{there}" for here, there in read_only.items()),
        *(f"--bind={here}:{there}" for here, there in read_write.items()),
        *(f"--bind={device}" for device in ("/dev/fuse", "/dev/net/tun") if Path(device).exists()),
    ]


def interpreter(project: Path, tree: Path) -> list[Path]:
    """The directories outside `project` that our Python lives in.

    The tree has a Python of its own in /usr; one from elsewhere (pyenv, uv) is brought along.
    Raises CannotRun for another Python of /usr.
    """
    found = [Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()]
    if found[1] == Path("/usr"):
        wanted = (tree / "usr" / "bin" / "python3").readlink().name.removeprefix("python")
        if wanted != ".".join(map(str, sys.version_info[:2])):
            raise CannotRun(
                f"The test host has a Python {wanted} in /usr and cannot use the one in this /usr: "
                f"make venv with a Python {wanted}, or one outside /usr."
            )
        del found[1]
    return [path for path in found if not path.is_relative_to(project)]


def environment(outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of what runs in the host; by HYPERHIVE_TEST_HOST it knows that it is there."""
    return {
        "HYPERHIVE_TEST_HOST": "1",
        "HYPERHIVE_TEST_HOST_STATE": STATE,
        "HYPERHIVE_TEST_HOST_BTRFS": BTRFS,
        "HYPERHIVE_TEST_HOST_AGENT_IMAGE": AGENT_IMAGE,
        "HYPERHIVE_TEST_HOST_TREE": TREE,
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PATH": f"{sys.prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONUNBUFFERED": "1",
        # The project is bound read-only.
        "PYTHONPYCACHEPREFIX": "/var/cache/pycache",
        "HYPOTHESIS_STORAGE_DIRECTORY": "/var/cache/hypothesis",
        **{name: outside[name] for name in ("CI", "TERM") if name in outside},
    }


def python(*arguments: str) -> str:
    """The shell command that runs our Python with `arguments`."""
    return shlex.join([f"{sys.prefix}/bin/python", *arguments])


def tests(arguments: Sequence[str], *, colour: bool) -> str:
    """The shell command that runs `tests/host/` with further arguments of pytest."""
    chosen = [] if any(argument.startswith("tests/host") for argument in arguments) else ["tests/host"]
    fixed = ["-p", "no:cacheprovider", f"--junitxml={RESULTS}/junit.xml", f"--color={'yes' if colour else 'no'}"]
    return python("-m", "pytest", *fixed, *chosen, *arguments)


def _write_units(run: Run, project: Path, pythons: Sequence[Path]) -> None:
    etc = run.upper / "etc"
    units = etc / "systemd" / "system"
    units.mkdir(parents=True)
    (units / "test-host.target").write_text(TARGET, encoding="ascii")
    (units / "test-host.service").write_text(SERVICE.format(project=project), encoding="utf-8")
    if hidden := [str(path) for path in (project, *pythons) if path.parts[1] == "tmp"]:
        # Not in /etc, which is for the tests to empty.
        dropin = run.upper / "usr" / "lib" / "systemd" / "system" / "hyperhive.service.d"
        dropin.mkdir(parents=True)
        (dropin / "test-host.conf").write_text(IN_TMP.format(paths=" ".join(hidden)), encoding="utf-8")
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    for kind, text in (("system", DEFAULTS), ("journald", JOURNAL)):
        dropin = etc / "systemd" / f"{kind}.conf.d"
        dropin.mkdir()
        (dropin / "test-host.conf").write_text(text, encoding="ascii")
    (etc / "hostname").write_text("test-host\n", encoding="ascii")
    (etc / "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 test-host\n", encoding="ascii")
    # A host that has been booted before: no preset is applied.
    (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n", encoding="ascii")
