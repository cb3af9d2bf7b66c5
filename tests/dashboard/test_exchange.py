"""A form and what is shown after it: what was done is said once, and done whether or not anybody waits for it."""

from __future__ import annotations

import socket
from urllib.parse import urlencode

import pytest

from hyperhive.dashboard.guard import token_of
from tests.daemon.client import PATIENCE
from tests.daemon.harness import Hive
from tests.dashboard.console import Console


def waiting(hive: Hive) -> int:
    """An approval that waits."""
    with hive.manager() as manager:
        return int(manager.ask("request_spawn", name="carol")["id"])


def test_what_was_done_is_said_once_and_to_no_page_that_was_open(hive: Hive, console: Console) -> None:
    number = waiting(hive)
    page = console.get(f"/approvals/{number}")
    assert page.status == 200
    answer = console.send(f"/approvals/{number}", {"decision": "deny"})
    assert answer.status == 303
    said = f"Approval {number} is denied."
    open_page = console.request("GET", "/", headers={"X-Part": "1"})
    assert said not in open_page.text
    assert console.request("HEAD", answer.headers["location"]).status == 200
    assert said in console.get(answer.headers["location"]).text
    assert said not in console.get(answer.headers["location"]).text
    assert said not in Console.opened(hive).get(answer.headers["location"]).text


def test_what_is_decided_is_done_though_the_browser_goes_away_at_once(hive: Hive, console: Console) -> None:
    number = waiting(hive)
    body = urlencode({"token": token_of(console.key or ""), "decision": "approve"}).encode()
    head = [
        f"POST /approvals/{number} HTTP/1.1",
        f"Host: {console.host}",
        f"Origin: {console.url}",
        f"Cookie: hive-session={console.key}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    with hive.host() as following:
        assert following.ask("subscribe")["ok"]
        with socket.create_connection(("127.0.0.1", int(console.host.rpartition(":")[2])), PATIENCE) as connection:
            connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        while following.hear()["change"].get("approval", {}).get("status") != "approved":
            pass
    assert "carol" in console.get("/agents").text


def test_what_is_refused_shows_what_was_typed_and_no_token(console: Console) -> None:
    answer = console.send("/no-such-agent", {"note": "a <b>long</b> thought"})
    assert answer.status == 404
    for path in ("/agents/nobody/order", "/mail/new"):
        refused = console.send(path, {"body": "a <b>long</b> thought", "to": "nobody"})
        assert refused.status in {404, 409}, path
        assert "a <b>long</b> thought" in refused.html.replace("&lt;", "<").replace("&gt;", ">"), path
        assert "<b>long" not in refused.html, path


def test_a_refused_form_is_mended_and_sent_from_the_page_that_says_why(hive: Hive, console: Console) -> None:
    refused = console.send("/mail/new", {"to": "manger", "body": "  two\n lines <b>", "back": "/agents/manager"})
    assert refused.status == 409
    form = refused.form("/mail/new")
    assert form.fields["to"] == "manger"
    assert form.buttons == ["Send it again"]
    for label in ("To", "Your words"):
        assert label in refused.text
    for name in ("body", "back", "in_reply_to"):
        assert name not in refused.text.replace("nobody", "")
    sent = console.post("/mail/new", **{**form.fields, "to": "manager", "body": "  two\n lines <b>"})
    assert sent.path == "/agents/manager"
    with hive.manager() as manager:
        (letter,) = manager.ask("recv", max=1, wait_seconds=5)["messages"]
    assert letter["body"] == "  two\n lines <b>"


def test_a_refusal_of_a_foreign_form_is_no_form_that_may_be_sent(console: Console) -> None:
    refused = console.send("/mail/new", {"token": "guessed", "to": "manager", "body": "do evil"})
    assert refused.status == 403
    assert "do evil" in refused.text
    assert "/mail/new" not in [form.action for form in refused.forms]


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("{url}/agents?text=manager", "/agents?text=manager"),
        ("{url}/agents/manager/order", "/agents/manager"),
        ("{url}//elsewhere.example/agents", "/agents/manager"),
        ("http://elsewhere.example/agents", "/agents/manager"),
    ],
)
def test_a_refusal_leads_back_to_the_page_of_the_form_and_never_off_this_console(
    console: Console, referer: str, back: str
) -> None:
    order = {"what": "cancel_turn"}
    refused = console.send("/agents/manager/order", order, Referer=referer.format(url=console.url))
    assert refused.status == 409
    assert "What you typed" not in refused.text
    (link,) = [link for link in refused.links if link.startswith(("/agents/", "/agents?", "//", "http"))]
    assert link == back
