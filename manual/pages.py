"""All man pages, and where the package has them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from manual.commands import agent, hivectl
from manual.daemon import configuration, daemon

PLACE: Final = Path(__file__).parents[1] / "hyperhive" / "install"
"""Where `hivectl install` and `hivectl man` take them from."""


def pages() -> dict[str, str]:
    """The text of each page, by the name of its file."""
    made = (hivectl(), agent(), daemon(), configuration())
    return {f"{page.name}.{page.number}": page.text for page in made}
