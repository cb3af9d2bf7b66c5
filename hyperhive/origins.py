"""The addresses of sites, as browsers write them."""

from __future__ import annotations

from typing import Final

PORTS: Final = {"http": 80, "https": 443}
"""The port of each scheme that goes without saying."""


def origin(scheme: str, host: str, port: int | None) -> str:
    """What browsers send as `Origin` from there: without the port that goes without saying."""
    return f"{scheme}://{host}" + ("" if port in (None, PORTS[scheme]) else f":{port}")
