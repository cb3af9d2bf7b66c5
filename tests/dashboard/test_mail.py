"""Mail in the console: what flows, what is found, one message, writing, and what got stuck."""

from __future__ import annotations

import pytest

from tests.daemon.client import Answer
from tests.daemon.harness import Hive
from tests.dashboard.console import Console

HOSTILE = '<script>alert("1")</script> \' " & \u202etxt.exe {{ 7*7 }}'


def wrote(hive: Hive, to: str, body: str, **more: object) -> int:
    """The id of a message of the operator's."""
    with hive.host() as host:
        return int(host.ask("send", to=to, body=body, **more)["id"])


def inbox(hive: Hive) -> list[Answer]:
    """What the manager has in its inbox, taken."""
    with hive.manager() as manager:
        return list(manager.ask("recv", max=32, wait_seconds=5)["messages"])


def test_a_hive_without_mail_says_so(console: Console) -> None:
    assert "nobody wrote to anybody yet" in console.get("/mail").part("mail")


def test_mail_is_listed_with_who_wrote_to_whom_and_how_it_stands(hive: Hive, console: Console) -> None:
    first, second = wrote(hive, "manager", "the first words"), wrote(hive, "manager", "the second")
    shown = console.get("/mail")
    row = shown.part(f"message-{first}")
    assert "operator to manager" in row
    assert "the first words" in row
    assert "queued" in row
    assert shown.text.index("the second") < shown.text.index("the first words")
    assert f"/mail/{second}" in shown.links
    for page in (shown, console.get(f"/mail/{second}")):
        assert "/agents/manager" in page.links
        assert "/agents/operator" not in page.links
    inbox(hive)
    assert "in hand" in console.get("/mail").part(f"message-{first}")


def test_hostile_mail_is_text_everywhere(hive: Hive, console: Console) -> None:
    id_ = wrote(hive, "manager", HOSTILE)
    reply = wrote(hive, "manager", HOSTILE, in_reply_to=id_)
    for path in ("/mail", f"/mail/{id_}", f"/mail/{reply}", "/mail?q=alert"):
        shown = console.get(path)
        assert shown.status == 200
        assert '<script>alert("1")</script>' in shown.text
        assert "<script>alert" not in shown.html
        assert "\u202e" not in shown.html
        assert "U+202E" in shown.text
        assert "{{ 7*7 }}" in shown.text


def test_mail_is_found_by_its_words(hive: Hive, console: Console) -> None:
    parser, other = wrote(hive, "manager", "please mend the parser"), wrote(hive, "manager", "and the lexer")
    found = console.get("/mail", q="PARSER mend")
    assert f"message-{parser}" in found.ids
    assert f"message-{other}" not in found.ids
    assert "Nothing was found" in console.get("/mail", q="nowhere").part("mail")
    later = wrote(hive, "manager", "the parser again")
    assert f"message-{later}" in console.get("/mail", q="parser").ids


@pytest.mark.parametrize(
    "query", ['"', "parser AND", "(", "a OR", "NEAR(", "*", 'x" OR body:"y', "\x00", "%", "\u202e"]
)
def test_no_query_breaks_a_search(hive: Hive, console: Console, query: str) -> None:
    wrote(hive, "manager", "the parser")
    answer = console.get("/mail", q=query)
    assert answer.status in (200, 400)
    assert answer.status == 200 or "there is no word to search for" in answer.text


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("kind", "spam", "'spam' is no kind of mail; it must be one of mail, events, questions, reminders"),
        ("state", "lost", "'lost' is no state of mail; it must be one of queued, leased, done, dead, held"),
        ("since", "yesterday", "'yesterday' is no day; one is written as 2026-01-31"),
        ("until", "9999-12-31", "'9999-12-31' is no day"),
        ("before", "-1", "'before' is the number of a message"),
        ("before", "\u0663", "'before' is the number of a message"),
    ],
)
def test_a_filter_that_is_none_is_told_what_would_be(
    console: Console, name: str, value: str, sentence: str
) -> None:  # fmt: skip
    answer = console.get("/mail", **{name: value})
    assert answer.status == 400
    assert sentence in answer.text


