"""Small bar charts, drawn on the server: heights in an SVG, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

BAR: Final = 9
GAP: Final = 3
HEIGHT: Final = 60


@frozen(kw_only=True)
class Bar:
    """One bar, in the chart's own units; `title` is what it stands for, `none` that nothing was said there."""

    x: int
    y: float
    width: int
    height: float
    title: str
    none: bool


@frozen(kw_only=True)
class Chart:
    """A chart: its name, how wide and high it is, its bars from old to new, and all of it in a sentence."""

    name: str
    width: int
    height: int
    bars: Sequence[Bar]
    words: str


def chart(name: str, values: Sequence[tuple[str, float | None]], written: Callable[[float], str]) -> Chart | None:
    """A chart of named values, old to new; None says that one is not known. No chart where none is."""
    known = [value for _, value in values if value is not None]
    if not known:
        return None
    most = max(*known, 0) or 1.0
    bars = [_bar(index, title, value, most, written) for index, (title, value) in enumerate(values)]
    words = (
        f"{name} of {len(known)} {'turn' if len(known) == 1 else 'turns'}: "
        f"from {written(min(known))} to {written(max(known))}, the last {written(known[-1])}"
    )
    width = len(bars) * (BAR + GAP) - GAP
    return Chart(name=name, width=width, height=HEIGHT, bars=bars, words=words)


def _bar(index: int, title: str, value: float | None, most: float, written: Callable[[float], str]) -> Bar:
    height = 1.0 if value is None else max(1.0, round(HEIGHT * value / most, 1))
    said = "not known" if value is None else written(value)
    return Bar(
        x=index * (BAR + GAP),
        y=HEIGHT - height,
        width=BAR,
        height=height,
        title=f"{title}: {said}",
        none=value is None,
    )
