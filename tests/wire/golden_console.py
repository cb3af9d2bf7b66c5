"""The wire by example: the operator's console. Part of what `golden` has."""

from __future__ import annotations

from typing import Final

from hyperhive.wire import host_requests as host
from hyperhive.wire.records import Console, Session
from hyperhive.wire.responses import HostResponse
from tests.wire.golden_lines import Lines

HOST_REQUESTS: Final[Lines] = (
    ('{"cmd":"console_link"}', host.ConsoleLink()),
    ('{"cmd":"console_link","read_only":true}', host.ConsoleLink(read_only=True)),
    ('{"cmd":"sessions"}', host.Sessions()),
    ('{"cmd":"revoke","session":3}', host.Revoke(3)),
)

HOST_ANSWERS: Final[Lines] = (
    ('{"version":1,"ok":true,"link":"http://h/open?word=w"}', HostResponse(ok=True, link="http://h/open?word=w")),
    ('{"version":1,"ok":true,"sessions":[]}', HostResponse(ok=True, sessions=())),
    (
        (
            '{"version":1,"ok":true,"sessions":['
            '{"id":1,"opened_at":5,"seen_at":6,"until":7,"client":"Firefox"},'
            '{"id":2,"read_only":true,"opened_at":5,"seen_at":6,"until":7,"client":"curl"}]}'
        ),
        HostResponse(
            ok=True,
            sessions=(
                Session(id=1, opened_at=5, seen_at=6, until=7, client="Firefox"),
                Session(id=2, read_only=True, opened_at=5, seen_at=6, until=7, client="curl"),
            ),
        ),
    ),
    (
        '{"version":1,"ok":true,"console":{"url":"http://hive.localhost:7000"}}',
        HostResponse(ok=True, console=Console(url="http://hive.localhost:7000")),
    ),
    (
        '{"version":1,"ok":true,"console":{"off":"the port is taken"}}',
        HostResponse(ok=True, console=Console(off="the port is taken")),
    ),
)
