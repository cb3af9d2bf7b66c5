"""Slots: no two machines share a user or an address, and none gets what is the host's."""

from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from hyperhive.containers import slots

SLOT = st.integers(0, slots.SLOTS - 1)
SUBNETS = st.sampled_from(["10.215.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]).map(IPv4Network)
RANGE = range(0x00080000, 0x70000000)
"""systemd's range for containers: from 524288 to 1879048191."""


@given(SLOT)
def test_a_slots_users_are_all_in_the_range_that_systemd_leaves_to_containers(slot: int) -> None:
    first = slots.first_uid(slot)
    assert first in RANGE
    assert first + slots.UIDS - 1 in RANGE
    assert first % slots.UIDS == 0


def test_the_last_slot_ends_where_the_range_does() -> None:
    assert slots.first_uid(slots.SLOTS - 1) + slots.UIDS == RANGE.stop


@given(SLOT, SLOT, st.integers(0, slots.UIDS - 1))
def test_a_user_lives_in_one_slot_only(slot: int, other: int, uid: int) -> None:
    assert slots.holds(slot, slots.first_uid(slot) + uid)
    assert slots.holds(other, slots.first_uid(slot) + uid) == (other == slot)


@given(SLOT, st.integers(0, slots.FIRST_UID - 1))
def test_no_user_of_the_host_lives_in_a_slot(slot: int, uid: int) -> None:
    assert not slots.holds(slot, uid)


@given(st.text(max_size=32), st.sets(SLOT, max_size=50))
def test_a_slot_is_nobody_elses_and_the_same_each_time(name: str, taken: set[int]) -> None:
    slot = slots.choose(name, taken)
    assert slot not in taken
    assert 0 <= slot < slots.SLOTS
    assert slot == slots.choose(name, taken)


@given(st.text(max_size=32), st.data())
def test_the_last_free_slot_is_found_from_wherever_the_search_begins(name: str, data: st.DataObject) -> None:
    free = data.draw(SLOT)
    assert slots.choose(name, set(range(slots.SLOTS)) - {free}) == free


@given(st.lists(st.text(max_size=32), unique=True, max_size=60))
def test_machines_that_come_one_after_the_other_never_share_a_slot(names: list[str]) -> None:
    taken: set[int] = set()
    for name in names:
        taken.add(slots.choose(name, taken))
    assert len(taken) == len(names)


@given(SLOT, SLOT, SUBNETS)
def test_an_address_is_in_the_subnet_one_machines_alone_and_nothing_special(
    slot: int, other: int, subnet: IPv4Network
) -> None:
    address = slots.address(slot, subnet)
    assert address.network == subnet
    assert address.ip not in {subnet.network_address, subnet.broadcast_address, slots.gateway(subnet)}
    assert (address == slots.address(other, subnet)) == (slot == other)


@given(SUBNETS)
def test_the_gateway_is_the_first_address_of_the_subnet(subnet: IPv4Network) -> None:
    assert slots.gateway(subnet) == next(subnet.hosts())
