"""The files that the service is made of, below the root of a tree, and who looks at them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = "etc/systemd/system/hyperhive.service"
DROP_IN = "etc/systemd/system/hyperhive.service.d/hyperhive-local.conf"
SYSUSERS = "etc/sysusers.d/hyperhive.conf"
SETTINGS = "etc/hyperhive.toml"
MANUAL = "usr/local/share/man"


def tree(root: Path) -> set[str]:
    """The files below a directory."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def systemd(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]}")
    environment = {**os.environ, **environ}
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=environment)
