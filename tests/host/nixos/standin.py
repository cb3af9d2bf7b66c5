"""Puts what Debian lacks for the `nixos` backend onto the test host: see README.md here."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = Path("/usr/local/bin/nixos-container")
START = Path("/usr/local/lib/nixos-container-start")
UNIT = Path("/run/systemd/system/container@.service")
NIX_CONF = Path("/etc/nix/nix.conf")
# No sandbox, no network, and no other users: the builder is /bin/sh, and the store is the throw-away host's.
NIX_SETTINGS = """
experimental-features = nix-command flakes
sandbox = false
substituters =
build-users-group =
"""


def nixos_host(base: Path, *, network: str = "none") -> str:
    """Install the stand-in, and a flake below `base`; the daemon's configuration (TOML) for `--containers nixos`."""
    for path, mode in ((SCRIPT, 0o755), (START, 0o755), (UNIT, 0o644)):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / path.name, path)
        path.chmod(mode)
    NIX_CONF.parent.mkdir(parents=True, exist_ok=True)
    NIX_CONF.write_text(NIX_SETTINGS)
    subprocess.run(["systemctl", "daemon-reload"], check=True, timeout=60)
    return f'[nixos]\nflake = "{flake_below(base)}#default"\n[nspawn]\nnetwork = "{network}"\n'


def flake_below(base: Path) -> Path:
    """A copy of the flake that a test may change, for this machine's kind of processor."""
    flake = base / "flake"
    shutil.copytree(HERE / "flake", flake)
    (flake / "system").write_text(f"{platform.machine()}-linux")
    return flake


def remains(name: str) -> list[str]:
    """All that is on the host of the agent's container, beside what hyperhive keeps in its own directories."""
    machine = f"h-{name}"
    places = {
        "/etc/nixos-containers": f"{machine}.conf",
        "/var/lib/nixos-containers": machine,
        "/nix/var/nix/profiles/per-container": machine,
        "/nix/var/nix/gcroots/per-container": machine,
        "/run/systemd/system": f"container@{machine}.service.d",
    }
    found = [str(path) for place, pattern in places.items() for path in Path(place).glob(pattern)]
    # A root of the machine's own, and its lock: not those of another whose name begins alike.
    own = re.compile(rf"(\.#)?\.#machine\.{machine}[0-9a-f]{{16}}(\.lck)?")
    found += [str(path) for path in Path("/var/lib/nixos-containers").glob(".#*") if own.fullmatch(path.name)]
    words = ("systemctl", "list-units", "--all", "--plain", "--no-legend")
    units = (f"container@{machine}.service", f"hyperhive.build-{machine}.service")
    listed = subprocess.run([*words, *units], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    return found + [f"unit {line.split()[0]}" for line in listed.splitlines()]
