"""Images: the root trees that agents' containers start from, how one is made and how it takes its place."""

from __future__ import annotations

from typing import Final

MOUNT_POINTS: Final = ("run/hive", "state", "config", "agents", "applied")
"""The empty directories of every image where a container finds what the host lends it."""
