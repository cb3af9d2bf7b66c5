"""The runner of `make test-host`: what it builds once, refuses, follows and leaves. tests/host is what it boots."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from testhost import __main__ as program
from testhost import machine, needs, runs, trees
from testhost.boot import follow
from testhost.errors import CannotRun, Failed, TookTooLong
from testhost.report import explain
from testhost.runs import Run
from testhost.sealed import Sealed

ROOT = Path(__file__).parent.parent
ENDINGS = [("exited 0", 0), ("exited 5", 5), ("killed KILL", 137), ("dumped SEGV", 139)]
SLEEP = ["sleep", "100"]
OUTER = """
import os
import sys
from testhost.sealed import Sealed

heard, said = os.pipe()
# Not before the program runs is the kernel bound to end it with its parent.
with open(said, "wb") as output, Sealed(["sh", "-c", "echo runs; exec sleep 100"], output=output) as host:
    os.read(heard, 1)
    print(host.children()[0], flush=True)
    host.wait(100)
"""


def can_seal() -> bool:
    try:
        tried = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"]
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


needs_namespaces = pytest.mark.skipif(not can_seal(), reason="mount and pid namespaces are for root alone here")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "run", tmp_path / "cgroup")
    for path in (made.directory, made.results, made.upper, made.journal):
        path.mkdir()
    return made


@pytest.fixture
def debootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name which makes the tree's directory, and then does what is written into it."""
    script = tmp_path / "bin" / "debootstrap"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\nfor tree; do :; done\nmkdir "$tree" && echo made\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return script


def test_another_recipe_is_another_tree(tmp_path: Path) -> None:
    recipe = trees.Recipe("host", (("debootstrap", trees.TREE),), (tmp_path / "source",))
    (tmp_path / "source").write_text("first")
    first = recipe.key
    assert dataclasses.replace(recipe).key == first
    assert dataclasses.replace(recipe, commands=(("debootstrap", "--foreign", trees.TREE),)).key != first
    (tmp_path / "source").write_text("second")
    assert recipe.key != first


def test_each_suite_has_a_tree_of_its_own() -> None:
    assert len({trees.host(suite).key for suite in trees.SUITES}) == len(trees.SUITES)


def test_a_suite_that_is_not_known_is_refused_from_the_environment_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYPERHIVE_TEST_HOST_SUITE", "buster")
    with pytest.raises(SystemExit):
        program.main(["build"])
    assert "'buster' is no suite that the host can be; take bookworm or trixie" in capsys.readouterr().err


@needs_namespaces
def test_a_tree_is_built_once(debootstrap: Path, tmp_path: Path) -> None:
    recipe = trees.Recipe("host", (("debootstrap", trees.TREE),))
    built = trees.tree(recipe, tmp_path / "cache")
    debootstrap.unlink()
    assert trees.tree(recipe, tmp_path / "cache") == built
    assert built.is_dir()


@needs_namespaces
def test_a_tree_that_nobody_used_for_a_week_goes_when_another_is_built(debootstrap: Path, tmp_path: Path) -> None:
    cache, command = tmp_path / "cache", ("debootstrap", trees.TREE)
    forgotten = trees.tree(trees.Recipe("host", (command,)), cache)
    used = trees.tree(trees.Recipe("host", (command, ("true",))), cache)
    os.utime(forgotten, (0, 0))
    trees.tree(trees.Recipe("agent", (command,)), cache)
    assert (forgotten.exists(), used.exists()) == (False, True)


@needs_namespaces
def test_a_failed_build_says_its_last_line_and_is_not_taken_for_a_tree(debootstrap: Path, tmp_path: Path) -> None:
    complete = debootstrap.read_text()
    debootstrap.write_text(f"{complete}echo 'E: no such suite'; exit 3\n")
    recipe = trees.Recipe("host", (("debootstrap", trees.TREE),))
    with pytest.raises(Failed, match="debootstrap failed with status 3; its last line: E: no such suite"):
        trees.tree(recipe, tmp_path / "cache")
    assert not (tmp_path / "cache" / recipe.key).exists()
    debootstrap.write_text(complete)
    assert trees.tree(recipe, tmp_path / "cache").is_dir()


