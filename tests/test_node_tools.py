"""What tests need from the npm registry: skipped by name where it can't be had, and failed where it must be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import node_tools

NPM = """#!/bin/sh
case "$2" in --prefix=*) place=${2#--prefix=} ;; esac
test "$GOES_WELL" || { echo 'npm error 404' >&2; exit 1; }
mkdir -p "$place/node_modules/.bin"
touch "$place/package.json" "$place/package-lock.json" "$place/node_modules/.bin/thing"
"""


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and a path on which nothing is."""
    monkeypatch.setattr(node_tools, "CACHE", tmp_path / "cache")
    (programs := tmp_path / "programs").mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs


@pytest.fixture
def npm(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An npm that fails unless `GOES_WELL` is set."""
    for name in ("npm", "node"):
        (bare / name).write_text(NPM)
        (bare / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bare}{os.pathsep}{os.defpath}")


def test_without_npm_a_test_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"@a/thing 1\.2: there is no node and npm here; on Debian: apt"):
        node_tools.required("@a/thing", "1.2")


def test_in_ci_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match=r"@a/thing 1\.2: there is no node and npm here"):
        node_tools.required("@a/thing", "1.2")


def test_what_npm_complains_of_is_told(npm: None) -> None:
    with pytest.raises(node_tools.Missing, match="npm could not install it: npm error 404"):
        node_tools.npm_install("@a/thing", "1.2")


def test_what_was_fetched_is_found_again(npm: None, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOES_WELL", "1")
    found = node_tools.required("@a/thing", "1.2")
    assert found.is_dir()
    (bare / "npm").unlink()
    assert node_tools.required("@a/thing", "1.2") == found


def test_a_fetch_that_failed_leaves_nothing_that_passes_for_it(npm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(node_tools.Missing):
        node_tools.npm_install("@a/thing", "1.2")
    monkeypatch.setenv("GOES_WELL", "1")
    assert node_tools.npm_install("@a/thing", "1.2").is_dir()
