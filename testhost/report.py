"""What is brought back from a run: pytest's results always, the host's journal and console when something failed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from testhost.runs import Run

TAIL = 40
END = "systemd[1]: test-host.service: Main process exited"


def bring_back(run: Run, target: Path) -> None:
    """Copy the results of `run` into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for name in ("output", "junit.xml"):
        if (run.results / name).exists():
            shutil.copy(run.results / name, target / name)


def explain(run: Run, target: Path) -> None:
    """Copy the journal and the console of `run` into `target`, print the journal's tail, and say where all of it is."""
    bring_back(run, target)
    if run.console.exists():
        shutil.copy(run.console, target / "console.txt")
    shutil.copytree(run.journal, target / "journal", dirs_exist_ok=True)
    command = ["journalctl", f"--directory={run.journal}", "--merge", "--output=short-precise", "--no-pager", "--quiet"]
    with (target / "journal.txt").open("wb") as text:
        subprocess.run(command, stdout=text, stderr=subprocess.STDOUT, check=False, timeout=60)
    lines = (target / "journal.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    print("\ntest host: from its journal, the last before it powered off:", file=sys.stderr)
    for line in _until_the_end(lines)[-TAIL:]:
        print(f"  {line}", file=sys.stderr)
    print(f"test host: output, console and the whole journal are in {target}", file=sys.stderr, flush=True)


def _until_the_end(lines: list[str]) -> list[str]:
    """`lines` without those of powering off."""
    ends = [number for number, line in enumerate(lines, start=1) if END in line]
    return lines[: ends[-1]] if ends else lines
