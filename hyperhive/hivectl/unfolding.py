"""Shows how far long work on this machine is: a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, field

from hyperhive.hivectl.safe import one_line
from hyperhive.hivectl.screen import Screen

_MINUTE: Final = ("I: Validating ", "I: Extracting ", "I: Unpacking ", "I: Found additional ")
"""What debootstrap says of each of its packages beside fetching and configuring it."""


@contextmanager
def unfolding(screen: Screen) -> Iterator[Callable[[str, str], None]]:
    """What is to be called with each step, and each line of the program that does it. Standard output stays clean."""
    if not screen.is_lively:
        yield _Lines(screen).tell
        return
    from rich.console import Console

    console = Console(file=screen.err, highlight=False, markup=False, emoji=False)
    with console.status("") as status:
        began = time.monotonic()

        def tell(step: str, line: str) -> None:
            passed = round(time.monotonic() - began)
            status.update(_cut(f"{step} ({passed} s)  {one_line(line)}", console.width - 3))

        yield tell


def _cut(text: str, width: int) -> str:
    from rich.cells import set_cell_size

    return set_cell_size(text, width).rstrip()


@define(eq=False)
class _Lines:
    """A line for each step and for what is worth one in it."""

    screen: Screen
    _step: str = field(default="", init=False)

    def tell(self, step: str, line: str) -> None:
        """Write what is new."""
        if step != self._step:
            self._step = step
            self._write(f"{step} ...")
        if line.strip() and not line.startswith(_MINUTE):
            self._write(f"  {one_line(line)}")

    def _write(self, line: str) -> None:
        self.screen.err.write(line + "\n")
        self.screen.err.flush()
