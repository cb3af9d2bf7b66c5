"""The terminal of `hivectl top`: drawn as a whole, read key by key, and given back as it was, whatever happens."""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TextIO

from attrs import define, field
from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from hyperhive.hivectl.page import Line, Verbatim
from hyperhive.hivectl.safe import one_line, revealed
from hyperhive.hivectl.top_state import DOWN, ENTER, ERASE, ESCAPE, UP

_NAMES: Final = {
    "\x1b[A": UP, "\x1bOA": UP, "\x1b[B": DOWN, "\x1bOB": DOWN, "\r": ENTER, "\n": ENTER, "\x7f": ERASE, "\x08": ERASE,
    "\x1b": ESCAPE,
}  # fmt: skip
_CHARACTERS: Final = 6
_OFF: Final = b"\0"


def keys_in(text: str) -> list[str]:
    """The keys that were pressed to make a terminal send that; sequences that nobody here knows are left out."""
    found: list[str] = []
    while text:
        length = _sequence(text)
        key, text = text[:length], text[length:]
        if key in _NAMES:
            found.append(_NAMES[key])
        elif len(key) == 1 and key.isprintable():
            found.append(key)
    return found


def _sequence(text: str) -> int:
    """How many characters the first key sent."""
    if text[0] != "\x1b" or len(text) == 1 or text[1] not in "[O":
        return 1
    for at in range(2, len(text)):
        if "@" <= text[at] <= "~":
            return at + 1
    return len(text)


@implementer(IReadDescriptor)
@define(eq=False)
class Terminal:
    """As a context manager: the whole terminal on entry, and as it was on exit. `press` gets every key.

    `left` is called where nobody can type any more.
    """

    reactor: Any
    out: TextIO
    press: Callable[[str], None]
    left: Callable[[], None]
    number: int = 0
    _before: list[Any] = field(factory=list, init=False)
    _live: Any = field(default=None, init=False)

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        self._before = termios.tcgetattr(self.number)
        try:
            self._read_keys()
            console = Console(file=self.out, highlight=False, markup=False, emoji=False)
            self._live = Live(
                console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        except BaseException:
            self._give_back()
            raise
        self.reactor.addReader(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reactor.removeReader(self)
        try:
            self._live.stop()
        finally:
            self._give_back()

    @property
    def size(self) -> tuple[int, int]:
        """How many lines it has now, and how many columns."""
        size = self._live.console.size
        return int(size.height), int(size.width)

    def draw(self, lines: Sequence[tuple[Line | Verbatim, bool]]) -> None:
        """Show these lines, with what is chosen the other way round; what strangers wrote can move nothing."""
        from rich.text import Text

        drawn = Text("\n", no_wrap=True, overflow="ellipsis", end="").join(
            Text(_shown(line), f"reverse {line.style}".strip() if chosen else line.style) for line, chosen in lines
        )
        drawn.no_wrap, drawn.overflow, drawn.end = True, "ellipsis", ""
        self._live.update(drawn, refresh=True)

    def fileno(self) -> int:
        """What is read from."""
        return self.number

    def doRead(self) -> None:
        """Keys were pressed."""
        try:
            data = os.read(self.number, 4096)
        except OSError:
            data = b""
        if not data:
            self.reactor.removeReader(self)
            self.left()
            return
        for key in keys_in(data.decode(errors="ignore")):
            self.press(key)

    def connectionLost(self, reason: object) -> None:
        """The terminal went away."""
        self.left()

    def logPrefix(self) -> str:
        """What a log would call this."""
        return "hivectl top"

    def _read_keys(self) -> None:
        """Have keys come one by one, unseen; Ctrl-C ends as ever, and nothing stops us with the terminal like this."""
        tty.setcbreak(self.number)
        modes = termios.tcgetattr(self.number)
        for name in (termios.VSUSP, termios.VQUIT):
            modes[_CHARACTERS][name] = _OFF
        termios.tcsetattr(self.number, termios.TCSANOW, modes)

    def _give_back(self) -> None:
        termios.tcsetattr(self.number, termios.TCSAFLUSH, self._before)


def _shown(line: Line | Verbatim) -> str:
    if isinstance(line, Verbatim):
        return revealed(line.text).expandtabs()
    indent = len(line.text) - len(line.text.lstrip(" "))
    return " " * indent + one_line(line.text)
