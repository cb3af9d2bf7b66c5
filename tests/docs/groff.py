"""The programs that read man pages: where they are not, a test is skipped by name, and failed if `CI` is set."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


def said(*words: str, **environ: str) -> str:
    """All that such a program says, which must end well."""
    if shutil.which(words[0]) is None:
        absent = f"there is no {words[0]}: apt install man-db groff"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANPAGER": "cat", "MANWIDTH": "80", **environ}
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr
