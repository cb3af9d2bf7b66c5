"""Templates: made with escaping always on, and with the filters that every page needs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from hyperhive.unseen import is_plain, told_apart

BRIEF: Final = 120
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def environment() -> Environment:
    """The console's templates. A name that no context has is a fault, and no empty text."""
    made = Environment(
        loader=PackageLoader("hyperhive.dashboard"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": when,
        "span": span,
        "count": count,
        "size": size,
        "money": money,
        "visible": visible,
        "brief": brief,
        "linked": linked,
    }
    return made


def render(templates: Environment, name: str, context: Mapping[str, Any]) -> bytes:
    """The page as bytes."""
    return templates.get_template(name).render(context).encode()


def when(at: float) -> Markup:
    """A moment, as how long ago or ahead it is, with the exact one on hover; `app.js` keeps that true."""
    exact = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    ahead = at - time.time()
    words = f"in {span(ahead)}" if ahead >= 1 else f"{span(-ahead)} ago"
    return Markup('<time datetime="{}" title="{}" data-at="{}">{}</time>').format(
        datetime.fromtimestamp(at, UTC).isoformat(), exact, int(at), words
    )


def span(seconds: float) -> str:
    """A length of time in its largest unit, such as `12 min`."""
    for length, unit in UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "0 s"


def count(number: float) -> str:
    """A number with its thousands apart, such as `12 345`."""
    return f"{int(number):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def size(number: float) -> str:
    """A number of bytes, such as `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


def money(micros: int) -> str:
    """Millionths of a dollar, such as `$0.12`."""
    return f"${micros / 1e6:.2f}"


_OPERATION: Final = re.compile(r"\boperation ([0-9]+)")


def brief(text: str, longest: int = BRIEF) -> str:
    """A text on one line, cut where it is longer than that many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def linked(sentence: str) -> Markup:
    """A sentence in which each operation that has its number there is a link to it."""
    escaped = str(escape(sentence))
    return Markup(_OPERATION.sub(r'<a href="/operations?id=\1">operation \1</a>', escaped))  # noqa: S704 - escaped


def visible(text: str) -> Markup:
    """A text in which what can't be seen, or turns the order of what can, stands as its code point.

    The same character many times over is told once, with how many there are.
    """
    if is_plain(text):
        return escape(text)
    return Markup("".join(_pieces(text)))  # noqa: S704 - made of escaped pieces


def _pieces(text: str) -> Iterator[str]:
    """The text as HTML, run by run: what is seen is escaped."""
    for hidden, run in groupby(told_apart(text, plain="\n\t"), key=lambda told: None if told[1] else told[0]):
        if hidden is None:
            yield str(escape("".join(char for char, _ in run)))
            continue
        times = sum(1 for _ in run)
        yield f'<span class="hidden-character">U+{ord(hidden):04X}{f" {_TIMES}{times}" if times > 1 else ""}</span>'
