"""Slots: what tells one machine of the hive from another, its user ids and its address on the hive's network."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

UIDS = 65536
FIRST_UID = 0x00080000
"""Where systemd's range for containers begins (uids and gids in its documentation, "Special systemd GIDs and UIDs")."""
SLOTS = (0x6FFF0000 - FIRST_UID) // UIDS + 1


def choose(name: str, taken: Collection[int]) -> int:
    """The slot for a machine of that name: the same one each time where it can be, and nobody else's."""
    slot = zlib.crc32(name.encode()) % SLOTS
    while slot in taken:
        slot = (slot + 1) % SLOTS
    return slot


def first_uid(slot: int) -> int:
    """The host's number for the machine's root; the machine has that many users from there on: `UIDS`."""
    return FIRST_UID + slot * UIDS


def holds(slot: int, uid: int) -> bool:
    """Whether that user of the host lives in the machine with that slot."""
    return first_uid(slot) <= uid < first_uid(slot) + UIDS


def address(slot: int, network: IPv4Network) -> IPv4Interface:
    """The machine's own address; the first 256 of the network are left for the host and for others."""
    return IPv4Interface((network.network_address + 256 + slot, network.prefixlen))


def gateway(network: IPv4Network) -> IPv4Address:
    """The host's address on the hive's network."""
    return network.network_address + 1