def test_mail_is_filtered(hive: Hive, console: Console) -> None:
    id_ = wrote(hive, "manager", "hello")
    for there in ({"agent": "manager"}, {"kind": "mail"}, {"state": "queued"}, {"since": "2020-01-01"}):
        assert f"message-{id_}" in console.get("/mail", **there).ids
    for elsewhere in ({"agent": "nobody"}, {"kind": "reminders"}, {"state": "done"}, {"until": "2020-01-01"}):
        assert f"message-{id_}" not in console.get("/mail", **elsewhere).ids


def test_older_mail_is_a_page_further_with_the_same_filter(hive: Hive, console: Console) -> None:
    ids = [wrote(hive, "manager", f"word {number}") for number in range(51)]
    first = console.get("/mail", q="word")
    assert f"message-{ids[0]}" not in first.ids
    (older,) = [link for link in first.links if "before=" in link]
    assert "q=word" in older
    second = console.get(older)
    assert [id_ for id_ in second.ids if id_.startswith("message-")] == [f"message-{ids[0]}"]


def test_a_message_shows_its_conversation_and_takes_a_reply(hive: Hive, console: Console) -> None:
    id_ = wrote(hive, "manager", "how far are you?")
    inbox(hive)
    with hive.manager() as manager:
        answered = manager.ask("send", to="operator", body="nearly there", in_reply_to=id_)["id"]
    shown = console.get(f"/mail/{answered}")
    assert "how far are you?" in shown.part(f"thread-{id_}")
    form = shown.form("/mail/new")
    assert (form.fields["to"], form.fields["in_reply_to"]) == ("manager", str(answered))
    after = console.post(form.action, **{**form.fields, "body": "good"})
    assert "is on its way to manager" in after.text
    assert after.path == f"/mail/{answered}"
    thread = [id_ for id_ in after.ids if id_.startswith("thread-")]
    assert len(thread) == 3
    (letter,) = inbox(hive)
    assert (letter["body"], letter["in_reply_to"]) == ("good", answered)


def test_what_became_of_a_message_is_told(hive: Hive, console: Console) -> None:
    id_ = wrote(hive, "manager", "do it")
    inbox(hive)
    with hive.manager() as manager:
        manager.ask("ack_turn", ids=[id_])
    assert "done" in console.get(f"/mail/{id_}").part("message")


def test_a_message_that_a_turn_took_leads_to_that_turn(hive: Hive, console: Console) -> None:
    id_ = wrote(hive, "manager", "do it")
    with hive.manager() as manager:
        letters = manager.ask("recv", max=1, wait_seconds=5)["messages"]
        turn = manager.ask("begin_turn", ids=[letter["id"] for letter in letters], runner="claude", model="m")["id"]
    address = f"/agents/manager/turns/{turn}"
    assert address in console.get(f"/mail/{id_}").links
    assert console.get(address).status == 200


def test_there_is_no_page_of_a_message_that_is_none(console: Console) -> None:
    answer = console.get("/mail/999")
    assert answer.status == 404
    assert "there is no message 999" in answer.text
    assert console.get("/mail/999999999999999999").status == 404


def test_a_message_is_written_to_whom_the_list_names(hive: Hive, console: Console) -> None:
    sheet = console.get("/mail/new", to="manager")
    assert sheet.form("/mail/new").fields["to"] == "manager"
    assert ("option", {"value": "manager"}) in sheet.tags
    after = console.post("/mail/new", to="manager", body="  two\n lines")
    assert "is on its way to manager" in after.text
    assert inbox(hive)[0]["body"] == "  two\n lines"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"to": "nobody", "body": "hi"}, "nobody here is called 'nobody'"),
        ({"to": "", "body": "hi"}, "nobody is named"),
        ({"to": "manager", "body": " \n"}, "the message is empty"),
        ({"to": "manager", "body": "x" * 262145}, "the message is too long"),
        ({"to": "manager", "body": "hi", "in_reply_to": "x"}, "'in reply to' is the number of a message"),
    ],
)
def test_what_can_t_be_sent_is_refused_in_a_sentence_and_what_was_typed_is_kept(
    console: Console, fields: dict[str, str], sentence: str
) -> None:
    answer = console.post("/mail/new", **fields)
    assert answer.status == 409
    assert sentence in answer.text
    assert fields["body"].strip()[:100] in answer.text


