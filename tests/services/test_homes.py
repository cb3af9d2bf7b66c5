"""Agents' homes: what purge takes away, and what it leaves alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hyperhive.layout import Layout
from hyperhive.services import homes

PURGE = """
import sys
from pathlib import Path
from hyperhive.layout import Layout
from hyperhive.services import homes
homes._purge(Layout(state=Path(sys.argv[1]), run=Path(sys.argv[1])), "bob")
"""
WITHOUT_ROOTS_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(state=tmp_path, run=tmp_path)
    homes.make(made, "bob")
    return made


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may remove everything")
@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_directories_that_the_agent_closed_are_removed(layout: Layout, mode: int) -> None:
    closed = layout.notes("bob") / "cache" / "module"
    closed.mkdir(parents=True)
    (closed / "file").touch()
    closed.chmod(mode)
    prefix = WITHOUT_ROOTS_RIGHTS if os.geteuid() == 0 else ()
    done = subprocess.run(
        [*prefix, sys.executable, "-c", PURGE, str(layout.state)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not layout.home("bob").exists()


def test_directories_nested_deeper_than_python_can_follow_are_removed(layout: Layout) -> None:
    directory = os.open(layout.notes("bob"), os.O_RDONLY)
    for _ in range(2 * sys.getrecursionlimit()):
        os.mkdir("d", dir_fd=directory)
        below = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = below
    os.close(directory)
    homes._purge(layout, "bob")
    assert not layout.home("bob").exists()


def test_a_link_in_the_place_of_a_tree_is_removed_and_not_followed(layout: Layout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    layout.proposals.mkdir()
    layout.proposed("bob").symlink_to(elsewhere)
    (layout.notes("bob") / "link").symlink_to(elsewhere)
    homes._purge(layout, "bob")
    assert (elsewhere / "precious").exists()
    assert not layout.proposed("bob").is_symlink()
    assert not layout.home("bob").exists()
