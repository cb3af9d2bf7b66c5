"""What network a machine has: none, the host's, or one of its own behind the host's address (`nat`).

For `nat`, systemd-nspawn joins the machine to a bridge that systemd-networkd gives an address and masquerades. Nothing
in the machine has to ask for an address or could take another: it is set from outside, and the machine's root is left
without the capabilities for that. A table of nftables keeps machines from the host and from each other.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from hyperhive.containers import slots
from hyperhive.containers.commands import IReactor, attempt, run
from hyperhive.containers.system_bus import SystemBus
from hyperhive.errors import ContainerError
from hyperhive.limits import NAT, NO_NETWORK

ZONE: Final = "hive"
BRIDGE: Final = f"vz-{ZONE}"
NETWORKD: Final = "systemd-networkd.service"
WAIT_ONLINE: Final = "systemd-networkd-wait-online"
SYSTEMD_PROGRAMS: Final = "/usr/lib/systemd:/lib/systemd:/run/current-system/systemd/lib/systemd"
PACKAGES: Final = {"nft": "nftables", "ip": "iproute2", "nsenter": "util-linux"}
"""The programs that `nat` needs, and the packages that they come in."""
BRIDGE_SECONDS: Final = 10
"""How long networkd may take to configure a bridge that has just appeared; it takes some milliseconds."""
RESOLVED_UPLINKS: Final = Path("/run/systemd/resolve/resolv.conf")

# Declared before it is deleted, so that the deletion never fails; all of it is one transaction.
RULES: Final = f"""
table inet hyperhive
delete table inet hyperhive
table inet hyperhive {{
    chain input {{
        type filter hook input priority -10; policy accept;
        iifname "{BRIDGE}" ct state established,related accept
        iifname "{BRIDGE}" reject with icmpx admin-prohibited
    }}
    chain forward {{
        type filter hook forward priority -10; policy accept;
        iifname "{BRIDGE}" ip daddr 169.254.0.0/16 reject with icmpx admin-prohibited
        iifname "{BRIDGE}" oifname "{BRIDGE}" drop
        oifname "{BRIDGE}" ct state established,related accept
        oifname "{BRIDGE}" drop
    }}
}}
table bridge hyperhive
delete table bridge hyperhive
table bridge hyperhive {{
    chain forward {{
        type filter hook forward priority -10; policy accept;
        iifname "vb-h-*" oifname "vb-h-*" drop
    }}
}}
"""


@frozen
class Network:
    """The network of `kind` for machines; `subnet` is where those of `nat` have their addresses."""

    reactor: IReactor
    bus: SystemBus
    kind: str
    subnet: IPv4Network

    def of(self, kind: str | None) -> Network:
        """The same with another kind; none is this one's."""
        return evolve(self, kind=kind or self.kind)

    def options(self) -> Sequence[str]:
        """What systemd-nspawn is told."""
        if self.kind == NAT:
            # A machine can't reach the host's own resolver: it gets the servers which that one asks.
            servers = "replace-uplink" if RESOLVED_UPLINKS.exists() else "replace-host"
            return (f"--network-zone={ZONE}", f"--resolv-conf={servers}")
        return ("--private-network", "--resolv-conf=off") if self.kind == NO_NETWORK else ()

    async def check(self) -> None:
        """Make the network ready for a machine. Raises ContainerError."""
        if self.kind != NAT:
            return
        networkd = await self.bus.unit(NETWORKD)
        if networkd.active != "active":
            raise ContainerError(
                f"the network 'nat' needs systemd-networkd, which is {networkd.active}; start it "
                "('systemctl enable --now systemd-networkd'), or set 'nspawn.network' to \"host\""
            )
        for program, package in PACKAGES.items():
            if shutil.which(program) is None:
                raise ContainerError(
                    f"the network 'nat' needs '{program}'; install the package '{package}', "
                    "or set 'nspawn.network' to \"host\""
                )
        await run(self.reactor, "nft", "--file", "-", given=RULES.encode())

    async def join(self, machine: str, leader: int, slot: int) -> None:
        """Give the machine that this process leads its slot's address, and a way out. Raises ContainerError."""
        if self.kind != NAT:
            return
        # Machines stay apart even where somebody's firewall flushes our rules.
        port = ("ip", "link", "set", "dev", f"vb-{machine}", "type", "bridge_slave", "isolated", "on")
        await run(self.reactor, *port)
        gateway = slots.gateway(self.subnet)
        inside = ("nsenter", f"--net=/proc/{leader}/ns/net", "ip", "-batch", "-")
        commands = (
            "link set lo up",
            f"address replace {slots.address(slot, self.subnet)} dev host0",
            "link set host0 up",
            f"route replace default via {gateway}",
        )
        await run(self.reactor, *inside, given="".join(f"{command}\n" for command in commands).encode())
        if not await self._bridge_is_ready():
            raise ContainerError(
                f"systemd-networkd has not given the bridge {BRIDGE} the address {gateway}/{self.subnet.prefixlen}; "
                "/etc/systemd/network/70-hyperhive.network must say so, which 'hivectl install' puts there and "
                "'networkctl reload' reads"
            )

    async def _bridge_is_ready(self) -> bool:
        """Whether the bridge has the machines' gateway, once networkd has done with it: it comes with the first one."""
        if await self._bridge_has_the_gateway():
            return True
        wait = shutil.which(WAIT_ONLINE, path=SYSTEMD_PROGRAMS)
        if wait is None:
            return False
        limit = f"--timeout={BRIDGE_SECONDS}"
        await attempt(self.reactor, wait, "--quiet", f"--interface={BRIDGE}", limit, seconds=BRIDGE_SECONDS + 5)
        return await self._bridge_has_the_gateway()

    async def _bridge_has_the_gateway(self) -> bool:
        shown = await run(self.reactor, "ip", "-json", "-4", "address", "show", "dev", BRIDGE)
        gateway = str(slots.gateway(self.subnet))
        return any(
            address.get("local") == gateway and address.get("prefixlen") == self.subnet.prefixlen
            for link in json.loads(shown or b"[]")
            for address in link.get("addr_info", ())
        )