def test_a_dead_letter_says_why_and_is_queued_again(hive: Hive, console: Console) -> None:
    id_ = wrote(hive, "manager", "again and again")
    with hive.manager() as manager:
        for _ in range(5):
            manager.ask("recv", max=1, wait_seconds=5)
            manager.ask("requeue_inflight")
    dead = console.get("/mail", state="dead")
    assert "dead" in dead.part(f"message-{id_}")
    shown = console.get(f"/mail/{id_}")
    assert "Why" in shown.part("message")
    after = console.post(f"/mail/{id_}/requeue")
    assert f"Message {id_} is queued again." in after.text
    assert "queued" in after.part("message")
    assert "is no dead letter" in console.post(f"/mail/{id_}/requeue").text


def test_a_held_conversation_is_said_and_released(hive: Hive, console: Console) -> None:
    assert console.post("/mail/held/1/release").status == 409
    with hive.host() as host:
        assert host.ask("spawn", name="alice")["ok"]
    with hive.manager() as manager, hive.agent("alice") as alice:
        cause = manager.ask("send", to="alice", body="0")["id"]
        sides = [(alice, "manager"), (manager, "alice")]
        for number in range(41):
            side, to = sides[number % 2]
            cause = side.ask("send", to=to, body=str(number + 1), in_reply_to=cause)["id"]
    shown = console.get("/mail")
    (form,) = [form for form in shown.forms if form.action.endswith("/release")]
    assert "by themselves for too long" in shown.part("held")
    assert "system to operator" in shown.part("mail")
    assert "To you (0)" in shown.part("mail-places")
    assert "This conversation is held" in console.get(f"/mail/{cause}").part("message")
    after = console.post(form.action)
    assert "goes on" in after.text
    assert after.part("held") == ""


def test_an_onlooker_sees_mail_and_no_way_to_touch_it(hive: Hive, console: Console, onlooker: Console) -> None:
    del console
    id_ = wrote(hive, "manager", "hello")
    for path in ("/mail", f"/mail/{id_}", "/mail/new"):
        assert onlooker.get(path).decisions == []
    assert onlooker.post("/mail/new", to="manager", body="hi").status == 403
    assert "/mail/new" not in onlooker.get("/mail").links


@pytest.mark.parametrize("words", ["gr\u00fcn, na\u00efve", "\u65e5\u672c\u8a9e", "\U0001f41d at work", "a+b&c=d%20;e"])
def test_words_of_every_language_are_sent_as_they_were_typed_and_found(
    hive: Hive, console: Console, words: str
) -> None:  # fmt: skip
    assert "is on its way" in console.post("/mail/new", to="manager", body=words).text
    assert inbox(hive)[0]["body"] == words
    assert words in console.get("/mail", q=words).text


def test_mail_to_the_operator_is_a_link_away_and_counted_without_what_the_hive_tells(
    hive: Hive, console: Console
) -> None:
    assert "To you (0)" in console.get("/mail").part("mail-places")
    wrote(hive, "manager", "from you")
    with hive.manager() as manager:
        yours = manager.ask("send", to="operator", body="to you")["id"]
    page = console.get("/mail")
    assert "To you (1)" in page.part("mail-places")
    (link,) = [link for link in page.links if "to=operator" in link]
    found = console.get(link)
    assert [id_ for id_ in found.ids if id_.startswith("message-")] == [f"message-{yours}"]
    assert found.form("/mail").fields["to"] == "operator"
    assert f"message-{yours}" in console.get("/mail").ids


def test_an_agent_that_was_stopped_is_called_stopped(hive: Hive, console: Console) -> None:
    with hive.host() as host:
        assert host.ask("spawn", name="alice")["ok"]
        assert host.ask("stop", name="alice")["ok"]
    mail = console.get("/mail").part("mail")
    assert "stopped: agent alice" in mail
    assert "killed" not in mail
