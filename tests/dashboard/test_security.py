"""Nobody decides but the operator: whatever else is sent to the console's port, by a browser or by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from hyperhive.dashboard import pages  # noqa: F401 - fills the table of routes
from hyperhive.dashboard.guard import HEADERS, token_of
from hyperhive.dashboard.resource import LEAVE, OPEN
from hyperhive.dashboard.routes import ROUTES
from tests.daemon.conftest import short_lived
from tests.daemon.harness import Hive
from tests.dashboard.console import FREE, Console
from tests.dashboard.shown import Shown
from tests.dashboard.working import Worker

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NUMBERS = itertools.count()
OWN = {"Sec-Fetch-Site": "same-origin", **FORM}
FILLED = {"name": "alice", "step": "deployed", "number": "0"}
"""What stands in a path for what its pattern leaves open; for any other part it is `1`."""


def _paths(method: str) -> list[str]:
    """A path for every route of that method, each of something that is there."""
    filled = []
    for route in ROUTES:
        if route.method == method:
            path = route.pattern.pattern
            for name in route.pattern.groupindex:
                for part in ("[0-9]{1,18}", "[^/]{1,128}"):
                    path = path.replace(f"(?P<{name}>{part})", FILLED.get(name, "1"))
            filled.append(path)
    return sorted(set(filled))


LOOKS = [path for path in _paths("GET") if path not in OPEN]
DECIDES = [path for path in _paths("POST") if path not in OPEN]


@pytest.fixture(scope="module")
def hive() -> Iterator[Hive]:
    """One hive for all that is refused by it, in which there is something on every page."""
    with short_lived() as hive:
        hive.start(*FREE)
        alice = Worker(hive, "alice")
        alice.begin()
        assert alice.client.ask("ask_operator", question="Which colour?", options=["red", "blue"])["id"] == 1
        assert _waiting(hive) == 1
        yield hive


@pytest.fixture(scope="module")
def console(hive: Hive) -> Console:
    """A session that may decide."""
    return Console.opened(hive)


@pytest.fixture(scope="module")
def onlooker(hive: Hive) -> Console:
    """A session that may look."""
    return Console.opened(hive, read_only=True)


def _form(console: Console, **fields: str) -> bytes:
    """A form of that session's, with its token."""
    return urlencode({"token": token_of(console.key or ""), **fields}).encode()


def _waiting(hive: Hive) -> int:
    """An approval that waits for the operator."""
    with hive.manager() as manager:
        return int(manager.ask("request_spawn", name=f"carol{next(NUMBERS)}", description="to review")["id"])


def _word(hive: Hive) -> str:
    """What a new link carries."""
    with hive.host() as host:
        return str(host.ask("console_link")["link"].partition("word=")[2])


def _still_waits(hive: Hive, approval: int) -> bool:
    with hive.host() as host:
        waiting = approval in [row["id"] for row in host.ask("pending")["approvals"]]
        assert host.ask("deny", id=approval)["ok"] is waiting
    return bool(waiting)


@pytest.mark.parametrize("path", [*LOOKS, "/events", "/no-such-page"])
def test_without_a_session_no_page_is_shown(console: Console, path: str) -> None:
    answer = Console(console.url).get(path)
    assert answer.status == 401
    if path != "/events":
        assert "run 'hivectl dashboard'" in answer.text
    assert "manager" not in answer.html


@pytest.mark.parametrize("path", DECIDES)
def test_without_a_session_nothing_is_decided(console: Console, path: str) -> None:
    stranger = Console(console.url)
    body = _form(console)
    assert stranger.request("POST", path, body, {"Origin": console.url, **OWN}).status == 401


@pytest.mark.parametrize("key", ["", "x", "x" * 43, "x" * 4000, "\xe4\xf6", "%00"])
def test_a_made_up_key_is_no_session(console: Console, key: str) -> None:
    assert Console(console.url).request("GET", "/", headers={"Cookie": f"hive-session={key}"}).status == 401


@pytest.mark.parametrize("path", DECIDES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:7000"},
        {},
        {"Origin": "own", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "own", "Sec-Fetch-Site": "same-site"},
        {"Origin": "own", "Sec-Fetch-Site": "none"},
    ],
    ids=["foreign", "null", "by-number", "without", "cross-site", "same-site", "typed"],
)
def test_a_form_that_another_site_sends_decides_nothing(console: Console, path: str, headers: dict[str, str]) -> None:
    if headers.get("Origin") == "own":
        headers = {**headers, "Origin": console.url}
    answer = console.request("POST", path, _form(console), {**FORM, **headers})
    assert answer.status == 403
    assert "was not sent by a page of this console" in answer.text


@pytest.mark.parametrize("path", DECIDES)
@pytest.mark.parametrize("token", [None, "", "x" * 64, "another's"])
def test_a_form_without_the_token_of_its_session_decides_nothing(
    console: Console, onlooker: Console, path: str, token: str | None
) -> None:
    given = token_of(onlooker.key or "") if token == "another's" else token
    body = urlencode({} if given is None else {"token": given}).encode()
    answer = console.request("POST", path, body, {"Origin": console.url, **OWN})
    assert answer.status == 403
    assert "lacks its session's token" in answer.text


@pytest.mark.parametrize("path", [path for path in DECIDES if path != LEAVE])
def test_a_session_that_may_only_look_decides_nothing(onlooker: Console, path: str) -> None:
    answer = onlooker.send(path, {})
    assert answer.status == 403
    assert "may look and not decide" in answer.text


@pytest.mark.parametrize("path", LOOKS)
def test_a_session_that_may_only_look_is_shown_no_form_that_decides(onlooker: Console, hive: Hive, path: str) -> None:
    approval = _waiting(hive)
    answer = onlooker.get(path, turn="1", what="stop")  # which two pages must be told
    assert answer.status == 200
    assert answer.decisions == []
    assert _still_waits(hive, approval)


