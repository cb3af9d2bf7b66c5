"""Where the console can be told to listen."""

from __future__ import annotations

import pytest

from hyperhive.dashboard.site import _endpoint, own_url


@pytest.mark.parametrize(
    ("said", "endpoint"),
    [
        ("127.0.0.1:7000", "tcp:7000:interface=127.0.0.1"),
        ("localhost:80", "tcp:80:interface=localhost"),
        ("[::1]:7000", r"tcp:7000:interface=\:\:1"),
        ("tcp:7000", "tcp:7000"),
        ("tcp:7000:interface=0.0.0.0", "tcp:7000:interface=0.0.0.0"),
        ("unix:/run/console.sock", "unix:/run/console.sock"),
    ],
)
def test_an_address_and_a_port_are_short_for_an_endpoint(said: str, endpoint: str) -> None:
    assert _endpoint(said) == endpoint


def test_at_port_80_the_console_has_the_address_that_browsers_write() -> None:
    assert own_url("0a1b", 80) == "http://hive-0a1b.localhost"
    assert own_url("0a1b", 443) == "http://hive-0a1b.localhost:443"
