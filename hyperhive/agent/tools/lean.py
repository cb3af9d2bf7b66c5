"""The MCP SDK's server, imported without what only HTTP servers and clients need.

Its packages import all of it at once: web servers, an HTTP client, OAuth. Beside every agent that would be a third of
the memory and of the start. A validator is made when it is first used: a connection uses a few of hundreds.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

import pydantic

_log = logging.getLogger(__name__)

NEEDED: Final = ("mcp.server.lowlevel",)
UNNEEDED: Final = (
    "httpx2", "mcp.client", "mcp.server.auth", "mcp.server.mcpserver", "mcp.server.streamable_http",
    "mcp.server.streamable_http_manager", "mcp.server.transport_security", "sse_starlette", "starlette", "uvicorn",
)  # fmt: skip


def load(unneeded: Sequence[str] = UNNEEDED) -> None:
    """Import what is needed; from then on ordinary imports find it.

    A version of the SDK that does need one of `unneeded` is imported whole, and a warning says so.
    """
    pydantic.BaseModel.model_config["defer_build"] = True
    empty = Empty(unneeded)
    sys.meta_path.insert(0, empty)
    try:
        _import()
    except (ImportError, AttributeError, TypeError) as error:
        _log.warning("this MCP SDK is imported whole, as its server can't do without its HTTP parts: %s", error)
        _forget("mcp")
    finally:
        sys.meta_path.remove(empty)
        for name in unneeded:
            _forget(name)
    _import()


def _import() -> None:
    for name in NEEDED:
        importlib.import_module(name)


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if _within(name, package)]:
        del sys.modules[name]


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


class Empty(MetaPathFinder, Loader):
    """Finds those packages, and all that is in them, as modules where any name is an empty class."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if any(_within(name, package) for package in self._packages):
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__getattr__"] = _placeholder


def _placeholder(name: str) -> type[Any]:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {})
