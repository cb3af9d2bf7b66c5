"""The `twistd` side: options, and the service made from them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from twisted.application.service import IService
from twisted.python import usage

from hyperhive.config import check_socket_paths, configure
from hyperhive.errors import StartupError


class Options(usage.Options):
    """The options of `twistd hyperhive`. What is not given comes from the configuration file, or is a default."""

    longdesc = "The host daemon of a hive of coding agents: mail, approvals, questions and lifecycle."
    optParameters: ClassVar[list[list[str | None]]] = [
        ["state-dir", None, None, "what must survive a reboot [/var/lib/hyperhive, or the XDG state directory]"],
        ["run-dir", None, None, "the sockets [/run/hyperhive, or the XDG runtime directory]"],
        ["containers", None, None, "what agents run in: local, nspawn or nixos [local]"],
        ["config", None, None, "a TOML file with settings of the same names"],
        ["agent-command", None, None, "what stands in for every agent's program, the manager's too"],
        ["poll-interval", None, None, "seconds between looks for agents that ended unheard [10]"],
        ["dashboard", None, None, "where the console listens, or off [127.0.0.1:7000]"],
        ["log-format", None, None, "text or json [text]"],
    ]
    optFlags: ClassVar[list[list[str | None]]] = [
        ["stop-agents", None, "stop the agents when the daemon ends, and start them again with it"]
    ]

    def parseArgs(self, *words: str) -> None:
        """Nothing but options is taken."""
        if words:
            raise usage.UsageError(f"{words[0]!r} is no option")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """As usual, but a wrong option is one sentence and status 1."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise SystemExit(f"hyperhive: {error}; 'twistd hyperhive --help' lists the options") from None

    def given(self) -> dict[str, str | bool]:
        """What stood on the command line."""
        return {name: bool(value) if value in (0, 1) else value for name, value in self.items() if value}


def makeService(options: Options) -> IService:
    """The hive, with all that could be wrong looked at first; SystemExit with a sentence if something is."""
    from twisted.internet import reactor

    from hyperhive.backends import longest_name
    from hyperhive.hive import Hive
    from hyperhive.premises import check_machines, claim, raise_file_limit

    try:
        config = configure(options.given(), os.environ, root=os.geteuid() == 0)
        check_machines(config.containers)
        os.umask(0o077)
        soft_files, _ = raise_file_limit()
        check_socket_paths(config.layout, longest_name(config))
        locks = claim(config.layout, config.containers)
    except StartupError as error:
        raise SystemExit(f"hyperhive: {error}") from None
    return Hive(reactor, config, locks, soft_files)
