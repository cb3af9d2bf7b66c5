"""`python -m testhost.inside RUN` in fresh namespaces: mount what the host stands on, and become its systemd-nspawn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SPARSE = 1 << 30


def main() -> None:
    """Mount, enter the run's cgroup, and boot, as `RUN/boot.json` says."""
    directory = Path(sys.argv[1])
    boot = json.loads((directory / "boot.json").read_text(encoding="utf-8"))
    (Path(boot["cgroup"]) / "cgroup.procs").write_text("0", encoding="ascii")
    root = directory / "root"
    layers = f"lowerdir={boot['tree']},upperdir={directory / 'upper'},workdir={directory / 'work'}"
    _call("mount", "-t", "overlay", "-o", layers, "overlay", str(root))
    command = boot["nspawn"]
    if _btrfs(directory, root):
        command = [*command, f"--bind={directory / 'btrfs'}:{boot['btrfs']}"]
    os.execvpe(command[0], [*command, *boot["init"]], {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})  # noqa: S606


def _btrfs(directory: Path, root: Path) -> bool:
    """Whether a fresh btrfs is mounted at `directory/btrfs`; made with the tree's own mkfs."""
    disk, there = directory / "disk", directory / "btrfs"
    disk.mkdir()
    there.mkdir()
    with (disk / "image").open("wb") as image:
        image.truncate(SPARSE)
    try:
        for here, inside in ((disk, "mnt"), (Path("/proc"), "proc")):
            _call("mount", "--bind", str(here), str(root / inside))
        _call("chroot", str(root), "mkfs.btrfs", "--quiet", "/mnt/image")
        for inside in ("mnt", "proc"):
            _call("umount", str(root / inside))
        _call("mount", "-o", "loop", str(disk / "image"), str(there))
    except subprocess.CalledProcessError:
        print("No btrfs here: its tests are skipped.", flush=True)
        return False
    return True


def _call(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
