"""Where an agent does not get on the network `nat`: the host, other machines, link-local addresses, a false address."""

from __future__ import annotations

import json
import socket

import pytest

from tests.host.hives import call
from tests.host.internet import HOST, METADATA, PORT, SERVER, visit
from tests.host.isolation.den import FORBIDDEN, OUT_OF_REACH, Den, ip
from tests.host.puppets import introduce


def test_the_internet_is_in_reach(den: Den) -> None:
    assert den.alice.do(visit(SERVER)) == HOST


def test_no_address_of_the_hosts_is_in_reach_by_tcp(den: Den) -> None:
    with socket.create_server(("", PORT)):
        for address in _addresses():
            with socket.create_connection((address, PORT), 5):
                pass
            assert den.alice.fails(visit(address)) in OUT_OF_REACH, address


def test_no_address_of_the_hosts_is_in_reach_by_udp(den: Den) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("", PORT))
        server.settimeout(5)
        for address in _addresses():
            den.alice.fails(
                f"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'in', ({address!r}, {PORT}))"
            )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"last", (HOST, PORT))
        assert server.recv(99) == b"last"


def test_the_host_has_no_ipv6_address_on_the_bridge(den: Den) -> None:
    assert call("ip", "-6", "address", "show", "dev", "vz-hive") == ""
    assert call("ip", "-6", "address", "show", "dev", "vb-h-alice") == ""
    code = f"s = socket.create_connection(('fe80::1%host0', {PORT}), 1)"
    assert den.alice.fails(code) in OUT_OF_REACH | {"TimeoutError", "EADDRNOTAVAIL"}


def test_another_machine_is_out_of_reach_even_for_who_knows_where_it_is(den: Den) -> None:
    introduce(den.bob, den.alice)
    introduce(den.alice, den.bob)
    den.bob.do(f"server = socket.create_server(('', {PORT}))\nif os.fork() == 0:\n    signal.pause()")
    with socket.create_connection((den.bob.address, PORT), 5):
        assert den.alice.fails(f"socket.create_connection(({den.bob.address!r}, {PORT}), 1)") == "TimeoutError"
    address = den.bob.link_local
    told = den.alice.fails(f"socket.create_connection(('{address}%host0', {PORT}), 1)")
    assert told == "TimeoutError"


def test_no_datagram_gets_to_another_machine(den: Den) -> None:
    introduce(den.bob, den.alice)
    port = PORT + 1
    den.bob.do(
        f"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', {port}))\n"
        "if os.fork() == 0:\n    data, _ = s.recvfrom(99); open('/state/heard', 'wb').write(data); os._exit(0)"
    )
    send = "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto({!r}, ({!r}, {}))"
    den.alice.do(send.format(b"from alice", den.bob.address, port))
    den.bob.do(f"os.mkfifo('/state/heard'); {send.format(b'from bob', '127.0.0.1', port)}")
    assert den.bob.do("result = open('/state/heard').read(); os.unlink('/state/heard')") == "from bob"


def test_the_clouds_metadata_is_out_of_reach(den: Den) -> None:
    with socket.create_connection((METADATA, PORT), 5):
        assert den.alice.fails(visit(METADATA)) in OUT_OF_REACH


@pytest.mark.parametrize(
    "words", ["address add 10.215.9.9/16 dev host0", "link set host0 down", "route add 1.2.3.4 dev host0"]
)
def test_its_address_and_its_routes_cant_be_changed(den: Den, words: str) -> None:
    assert "Operation not permitted" in den.alice.do(ip(words))


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)",
        "socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)",
        "socket.socket().setsockopt(socket.SOL_IP, 19, 1)",
    ],
    ids=["icmp", "raw", "icmp6", "ping", "packet", "transparent"],
)
def test_no_packet_of_its_own_making_can_be_sent(den: Den, code: str) -> None:
    assert den.alice.fails(code) in FORBIDDEN | {"EAFNOSUPPORT"}


def test_it_cant_send_as_another_machine(den: Den) -> None:
    code = f"""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_IP, 15, 1)
s.bind(({den.bob.address!r}, 0))
s.sendto(b"as bob", ({SERVER!r}, {PORT}))
"""
    assert den.alice.fails(code) in {"EINVAL", "ENETUNREACH"}


def _addresses() -> list[str]:
    """Every IPv4 address of the host, but those of its loopback."""
    links = json.loads(call("ip", "-json", "-4", "address", "show"))
    found = [address["local"] for link in links for address in link["addr_info"]]
    return [address for address in found if not address.startswith("127.")]
