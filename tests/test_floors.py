"""Imports go downwards: one table says on which floor each module stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = {
    "hyperhive.wire": 1,
    "hyperhive.errors": 2,
    "hyperhive.limits": 2,
    "hyperhive.lifeline": 2,
    "hyperhive.boundaries": 2,
    "hyperhive.agent_config": 2,
    "hyperhive.agent_fields": 2,
    "hyperhive.agent_toml": 2,
    "hyperhive.mounts": 2,
    "hyperhive.patches": 2,
    "hyperhive.origins": 2,
    "hyperhive.quantities": 2,
    "hyperhive.toml_lines": 2,
    "hyperhive.unseen": 2,
    "hyperhive.layout": 2,
    "hyperhive.threads": 2,
    "hyperhive.half_characters": 2,
    "hyperhive.stream_words": 2,
    "hyperhive.store": 3,
    "hyperhive.services": 4,
    "hyperhive.containers": 4,
    "hyperhive.images": 4,
    "hyperhive.repositories": 4,
    "hyperhive.protocols": 5,
    "hyperhive.hivectl": 6,
    "hyperhive.dashboard": 6,
    "hyperhive.agent": 6,
    "hyperhive.client": 6,
    "hyperhive.sockets": 7,
    "hyperhive.assembly": 7,
    "hyperhive.backends": 7,
    "hyperhive.hive": 7,
    "hyperhive.config": 7,
    "hyperhive.settings": 7,
    "hyperhive.logs": 7,
    "hyperhive.notify": 7,
    "hyperhive.parts": 7,
    "hyperhive.premises": 7,
    "hyperhive.unix": 7,
    "hyperhive.webhook": 7,
    "hyperhive.tap": 7,
}
FACES = 6

# Neighbours and lower rooms that are closed all the same; of the protocols, clients know the asker alone.
CLOSED = {
    "hyperhive.wire": ("twisted",),
    "hyperhive.containers": ("hyperhive.store", "hyperhive.services"),
    "hyperhive.repositories": ("hyperhive.store", "hyperhive.services", "hyperhive.images"),
    "hyperhive.hivectl": ("hyperhive.agent", "hyperhive.store", "hyperhive.services", "hyperhive.protocols"),
    "hyperhive.agent": ("hyperhive.hivectl", "hyperhive.store", "hyperhive.services", "hyperhive.protocols"),
    "hyperhive.client": ("hyperhive.store", "hyperhive.services", "hyperhive.protocols"),
}
OPEN = "hyperhive.protocols.asker"


class Import(NamedTuple):
    """One imported module, the line that imports it, and whether that runs when the file is imported."""

    module: str
    line: int
    at_import: bool


@pytest.mark.parametrize("path", sorted(ROOT.glob("hyperhive/**/*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_from_its_own_floor_or_below(path: Path) -> None:
    assert not list(faults(path.relative_to(ROOT), path.read_text()))


@pytest.mark.parametrize(
    ("page", "place"),
    [("CONTRIBUTING.md", r"`(?:hyperhive/)?(\w+)(?:/|\.py)?`"), ("docs/design.md", r"`hyperhive/(\w+)(?:/|\.py)`")],
)
def test_a_page_has_every_module_on_its_floor(page: str, place: str) -> None:
    rows = re.findall(r"^\| (\d) \| ([^|]+) \|", (ROOT / page).read_text(), re.MULTILINE)
    assert {f"hyperhive.{name}": int(floor) for floor, names in rows for name in re.findall(place, names)} == FLOORS


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("store/outbox.py", "from hyperhive.services import broker", "hyperhive/store/outbox.py:1: hyperhive.services"),
        ("store/outbox.py", "from hyperhive import errors, tap", "hyperhive/store/outbox.py:1: hyperhive.tap"),
        ("store/outbox.py", "from .. import tap", "hyperhive/store/outbox.py:1: hyperhive.tap"),
        ("store/__init__.py", "from ..hive import Hive", "hyperhive/store/__init__.py:1: hyperhive.hive"),
        ("wire/names.py", "\ndef f():\n    import hyperhive.layout", "hyperhive/wire/names.py:3: hyperhive.layout"),
        ("wire/names.py", "from twisted.internet import defer", "hyperhive/wire/names.py:1: twisted.internet"),
        ("containers/local.py", "import hyperhive.services.broker", "hyperhive/containers/local.py:1: hyperhive.serv"),
        ("hivectl/main.py", "from hyperhive import agent", "hyperhive/hivectl/main.py:1: hyperhive.agent"),
        ("agent/main.py", "from hyperhive.protocols import host", "hyperhive/agent/main.py:1: hyperhive.protocols"),
        ("services/broker.py", "import sqlite3", "hyperhive/services/broker.py:1: sqlite3"),
        ("tap.py", "from twisted.internet import reactor", "hyperhive/tap.py:1: twisted.internet.reactor"),
        (
            "services/broker.py",
            "def f():\n    from twisted.internet import reactor",
            "hyperhive/services/broker.py:2: ",
        ),
        ("attic.py", "", "hyperhive/attic.py:1: stands on no floor"),
        ("hive.py", "import hyperhive.attic", "hyperhive/hive.py:1: hyperhive.attic stands on no floor"),
    ],
)
def test_an_import_from_above_is_named_with_its_file_and_line(path: str, source: str, fault: str) -> None:
    found = list(faults(Path("hyperhive", path), source))
    assert [one for one in found if one.startswith(fault)], found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("__init__.py", ""),
        ("store/database.py", "import sqlite3\nfrom hyperhive.store import schema"),
        ("hivectl/main.py", "from hyperhive import __version__, client\nfrom hyperhive.protocols.asker import Asker"),
        ("tap.py", "def f():\n    from twisted.internet import reactor"),
    ],
)
def test_what_stands_on_the_same_floor_or_below_may_be_imported(path: str, source: str) -> None:
    assert not list(faults(Path("hyperhive", path), source))


def faults(path: Path, source: str) -> Iterator[str]:
    """Every broken rule of one file, as `path:line: what`."""
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    floor = floor_of(module)
    if floor is None:
        yield f"{path}:1: stands on no floor; add it to the table"
        return
    closed = next((rooms for room, rooms in CLOSED.items() if within(module, room)), ())
    for found in imports(path, ast.parse(source)):
        for fault in judge(module, floor, closed, found):
            yield f"{path}:{found.line}: {found.module} {fault}"


def judge(module: str, floor: int, closed: tuple[str, ...], found: Import) -> Iterator[str]:
    """What is wrong with one import by `module`, which stands on `floor`."""
    if within(found.module, "hyperhive"):
        other = floor_of(found.module)
        if other is None:
            yield "stands on no floor"
        elif other > floor:
            yield f"is on floor {other}, above floor {floor}"
    if any(within(found.module, room) for room in closed) and not within(found.module, OPEN):
        yield "is closed to this room"
    if within(found.module, "sqlite3") and not within(module, "hyperhive.store"):
        yield "belongs to hyperhive.store"
    if within(found.module, "twisted.internet.reactor") and (found.at_import or floor < FACES):
        yield "is handed in, or imported inside a function of a command line or of the wiring"


def floor_of(module: str) -> int | None:
    """The floor of a module of ours, None for one that the table does not know."""
    if module == "hyperhive":
        return 0
    return next((floor for room, floor in FLOORS.items() if within(module, room)), None)


def within(module: str, room: str) -> bool:
    """Whether a module is that room or stands in it."""
    return module == room or module.startswith(room + ".")


def imports(path: Path, node: ast.AST, *, at_import: bool = True) -> Iterator[Import]:
    """Every module that a file imports, at its top or inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, at_import)
        elif isinstance(child, ast.ImportFrom):
            base = absolute(path, child)
            for alias in child.names:
                yield Import(imported(base, alias.name), child.lineno, at_import)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(path, child, at_import=at_import and not is_function)


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """The module named after `from`, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    package = path.parts[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def imported(base: str, name: str) -> str:
    """`base.name` where that is a module, else `base`, which then holds the name."""
    whole = f"{base}.{name}"
    if whole == "twisted.internet.reactor" or (base == "hyperhive" and whole in FLOORS):
        return whole
    is_ours = within(base, "hyperhive") and list(ROOT.glob(whole.replace(".", "/") + "*"))
    return whole if is_ours else base
