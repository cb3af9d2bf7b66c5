"""`hivectl image`: refusals, progress, and builds that end early; the whole build is made for the test host."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from hyperhive.hivectl.errands import Chore
from hyperhive.images.record import RECORD, ImageRecord
from tests.daemon.harness import as_nobody
from tests.hivectl.scripted import HIVECTL, understood

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can build an image")

FAILS = """#!/bin/sh
echo "I: Retrieving zlib1g 1.2"; echo "I: Validating zlib1g 1.2"; echo "I: Configuring zlib1g..."
echo "E: Couldn't download packages: zlib1g"; exit 1
"""
LASTS = """#!/bin/sh
for tree; do :; done
mkdir "$tree"
echo "I: Retrieving zlib1g 1.2"
exec 9>%s
echo up >&9
sleep 1000
"""


@define
class Bench:
    """A directory for an image, and a debootstrap for the builds in it."""

    directory: Path

    @property
    def image(self) -> Path:
        return self.directory / "state" / "image"

    @property
    def fifo(self) -> Path:
        return self.directory / "fifo"

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.image.parent.iterdir())

    def debootstrap(self, script: str) -> None:
        program = self.directory / "debootstrap"
        program.write_text(script)
        program.chmod(0o755)

    def lasting(self) -> None:
        """A debootstrap that goes on for ever, and holds the fifo open as long as anything of it lives."""
        os.mkfifo(self.fifo)
        self.debootstrap(LASTS % self.fifo)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        environ = {**os.environ, "PATH": f"{self.directory}:{os.environ['PATH']}", "TERM": "xterm", "COLUMNS": "80"}
        # Whoever runs the tests in the background has them ignore SIGINT, which env undoes.
        command = ["env", "--default-signal=INT", HIVECTL, "image", "build", str(self.image), *arguments]
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=environ, text=True, **{**piped, **options})

    def run(self, *arguments: str) -> tuple[int, str, str]:
        with self.start(*arguments) as process:
            out, err = process.communicate()
        return process.returncode, out, err


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def an_image(tree: Path) -> ImageRecord:
    (tree / RECORD).parent.mkdir(parents=True)
    record = ImageRecord(hyperhive="1", python="3.11.2", suite="bookworm", built_at=7, packages={"git": "2"})
    record.write(tree)
    return record


def test_reading_the_command_line_builds_nothing() -> None:
    errand, _ = understood("image", "build", "/nowhere/image", "--package", "ripgrep", "--force")
    assert isinstance(errand, Chore)


def test_show_tells_what_an_image_was_built_from(tmp_path: Path) -> None:
    an_image(tmp_path / "image")
    ran = subprocess.run(
        [HIVECTL, "image", "show", "--state-dir", tmp_path], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [
        f"{tmp_path}/image: Debian bookworm, Python 3.11.2, hyperhive 1, built 1970-01-01T00:00:07Z",
        "PACKAGE  VERSION",
        "git      2",
    ]


def test_show_gives_programs_an_object(tmp_path: Path) -> None:
    an_image(tmp_path)
    shown = subprocess.run([HIVECTL, "image", "show", tmp_path, "--json"], capture_output=True, check=True).stdout
    assert json.loads(shown) == {
        "path": str(tmp_path), "hyperhive": "1", "python": "3.11.2", "suite": "bookworm", "built_at": 7,
        "packages": {"git": "2"},
    }  # fmt: skip


def test_what_is_no_image_is_refused_in_a_sentence(tmp_path: Path) -> None:
    ran = subprocess.run([HIVECTL, "image", "show", tmp_path], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"hivectl: {tmp_path} is no image that hivectl built")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nothing", "there is no {path}; hivectl image build makes an image"),
        ("image.tar", "{path} is a file: what is in a tarball and from where, only who made it knows"),
    ],
)
def test_what_is_not_there_or_is_a_tarball_is_told_apart(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "image.tar").touch()
    path = tmp_path / name
    ran = subprocess.run([HIVECTL, "image", "show", path], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, f"hivectl: {told.format(path=path)}\n")


@pytest.mark.parametrize(
    ("command", "told"), [("build", "only root can build an image"), ("show", "/image is not open to you; try as root")]
)
def test_who_may_not_look_there_is_told_what_would_do(tmp_path: Path, command: str, told: str) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o000)
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o711)
    words = as_nobody(HIVECTL, "image", command, "--state-dir", str(state))
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert told in ran.stderr


@ROOT_ONLY
def test_a_failed_build_says_why_and_leaves_nothing(bench: Bench) -> None:
    bench.debootstrap(FAILS)
    status, out, err = bench.run()
    assert (status, out) == (1, "")
    assert err.splitlines() == [
        "Debian bookworm ...",
        "  I: Retrieving zlib1g 1.2",
        "  I: Configuring zlib1g...",
        "  E: Couldn't download packages: zlib1g",
        "hivectl: debootstrap failed: E: Couldn't download packages: zlib1g",
    ]
    assert bench.left == []


@ROOT_ONLY
def test_an_image_that_is_there_is_left_alone_without_force(bench: Bench) -> None:
    record = an_image(bench.image)
    bench.debootstrap(FAILS)
    status, _, err = bench.run()
    assert (status, err) == (
        1, f"hivectl: {bench.image} holds an image already; --force replaces it, or name another directory\n"
    )  # fmt: skip
    assert bench.run("--force")[0] == 1
    assert ImageRecord.read(bench.image) == record
    assert bench.left == ["image"]


@ROOT_ONLY
def test_a_terminal_sees_what_debootstrap_does(bench: Bench) -> None:
    bench.lasting()
    ours, theirs = pty.openpty()
    with bench.start(stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while b"Retrieving zlib1g 1.2" not in seen:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        end_of(ours)
    os.close(ours)
    assert b"Debian bookworm (" in seen


@ROOT_ONLY
def test_ctrl_c_ends_all_of_a_build_and_leaves_nothing(bench: Bench) -> None:
    bench.lasting()
    with bench.start() as process, bench.fifo.open() as fifo:
        assert fifo.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert fifo.read() == ""
    assert process.returncode == 130
    assert bench.left == []


@ROOT_ONLY
def test_a_killed_build_takes_its_programs_along_and_the_next_one_cleans_up(bench: Bench) -> None:
    bench.lasting()
    with bench.start() as process, bench.fifo.open() as fifo:
        assert fifo.readline() == "up\n"
        assert bench.run()[::2] == (1, f"hivectl: another build of {bench.image} is under way; wait for its end\n")
        process.kill()
        process.communicate()
        assert fifo.read() == ""
    assert bench.left == [".image.building"]
    bench.debootstrap(FAILS)
    assert bench.run()[0] == 1
    assert bench.left == []


def end_of(terminal: int) -> None:
    """Read what a terminal still says; Linux tells its end as an error."""
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        pass