@needs_namespaces
def test_what_is_sealed_ends_with_a_killed_parent(tmp_path: Path) -> None:
    outer = tmp_path / "outer.py"
    outer.write_text(OUTER)
    with subprocess.Popen(
        [sys.executable, outer], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as parent:
        assert parent.stdout is not None
        watch = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    assert select.select([watch], [], [], 10)[0]
    os.close(watch)


@needs_namespaces
def test_what_is_sealed_is_gone_once_it_is_killed(tmp_path: Path) -> None:
    with (tmp_path / "output").open("wb") as output, Sealed(SLEEP, output=output) as host:
        assert host.running()
        host.kill()
        assert (host.running(), host.children()) == (False, [])


def test_what_a_killed_run_left_is_removed_and_a_living_one_stays(tmp_path: Path) -> None:
    dead, living = tmp_path / f"{runs.PREFIX}dead", tmp_path / f"{runs.PREFIX}living"
    (dead / "upper" / "etc").mkdir(parents=True)
    living.mkdir()
    lock = os.open(living, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        assert runs.living(tmp_path) == [living.name]
        assert runs.remove_dead(tmp_path) == [dead.name]
    finally:
        os.close(lock)
    assert [path.name for path in tmp_path.iterdir()] == [living.name]


def test_without_root_it_says_so_and_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("SKIP", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert program.main(["test"]) == 69
    assert "run it as root" in capsys.readouterr().err


def test_it_is_skipped_only_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("SKIP", "lint,test-host")
    assert program.main(["test"]) == 0
    assert "SKIPPED" in capsys.readouterr().err
    monkeypatch.setenv("SKIP", "lint")
    assert program.main(["test"]) == 69


def test_missing_programs_without_apt_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotRun, match=r"there is no apt-get: .*systemd-container"):
        needs.install(needs.missing())


def tree_of(directory: Path, python: str) -> Path:
    tree = directory / "tree"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/python3").symlink_to(python)
    return tree


def test_another_python_of_usr_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    with pytest.raises(CannotRun, match=r"a Python 3\.1, or one outside /usr"):
        machine.interpreter(ROOT, tree_of(tmp_path, "python3.1"))


def test_the_host_sees_the_project_but_cannot_write_it(run: Run, tmp_path: Path) -> None:
    tree = tree_of(tmp_path, f"python{sys.version_info[0]}.{sys.version_info[1]}")
    command = machine.nspawn(run, project=ROOT, tree=tree)
    assert f"--bind-ro={ROOT}:{ROOT}" in command
    assert "--private-network" in command
    assert not [option for option in command if option.startswith(f"--bind={ROOT}")]


def test_chosen_tests_replace_the_whole_directory() -> None:
    assert machine.tests(["-k", "two words"], colour=False).endswith("tests/host -k 'two words'")
    assert machine.tests(["tests/host/test_host.py"], colour=False).endswith("--color=no tests/host/test_host.py")


class Ended:
    """A host that has powered off."""

    def running(self) -> bool:
        return False

    def wait(self, seconds: float) -> int | None:
        return 0


@pytest.mark.parametrize(("left", "status"), ENDINGS)
def test_the_exit_status_is_that_of_what_ran_inside(
    run: Run, left: str, status: int, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (run.results / "output").write_bytes(b"all of it\n")
    (run.results / "status").write_text(f"{left}\n")
    assert follow(run, Ended(), 1) == status
    assert capfdbinary.readouterr().out == b"all of it\n"


def test_a_host_that_ends_early_is_told_with_its_last_words(run: Run) -> None:
    run.console.write_text("mount: wrong fs type\n")
    with pytest.raises(Failed, match="ended before its command did; its console said: mount: wrong fs type"):
        follow(run, Ended(), 1)


@needs_namespaces
def test_what_takes_too_long_is_given_up(run: Run) -> None:
    (run.results / "output").write_bytes(b"")
    with run.console.open("wb") as output, Sealed(SLEEP, output=output) as host, pytest.raises(TookTooLong):
        follow(run, host, 0.1)
    assert not host.running()


def test_what_a_failure_leaves_is_copied_to_a_place_that_is_named(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.results / "output").write_bytes(b"1 failed\n")
    run.console.write_text("booted\n")
    explain(run, tmp_path / "kept")
    assert {"output", "console.txt", "journal.txt"} <= {path.name for path in (tmp_path / "kept").iterdir()}
    assert str(tmp_path / "kept") in capsys.readouterr().err


def test_elsewhere_the_tests_of_the_host_are_not_collected_and_asking_for_them_is_refused() -> None:
    pytest_ = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if name != "HYPERHIVE_TEST_HOST"}
    asked = subprocess.run(
        [*pytest_, "tests/host/test_host.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 4
    assert "make test-host" in asked.stdout
    others = [f"--ignore={path}" for path in ROOT.glob("tests/*/") if path.name != "host"]
    all_ = [*pytest_, *others, "tests"]
    whole = subprocess.run(all_, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "tests/host" not in whole.stdout