@pytest.mark.parametrize("path", DECIDES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "post"])
def test_only_post_decides(console: Console, hive: Hive, path: str, method: str) -> None:
    approval = _waiting(hive)
    own = path.replace("approvals/1", f"approvals/{approval}")
    query = urlencode({"token": token_of(console.key or ""), "decision": "approve", "note": "no"})
    answer = console.request(method, f"{own}?{query}", headers={"Origin": console.url, **OWN})
    assert answer.status in ({200, 405, 404, 501} if path in LOOKS else {405, 404, 501})
    assert _still_waits(hive, approval)


def test_what_stands_in_the_address_is_no_part_of_a_form(console: Console) -> None:
    """A token in an address would be in every history and log."""
    answer = console.request(
        "POST", f"/no-such?token={token_of(console.key or '')}", b"", {"Origin": console.url, **OWN}
    )
    assert answer.status == 404
    query = urlencode({"token": token_of(console.key or "")})
    answer = console.request("POST", f"{DECIDES[0]}?{query}", b"", {"Origin": console.url, **OWN})
    assert answer.status == 403


def test_a_link_opens_one_session(console: Console, hive: Hive) -> None:
    word = _word(hive)
    stranger = Console(console.url)
    assert stranger.get("/open", word=word).status == 200
    assert stranger.send("/open", {"word": word}).status == 303
    again = stranger.send("/open", {"word": word})
    assert again.status == 409
    assert "used already" in again.text
    assert "set-cookie" not in again.headers


def test_a_link_is_opened_by_a_form_of_the_consoles_own(console: Console, hive: Hive) -> None:
    """Else another site could have the operator in a session of its own choice."""
    word = _word(hive)
    stranger = Console(console.url)
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert stranger.send("/open", {"word": word}, **headers).status == 403
    assert stranger.send("/open", {"word": word}).status == 303


def test_a_session_that_was_revoked_is_none(console: Console, hive: Hive) -> None:
    opened = Console.opened(hive)
    assert opened.get("/").status == 200
    with hive.host() as host:
        newest = max(session["id"] for session in host.ask("sessions")["sessions"])
        assert host.ask("revoke", session=newest)["ok"]
    assert opened.get("/").status == 401
    assert console.get("/").status == 200


def test_the_cookie_is_for_the_browser_alone(console: Console, hive: Hive) -> None:
    word = _word(hive)
    cookie = Console(console.url).send("/open", {"word": word}).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie


def test_neither_a_key_nor_a_word_is_in_the_log_or_the_database(console: Console, hive: Hive) -> None:
    word = _word(hive)
    opened = Console(console.url)
    cookie = opened.send("/open", {"word": word}).headers["set-cookie"]
    opened.key = cookie.partition(";")[0].removeprefix("hive-session=")
    assert opened.get("/").status == 200
    secrets = [word, opened.key, token_of(opened.key)]
    assert not [secret for secret in secrets if secret in hive.daemons[-1].log]
    for path in hive.state.glob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], path


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/static/app.css", "/static/nothing", "/open"])
@pytest.mark.parametrize("asked", ["let in", "stranger", "elsewhere"])
def test_every_answer_says_what_a_browser_may_do_with_it(console: Console, path: str, asked: str) -> None:
    who = Console(console.url) if asked == "stranger" else console
    answer = who.request("GET", path, headers={"Host": "evil.example"} if asked == "elsewhere" else {})
    _is_guarded(answer)


def _is_guarded(answer: Shown) -> None:
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert {name.decode() for name in HEADERS} <= answer.headers.keys()


def test_what_twisted_refuses_by_itself_reveals_nothing(console: Console) -> None:
    for request in (b"GARBAGE\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n"):
        heard = console.raw(request)
        assert heard.startswith(b"HTTP/1.1 400 ")
        assert b"Traceback" not in heard
        assert b"manager" not in heard


def test_who_speaks_tls_is_told_nothing(console: Console) -> None:
    assert console.raw(b"\x16\x03\x01\x02\x00", ends=True) == b""
    assert console.get("/").status == 200


def test_a_form_far_larger_than_may_be_is_cut_off_and_costs_no_memory(console: Console, hive: Hive) -> None:
    before = hive.daemons[-1].resident_bytes()
    body = _form(console, note="x" * (64 * 1024 * 1024))
    # What is more than may be let go by is not listened to: the sender finds the connection cut.
    with pytest.raises(ConnectionError):
        console.request("POST", DECIDES[0], body, {"Origin": console.url, **OWN})
    assert hive.daemons[-1].resident_bytes() - before < 16 * 1024 * 1024
    assert console.get("/").status == 200


@pytest.mark.parametrize("path", DECIDES)
def test_a_line_break_in_a_form_makes_no_header(hive: Hive, path: str) -> None:
    console = Console.opened(hive)  # one of the forms ends its session
    path = path.replace("sessions/1/", "sessions/0/")  # and another one that of others
    answer = console.send(path, dict.fromkeys(("name", "to", "note", "text"), "a\r\nX-Injected: 1"))
    assert answer.status in {303, 404, 409}
    assert "x-injected" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [("/%0d%0aX-Injected:%201", 404), ("/agents/a%0d%0aX-Injected:%201", 404), ("/mail?q=%0d%0aX-Injected:%201", 200)],
)
def test_a_line_break_in_an_address_makes_no_header(console: Console, path: str, status: int) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: {console.host}\r\nCookie: hive-session={console.key}\r\nConnection: close\r\n"
    answer = console.raw(f"{head}\r\n".encode()).partition(b"\r\n\r\n")[0]
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\nx-injected" not in answer.lower()
