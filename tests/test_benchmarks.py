"""The benchmarks run; what they measure is no test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_a_short_run_measures_every_part_of_this_daemon(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rounds", "1", "--systems", "hyperhive"]
    done = subprocess.run(
        [*command, "--json", str(figures)], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(figures.read_text())
    assert measured["failures"] == []
    assert {"console", "mail", "old-rows", "parked", "start-up", "tool-server"} <= measured.keys()
    for what in ("mail, 8 pairs", "old rows, 8 pairs", "500 parked agents", "start-up", "beside an agent"):
        assert f"| {what}" in done.stdout
