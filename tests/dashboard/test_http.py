"""HTTP itself: what is refused before a page sees it, and with what sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hyperhive.dashboard.channel import LARGEST_FORM, LARGEST_WASTE
from hyperhive.dashboard.guard import HEADERS
from tests.daemon.conftest import short_lived
from tests.dashboard.console import FREE, Console

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    """One session for all that is refused before it matters."""
    with short_lived() as hive:
        hive.start(*FREE)
        yield Console.opened(hive)


def sent(console: Console, body: bytes, kind: str = FORM) -> tuple[int, str]:
    """The status and the words of the answer to a form in those bytes."""
    headers = {"Origin": console.url, "Content-Type": kind}
    answer = console.request("POST", "/leave", body, headers)
    return answer.status, answer.text


@pytest.mark.parametrize(
    "request_", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000]
)
def test_what_is_no_http_is_refused_with_all_headers(console: Console, request_: bytes) -> None:
    head, _, body = console.raw(request_).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert all(b"\r\n" + b": ".join(header) in head for header in HEADERS.items())
    assert body == b"this is no request of HTTP/1.1\n"


@pytest.mark.parametrize("case", [str.upper, str.title])
def test_the_host_may_be_written_in_any_case(console: Console, case: Callable[[str], str]) -> None:
    assert console.request("GET", "/", headers={"Host": case(console.host)}).status == 200


def test_a_request_with_two_hosts_is_for_none(console: Console) -> None:
    head = f"GET /login HTTP/1.1\r\nHost: {console.host}\r\nHost: {console.host}\r\nConnection: close\r\n\r\n"
    assert console.raw(head.encode()).startswith(b"HTTP/1.1 421 ")


def test_head_is_get_without_the_page(console: Console) -> None:
    for path in ("/", "/login", "/nowhere", next(tag["href"] for name, tag in console.get("/").tags if name == "link")):
        page, head = console.get(path), console.request("HEAD", path)
        assert (head.status, head.body) == (page.status, b"")
        assert head.headers["content-length"] == str(len(page.body))


def test_a_method_that_a_page_lacks_is_refused_with_those_that_it_has(console: Console) -> None:
    answer = console.request("DELETE", "/open")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    assert "/open takes GET and POST, and no DELETE" in answer.text


def test_a_form_that_is_too_large_is_refused_in_a_sentence(console: Console) -> None:
    for body in (b"a=" + b"x" * LARGEST_FORM, b"a=" + b"x" * (4 * LARGEST_FORM)):
        status, words = sent(console, body)
        assert status == 413
        assert "a form may hold 1024 KiB, and this one holds more" in words
    assert sent(console, b"a=" + b"x" * (LARGEST_FORM - 2))[0] == 403


def test_who_sends_without_end_is_cut_off(console: Console) -> None:
    with pytest.raises(OSError, match=r"(?i)reset|broken pipe"):
        sent(console, b"a=" + b"x" * (LARGEST_WASTE + 64 * LARGEST_FORM))
    assert console.get("/").status == 200


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"a=%ff", 400, "a field of the form is no UTF-8"),
        (b"%ff=a", 400, "the name of a field of the form is no UTF-8"),
        (b"a=1&" * 1001, 400, "the form has more than 1000 fields"),
        (b"a=1&" * 1000, 403, "lacks its session's token"),
        (b"token=x", 403, "lacks its session's token"),
        (b"", 403, "lacks its session's token"),
    ],
)
def test_a_form_that_nobody_can_read_is_refused(console: Console, body: bytes, status: int, words: str) -> None:
    told = sent(console, body)
    assert told[0] == status
    assert words in told[1]


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "application/json", ""])
def test_a_form_is_taken_in_one_encoding(console: Console, kind: str) -> None:
    status, words = sent(console, b"--x--", kind)
    assert status == 415
    assert f"a form is sent here as {FORM}" in words


@pytest.mark.parametrize("path", ["/%ff", "/login?a=%ff"])
def test_an_address_that_is_no_text_is_refused(console: Console, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: {console.host}\r\nCookie: hive-session={console.key}\r\nConnection: close\r\n"
    answer = console.raw(head.encode() + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"is no UTF-8" in answer


def test_headers_may_be_any_bytes(console: Console) -> None:
    head = f"GET /login HTTP/1.1\r\nHost: {console.host}\r\nConnection: close\r\n".encode()
    names = (b"User-Agent", b"Cookie", b"X-Part", b"Origin", b"Sec-Fetch-Site", b"Last-Event-ID")
    for name in names:
        assert console.raw(head + name + b": hive-session=\xff\xfe\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_link_to_a_page_on_another_host_is_not_shown_as_one_of_ours(console: Console) -> None:
    stranger = Console(console.url)
    for path in ("//evil.example/", "/\\evil.example"):
        answer = stranger.get(path)
        assert answer.status == 401
        assert not [link for link in answer.links if link.startswith(("//", "/\\"))]


def test_files_are_kept_for_ever_by_their_version_alone(console: Console) -> None:
    (address,) = {tag["src"] for name, tag in console.get("/").tags if name == "script" and "app.js" in tag["src"]}
    _, _, version, name = address.split("/")
    own = console.get(address)
    assert own.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert own.headers["content-type"] == "text/javascript; charset=utf-8"
    other = console.get(f"/static/{version[::-1]}/{name}")
    assert (other.body, other.headers["cache-control"]) == (own.body, "no-store")
    for missing in ("/static", "/static/", f"/static/{version}", f"/static/{version}/../resource.py", "/static/x/y"):
        assert console.get(missing).status == 404
    assert console.request("POST", address, b"").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "sentence", "link"),
    [
        ("/agents/nobody", "there is no agent 'nobody' in this hive; the page Agents names those there are", "/agents"),
        ("/questions/99", "there is no question 99; the page Questions lists the open ones", "/questions"),
        ("/agents/manager/turns/99", "there is no turn 99; the page of each agent lists its last ones", "/agents"),
    ],
)
def test_what_is_not_here_leads_to_the_page_that_lists_what_is(
    console: Console, path: str, sentence: str, link: str
) -> None:
    page = console.get(path)
    assert page.status == 404
    assert sentence in page.text
    assert link in page.links
