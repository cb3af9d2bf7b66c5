"""The colours of both schemes can be read by people who see little: WCAG 2.2, level AA."""

from __future__ import annotations

import re

import pytest

from hyperhive.dashboard.files import own_files

BASE = own_files()["base.css"].content.decode()
COLOURS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", BASE)
}
GROUNDS = ("back", "soft", "ok-back", "busy-back", "warn-back", "bad-back")
TEXTS = [
    *(("text", ground) for ground in GROUNDS),
    *((name, ground) for name in ("muted", "link", "ok", "busy", "warn", "bad", "idle") for ground in ("back", "soft")),
    *((name, f"{name}-back") for name in ("ok", "busy", "warn", "bad")),
    ("on-primary", "primary"),
    ("on-danger", "bad"),
    ("text", "soft"),
]
SHAPES = [(name, ground) for name in ("edge", "focus", "primary") for ground in ("back", "soft")]


def light_of(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str, scheme: str) -> float:
    darker, lighter = sorted(light_of(COLOURS[name][scheme]) for name in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_stands_out_from_its_ground(text: str, ground: str, scheme: str) -> None:
    assert contrast(text, ground, scheme) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_what_can_be_pressed_or_has_the_focus_stands_out(shape: str, ground: str, scheme: str) -> None:
    assert contrast(shape, ground, scheme) >= 3
