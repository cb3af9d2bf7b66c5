"""What a form says, as pages are told it."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urlencode

from attrs import define
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.http_headers import Headers

from hyperhive.dashboard.reading import FORM, form_of, path_of, query_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@define
class Request:
    """What `reading` looks at."""

    content: BytesIO
    uri: bytes = b"/"
    too_large: bool = False
    requestHeaders: Headers = Headers({b"content-type": [FORM.encode()]})

    @property
    def path(self) -> bytes:
        return self.uri.partition(b"?")[0]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=20))
def test_what_a_browser_sends_is_read_as_it_was_typed(typed: list[tuple[str, str]]) -> None:
    wanted: dict[str, list[str]] = {}
    for name, value in typed:
        wanted.setdefault(name, []).append(value.replace("\r\n", "\n"))
    written = urlencode(typed).encode()
    assert form_of(Request(BytesIO(written))) == wanted
    assert query_of(Request(BytesIO(), b"/?" + written)) == wanted


def test_lines_end_as_everything_else_here_ends_them() -> None:
    assert form_of(Request(BytesIO(b"a=1%0D%0A2&a=+%C3%BC+&b&=c&&"))) == {"a": ["1\n2", " ü "], "b": [""], "": ["c"]}


def test_an_address_is_decoded_once() -> None:
    assert path_of(Request(BytesIO(), b"/a%2520%C3%BC+b?x")) == "/a%20ü+b"
