"""The console's own files, as they are sent."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

import pytest

from hyperhive.dashboard.files import own_files
from tests.dashboard.console import Console


def sent(console: Console, headers: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
    """What comes of `live.js`."""
    answer = console.request("GET", "/static/any/live.js", headers=headers)
    assert answer.status == 200
    assert (answer.headers["vary"], answer.headers["content-length"]) == ("accept-encoding", str(len(answer.body)))
    return answer.body, answer.headers


@pytest.mark.parametrize("takes", ["gzip", "br;q=1.0, GZIP , zstd"])
def test_a_file_is_sent_packed_to_who_takes_it_so(console: Console, takes: str) -> None:
    body, headers = sent(console, {"Accept-Encoding": takes})
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == own_files()["live.js"].content


@pytest.mark.parametrize("takes", ["", "gzip;q=0", "gzipped, br"])
def test_a_file_is_sent_as_it_is_to_who_does_not(console: Console, takes: str) -> None:
    body, headers = sent(console, {"Accept-Encoding": takes})
    assert "content-encoding" not in headers
    assert body == own_files()["live.js"].content
