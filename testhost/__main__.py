"""`python -m testhost` (`make test-host`): boot a throw-away Debian, run tests on it, leave nothing behind.

Exit status: that of what ran inside (pytest's, or the command's); 69 when this machine cannot run a test host, 70 when
the host failed, 124 when it took too long, 130 after Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from testhost import machine, needs, trees
from testhost.boot import booted, follow, shell
from testhost.errors import CannotRun, Failed, TookTooLong
from testhost.report import bring_back, explain
from testhost.runs import Run, living, new_run, remove_dead

PROJECT = trees.PROJECT
CACHE = Path("/var/cache/hyperhive-test-host")
RESULTS = PROJECT / "build" / "test-host"
NAME = "test-host"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what `arguments` ask for, and return the exit status."""
    options = _parser().parse_args(arguments)
    if NAME in os.environ.get("SKIP", "").replace(",", " ").split():
        print(f"SKIPPED: SKIP={NAME} is set, so nothing was tested on a real systemd.", file=sys.stderr)
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        needs.check(options.cache)
        return int(options.do(options))
    except (CannotRun, Failed) as error:
        print(f"test host: {error}", file=sys.stderr)
        if isinstance(error, CannotRun):
            print(f"test host: SKIP={NAME} goes on without it.", file=sys.stderr)
            return 69
        return 124 if isinstance(error, TookTooLong) else 70
    except KeyboardInterrupt:
        print("test host: interrupted; everything that was started has been ended.", file=sys.stderr)
        return 130


def _test(options: argparse.Namespace) -> int:
    return _run(options, machine.tests(options.arguments, colour=sys.stdout.isatty()))


def _command(options: argparse.Namespace) -> int:
    return _run(options, options.command)


def _run(options: argparse.Namespace, command: str) -> int:
    """Boot, run `command`, bring back what it leaves; explain what failed."""
    with _prepared(options, command) as run:
        target = options.results / run.name
        try:
            with booted(run) as host:
                status = follow(run, host, options.minutes * 60)
        except Failed:
            explain(run, target)
            raise
        if status and options.do is _test:
            explain(run, target)
        elif options.do is _test:
            bring_back(run, options.results)
        return status


def _shell(options: argparse.Namespace) -> int:
    with _prepared(options, "exec sleep infinity") as run, booted(run) as host:
        return shell(run, host, PROJECT, machine.environment())


@contextmanager
def _prepared(options: argparse.Namespace, command: str) -> Iterator[Run]:
    """A run that is ready to boot and to run `command`."""
    host_tree, image = _trees(options)
    with new_run(options.cache / "runs") as run:
        trees.agent_image(image, run.agent_image)
        machine.prepare(run, project=PROJECT, tree=host_tree, command=command)
        yield run


def _build(options: argparse.Namespace) -> int:
    for tree in _trees(options):
        print(tree)
    return 0


def _clean(options: argparse.Namespace) -> int:
    remove_dead(options.cache / "runs")
    if alive := living(options.cache / "runs"):
        raise Failed(f"The trees stay, because they are in use by {', '.join(alive)}: end them first.")
    trees.remove(options.cache)
    return 0


def _trees(options: argparse.Namespace) -> tuple[Path, Path]:
    return trees.tree(trees.host(options.suite), options.cache), trees.tree(trees.AGENT, options.cache)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testhost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(os.environ.get("HYPERHIVE_TEST_HOST_CACHE", CACHE)),
        help=f"where the trees and the runs are, on a real disk (HYPERHIVE_TEST_HOST_CACHE; {CACHE})",
    )
    parser.add_argument(
        "--suite",
        type=_suite,
        default=os.environ.get("HYPERHIVE_TEST_HOST_SUITE", trees.SUITES[0]),
        help=f"which Debian the host is: {' or '.join(trees.SUITES)} (HYPERHIVE_TEST_HOST_SUITE; {trees.SUITES[0]})",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where results and journals go (build/test-host)")
    parser.add_argument("--minutes", type=float, default=40, help="how long what runs inside may take (40)")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    test = actions.add_parser("test", help="run tests/host in it; what follows -- is passed to pytest")
    test.add_argument("arguments", nargs="*", metavar="...")
    test.set_defaults(do=_test)
    run = actions.add_parser("run", help="run one shell command in it")
    run.add_argument("command")
    run.set_defaults(do=_command)
    actions.add_parser("shell", help="a root shell in it, until you leave that").set_defaults(do=_shell)
    actions.add_parser("build", help="only build the trees, and print their paths").set_defaults(do=_build)
    actions.add_parser("clean", help="remove the trees and what killed runs left").set_defaults(do=_clean)
    return parser


def _suite(name: str) -> str:
    # Not `choices`, which let through what the environment says.
    if name not in trees.SUITES:
        raise argparse.ArgumentTypeError(f"{name!r} is no suite that the host can be; take {' or '.join(trees.SUITES)}")
    return name


if __name__ == "__main__":
    sys.exit(main())
