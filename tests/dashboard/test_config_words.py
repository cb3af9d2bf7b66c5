"""What a commit changes is said in words, and what lets an agent reach further is said first."""

from __future__ import annotations

from hyperhive.agent_toml import parse
from hyperhive.dashboard.config_words import changes


def words(old: str, new: str, network: str = "nat") -> list[tuple[str, bool]]:
    return [(change.text, change.grave) for change in changes(parse(old.encode()), parse(new.encode()), network)]


def test_what_is_the_same_is_not_told() -> None:
    assert words("auto_update = false\n", "# a word\nauto_update = false\n") == []


def test_a_new_mount_is_grave_and_comes_first() -> None:
    new = "restart = 'no'\n[[mounts]]\nsource = '/srv'\ntarget = '/data'\nwritable = true\n"
    assert words("", new) == [
        ("Of the host it is shown /srv at /data, and may write there.", True),
        ("Its restart policy becomes no; it was the hive's default.", False),
    ]


def test_a_mount_that_becomes_narrower_or_goes_is_told_and_not_grave() -> None:
    shown = "[[mounts]]\nsource = '/srv'\ntarget = '/data'\n"
    writable = f"{shown}writable = true\n"
    assert [grave for _, grave in words(writable, shown)] == [False]
    assert words(shown, "") == [("Of the host it is no longer shown /srv at /data, to read.", False)]
    assert [grave for _, grave in words(shown, writable)] == [True]


def test_the_network_of_the_host_is_grave() -> None:
    assert words("network = 'none'\n", "network = 'host'\n") == [("Its network becomes host; it was none.", True)]
    assert [grave for _, grave in words("network = 'host'\n", "network = 'none'\n")] == [False]


def test_the_default_network_is_named_and_grave_where_it_is_the_hosts() -> None:
    none = "network = 'none'\n"
    assert words(none, "", "host") == [("Its network becomes the hive's default, host; it was none.", True)]
    assert words(none, "", "nat") == [("Its network becomes the hive's default, nat; it was none.", False)]


def test_the_network_of_the_host_is_nothing_new_where_it_was_the_default() -> None:
    assert words("", "network = 'host'\n", "host") == [
        ("Its network becomes host; it was the hive's default, host.", False)
    ]


def test_to_whom_and_how_often_it_may_write_is_told() -> None:
    new = "[mail]\nrecipients = ['manager']\nrate = {messages = 3, seconds = 60}\n"
    assert words("", new) == [
        ("It may write to manager; before to everybody.", False),
        ("It may send 3 messages within 60 s; before as often as it likes.", False),
    ]


def test_variables_and_commands_are_told() -> None:
    old = "[environment]\nA = 'x'\nB = 'y'\n"
    new = "[environment]\nA = 'z'\nC = 'w'\n[runner]\nkind = 'command'\ncommand = ['do', 'a thing']\n"
    assert [text for text, _ in words(old, new)] == [
        "The variable A becomes 'z'; it was 'x'.",
        "The variable B is no longer set.",
        "The variable C is set, to 'w'.",
        "What works on its mail becomes command; it was the hive's default.",
        "The command that works on its mail becomes do 'a thing'; it was the hive's default.",
    ]
