"""The kinds of machines that there are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from tests.host.nixos.world import nixos
from tests.host.worlds import MachineWorld, nspawn

MACHINES: Final[tuple[Callable[[], AbstractContextManager[MachineWorld]], ...]] = (nspawn, nixos)
"""What makes a world of machines, for each kind of them; its daemon is not started yet."""
