"""Which paths of the host an agent may be shown, and where in its container they may be seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from posixpath import normpath
from typing import Any, Final

from hyperhive.agent_config import AgentConfig, Mount

LONGEST_PATH: Final = 1024
"""Bytes."""

_OURS: Final = ("/run/hive", "/run/hive-env", "/state", "/config", "/agents", "/applied", "/opt/hyperhive")
"""What the hive itself puts into a container."""
_THE_SYSTEMS: Final = ("/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/proc", "/sbin", "/sys", "/usr")
_PARENTS: Final = ("/", "/dev", "/run")
"""What is in them may be shown and stood in for, where it is nothing of the above; not all of it at once."""
_KERNELS: Final = ("/proc", "/sys")
"""Ways through these lead everywhere: `/proc/1/root` is the whole host."""


def absolute(value: Any) -> Path:
    """A path as every program reads it alike, and as it can be told to systemd without an escape.

    Raises ValueError with the words after "must be".
    """
    if not (
        isinstance(value, str)
        and value.startswith("/")
        and value == "/" + normpath(value).lstrip("/")
        and value.isprintable()
        and not set(value) & set(":\"'\\")
        and len(value.encode()) <= LONGEST_PATH
    ):
        raise ValueError(
            f"an absolute path such as '/srv/data', of at most {LONGEST_PATH} bytes, without '.' or '..' as a part, "
            "a '/' too many, colons, quotes, backslashes or unprintable characters"
        )
    return Path(value)


def image(value: Any) -> Path:
    """Where an image can lie. Raises ValueError with the words after "must be"."""
    path = absolute(value)
    if value == "/" or any(path.is_relative_to(place) for place in ("/dev", *_KERNELS)):
        raise ValueError("the path of a tree or a tarball made for agents, and no part of the running host")
    return path


def target(value: Any) -> Path:
    """A path at which something may be shown to an agent. Raises ValueError with the words after "must be"."""
    path = absolute(value)
    if value in _PARENTS:
        raise ValueError(f"something in '{path}', not all of it")
    for ours in map(Path, _OURS):
        if path.is_relative_to(ours) or ours.is_relative_to(path):
            raise ValueError(f"neither at, below nor above '{ours}', which is the hive's own")
    for systems in map(Path, _THE_SYSTEMS):
        if path.is_relative_to(systems):
            raise ValueError(f"outside '{systems}', which is the container's own")
    return path


def objection_to_mounts(config: AgentConfig, forbidden: Collection[Path]) -> str | None:
    """Why a source may not be shown to any agent, as a sentence that names it; None if all may.

    `forbidden` are the hive's own directories. Paths are compared as they are written: whoever can look at the disk
    resolves links in both before.
    """
    for index, mount in enumerate(config.mounts):
        if wrong := _objection(mount.source, forbidden):
            return f"'mounts[{index}].source' must be {wrong}"
    return None


Shown = tuple[Path, bool]
"""A source, and whether who is shown it may write there."""


def objection_to_sharing(mounts: Sequence[Mount], others: Mapping[str, Sequence[Shown]]) -> str | None:
    """Why a source may not be shown together with the others, the agents' by their names; None if it may.

    Whoever can write above a source can put anything else of the host in its place: no two lie so to each other.
    """
    own = [(mount.source, mount.writable) for mount in mounts]
    for index, one in enumerate(own):
        for whose, theirs in {**others, "itself": own[:index]}.items():
            for other in theirs:
                if _replaceable(one, other) or _replaceable(other, one):
                    return (
                        f"'mounts[{index}].source' must not lie above or below a directory that is shared to be "
                        f"written: '{one[0]}' does not go with '{other[0]}' of {whose}"
                    )
    return None


def _replaceable(one: Shown, by: Shown) -> bool:
    """Whether who is shown the second could put something else in the place of the first."""
    return by[1] and one[0] != by[0] and one[0].is_relative_to(by[0])


def _objection(source: Path, forbidden: Collection[Path]) -> str | None:
    if str(source) in _PARENTS:
        return f"something in '{source}', not all of it"
    for own in forbidden:
        if source.is_relative_to(own) or own.is_relative_to(source):
            return f"neither at, below nor above '{own}', which is the hive's own: '{source}' is"
    for kernels in _KERNELS:
        if source.is_relative_to(kernels):
            return f"outside '{kernels}', through which all of the host is reached: '{source}' is not"
    return None
