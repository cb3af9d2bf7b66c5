"""Addresses as browsers write them, in what the operator sets and in what the console calls itself."""

from __future__ import annotations

import pytest
from twisted.web.test.requesthelper import DummyRequest

from hyperhive.dashboard.guard import Place
from hyperhive.origins import origin
from hyperhive.settings import SETTINGS


@pytest.mark.parametrize(
    ("scheme", "port", "written"),
    [
        ("http", 80, "http://hive.example"),
        ("https", 443, "https://hive.example"),
        ("http", 443, "http://hive.example:443"),
        ("https", 80, "https://hive.example:80"),
        ("http", 7000, "http://hive.example:7000"),
        ("http", None, "http://hive.example"),
    ],
)
def test_the_port_that_goes_without_saying_is_not_said(scheme: str, port: int | None, written: str) -> None:
    assert origin(scheme, "hive.example", port) == written
    said = "" if port is None else f":{port}"
    assert SETTINGS["dashboard_url"](f"{scheme}://HIVE.example{said}/") == written


def test_a_form_that_the_console_at_port_80_sends_is_its_own() -> None:
    place = Place(origin("http", "hive.example", 80))
    request = DummyRequest([b""])
    request.requestHeaders.setRawHeaders(b"origin", [b"http://hive.example"])
    for host in (b"hive.example", b"hive.example:80"):
        request.requestHeaders.setRawHeaders(b"host", [host])
        assert place.is_asked_for(request)
        assert place.sent(request)
