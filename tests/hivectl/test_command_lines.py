"""Every command says exactly one thing on the wire."""

from __future__ import annotations

import importlib
import io
import json
import sys
from typing import Any

import click
import pytest

from hyperhive.hivectl.errands import Query, Reading, Watch, Work
from hyperhive.hivectl.tree import SECTIONS, cli
from hyperhive.wire.codec import HOST
from hyperhive.wire.host_turn_requests import Login
from tests.hivectl.scripted import Terminal, understood

ASKED = [
    ("list", '{"cmd":"list"}'),
    ("ls", '{"cmd":"list"}'),
    ("agents", '{"cmd":"agent_status"}'),
    ("pending", '{"cmd":"pending"}'),
    ("pending --all", '{"cmd":"pending","all":true}'),
    ("diff 7", '{"cmd":"diff","id":7}'),
    ("diff 7 --against running", '{"cmd":"diff","id":7,"against":"running"}'),
    ("diff 7 --against last-approved", '{"cmd":"diff","id":7,"against":"last-approved"}'),
    ("diff 7 --against previous-proposal", '{"cmd":"diff","id":7,"against":"previous-proposal"}'),
    ("config log alice", '{"cmd":"config_log","name":"alice"}'),
    ("config log alice -n 3", '{"cmd":"config_log","name":"alice"}'),
    ("config show alice", '{"cmd":"config_show","name":"alice"}'),
    ("config show alice deployed/3", '{"cmd":"config_show","name":"alice","ref":"deployed/3"}'),
    ("deny 7", '{"cmd":"deny","id":7}'),
    ("deny 7 --note no", '{"cmd":"deny","id":7,"note":"no"}'),
    ("request-spawn alice", '{"cmd":"request_spawn","name":"alice"}'),
    ("request-spawn alice --description tests", '{"cmd":"request_spawn","name":"alice","description":"tests"}'),
    ("pause alice", '{"cmd":"set_paused","name":"alice","paused":true}'),
    ("resume alice", '{"cmd":"set_paused","name":"alice","paused":false}'),
    ("questions", '{"cmd":"questions"}'),
    ("questions --all", '{"cmd":"questions","all":true}'),
    ("answer 3 yes", '{"cmd":"answer","id":3,"answer":"yes"}'),
    ("answer 3 --text yes", '{"cmd":"answer","id":3,"text":"yes"}'),
    ("answer 3 --choose a --choose b", '{"cmd":"answer","id":3,"choices":["a","b"]}'),
    ("answer 3 --choose a --text why", '{"cmd":"answer","id":3,"choices":["a"],"text":"why"}'),
    ("answer 3 why --choose a", '{"cmd":"answer","id":3,"choices":["a"],"text":"why"}'),
    ("cancel-question 3", '{"cmd":"cancel_question","id":3}'),
    ("send alice hello", '{"cmd":"send","to":"alice","body":"hello"}'),
    ("send * hello --reply-to 9", '{"cmd":"send","to":"*","body":"hello","in_reply_to":9}'),
    ("inbox", '{"cmd":"inbox","limit":20}'),
    ("inbox -n 5", '{"cmd":"inbox","limit":5}'),
    ("messages", '{"cmd":"messages","limit":20}'),
    ("messages --agent a -n 2 --before 8", '{"cmd":"messages","limit":2,"agent":"a","before":8}'),
    ("held", '{"cmd":"held"}'),
    ("release 12", '{"cmd":"release","thread":12}'),
    ("dead-letters", '{"cmd":"dead_letters"}'),
    ("requeue 41", '{"cmd":"requeue","id":41}'),
    ("operations", '{"cmd":"operations"}'),
    ("operations -n 3", '{"cmd":"operations"}'),
    ("operations --all", '{"cmd":"operations","all":true}'),
    ("logs alice", '{"cmd":"logs","name":"alice","lines":100}'),
    ("logs alice -n 3", '{"cmd":"logs","name":"alice","lines":3}'),
    ("urls", '{"cmd":"urls"}'),
    ("turns", '{"cmd":"turns","limit":20}'),
    ("turns alice -n 5 --before 9", '{"cmd":"turns","limit":5,"name":"alice","before":9}'),
    ("cancel-turn alice", '{"cmd":"cancel_turn","name":"alice"}'),
    ("compact alice", '{"cmd":"compact","name":"alice"}'),
    ("new-session alice", '{"cmd":"new_session","name":"alice"}'),
    ("model alice", '{"cmd":"set_model","name":"alice"}'),
    ("model alice large", '{"cmd":"set_model","name":"alice","model":"large"}'),
    ("login alice", '{"cmd":"login","name":"alice"}'),
    ("dashboard", '{"cmd":"console_link"}'),
    ("dashboard --read-only", '{"cmd":"console_link","read_only":true}'),
    ("sessions", '{"cmd":"sessions"}'),
    ("revoke 3", '{"cmd":"revoke","session":3}'),
]
WORK = [
    ("spawn alice", '{"cmd":"spawn","name":"alice"}'),
    ("kill alice", '{"cmd":"kill","name":"alice"}'),
    ("rebuild alice", '{"cmd":"rebuild","name":"alice"}'),
    ("rollback alice", '{"cmd":"rollback","name":"alice"}'),
    ("rollback alice deployed/3", '{"cmd":"rollback","name":"alice","ref":"deployed/3"}'),
    ("start alice", '{"cmd":"start","name":"alice"}'),
    ("stop alice", '{"cmd":"stop","name":"alice"}'),
    ("stop alice --now", '{"cmd":"stop","name":"alice","graceful":false}'),
    ("restart alice", '{"cmd":"restart","name":"alice"}'),
    ("restart alice bob", '{"cmd":"restart","scope":{"agent_names":["alice","bob"]}}'),
    ("start alice bob", '{"cmd":"start","scope":{"agent_names":["alice","bob"]}}'),
    ("stop alice bob", '{"cmd":"stop","scope":{"agent_names":["alice","bob"]}}'),
    ("destroy alice", '{"cmd":"destroy","name":"alice","purge":false}'),
    ("destroy alice --purge --yes", '{"cmd":"destroy","name":"alice","purge":true}'),
]
WATCHED = [
    ("events", '{"cmd":"subscribe"}'),
    ("events --since 0", '{"cmd":"subscribe","since":0}'),
    ("agents --follow", '{"cmd":"subscribe_agent_status"}'),
]
WRONG = [
    ("", "hivectl"),
    ("lst", "did you mean 'list'"),
    ("kill", "Missing argument 'NAME'"),
    ("start", "Missing argument 'NAME...'"),
    ("diff 7 --against yesterday", "'running', 'last-approved', 'previous-proposal'"),
    ("config lst", "No such command 'lst'"),
    ("config log", "Missing argument 'NAME'"),
    ("rollback", "Missing argument 'NAME'"),
    ("approve seven", "'seven' is not a valid whole number"),
    (f"approve {10**30}", "is not in the range"),
    (f"cancel-question {2**63}", "is not in the range"),
    (f"send alice hello --reply-to {2**64}", "is not in the range"),
    (f"messages --before {2**64}", "is not in the range"),
    (f"inbox -n {2**64}", "is not in the range"),
    (f"logs alice -n {2**64}", "is not in the range"),
    (f"events --since {2**64}", "is not in the range"),
    ("list --timeout nan", "'nan' is not a valid number of seconds"),
    ("list --timeout 1e999", "timeout"),
    ("list --socket=", "it is empty"),
    ("help nonsense", "no command 'nonsense'"),
    ("answer 3", "--choose"),
    ("answer 3 yes --text no", "once"),
    ("list --timeout 0", "timeout"),
    ("completion tcsh", "'bash', 'zsh', 'fish'"),
]


def line(request: Any) -> str:
    return str(HOST.line_of_request(request).decode())


@pytest.mark.parametrize(("arguments", "expected"), ASKED)
def test_a_command_is_one_request(arguments: str, expected: str) -> None:
    errand, _ = understood(*arguments.split(" "))
    assert isinstance(errand, Query)
    assert [line(request) for request in errand.requests] == [expected]


@pytest.mark.parametrize(("arguments", "expected"), WORK)
def test_work_is_asked_for_in_a_lasting_form_and_in_one_that_starts_it(arguments: str, expected: str) -> None:
    errand, _ = understood(*arguments.split(" "))
    assert isinstance(errand, Work)
    assert errand.wait
    assert line(errand.lasting) == expected
    assert json.loads(line(errand.starting)) == {**json.loads(expected), "wait": False}


@pytest.mark.parametrize(("arguments", "expected"), WATCHED)
def test_following_is_a_subscription(arguments: str, expected: str) -> None:
    errand, _ = understood(*arguments.split(" "))
    assert isinstance(errand, Watch)
    assert line(errand.request) == expected


def test_approve_waits_only_when_told() -> None:
    errand, _ = understood("approve", "7")
    waiting, _ = understood("approve", "7", "--wait")
    assert isinstance(errand, Work)
    assert isinstance(waiting, Work)
    assert (line(errand.starting), errand.lasting, errand.wait) == ('{"cmd":"approve","id":7}', None, False)
    assert (line(waiting.starting), waiting.wait) == ('{"cmd":"approve","id":7}', True)


def test_an_approval_can_be_of_one_change_alone() -> None:
    errand, _ = understood("approve", "7", "--digest", "c0ffee")
    assert isinstance(errand, Work)
    assert line(errand.starting) == '{"cmd":"approve","id":7,"digest":"c0ffee"}'


def test_status_asks_for_everything_that_it_shows() -> None:
    errand, _ = understood("status")
    assert isinstance(errand, Query)
    assert [line(request) for request in errand.requests] == [
        '{"cmd":"agent_status"}',
        '{"cmd":"pending"}',
        '{"cmd":"questions"}',
        '{"cmd":"dead_letters"}',
        '{"cmd":"held"}',
        '{"cmd":"operations"}',
        '{"cmd":"urls"}',
    ]


def test_a_body_that_is_a_dash_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("zwei\nZeilen ü\n".encode())))
    errand, _ = understood("send", "alice", "-")
    assert isinstance(errand, Query)
    assert line(errand.requests[0]) == '{"cmd":"send","to":"alice","body":"zwei\\nZeilen ü\\n"}'


@pytest.mark.parametrize("arguments", ["--json --timeout 3 --socket /x list", "list --json --timeout 3 --socket /x"])
def test_the_common_options_stand_before_or_after_the_command(arguments: str) -> None:
    _, settings = understood(*arguments.split(" "))
    assert (settings.socket, settings.json, settings.timeout) == ("/x", True, 3.0)


def test_the_socket_of_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_HOST_SOCKET", "/from/environment")
    assert understood("list")[1].socket == "/from/environment"
    assert understood("list", "--socket", "/said")[1].socket == "/said"


@pytest.mark.parametrize("model", ["", " "])
def test_a_model_without_a_name_is_refused(model: str) -> None:
    with pytest.raises(click.UsageError, match="The model is empty: name one, or leave it out for the configured one"):
        understood("model", "alice", model)


@pytest.mark.parametrize(("arguments", "told"), WRONG)
def test_a_wrong_command_line_is_refused_with_what_would_be_right(arguments: str, told: str) -> None:
    with pytest.raises(click.UsageError) as refusal:
        understood(*arguments.split())
    assert refusal.value.exit_code == 2
    assert told in refusal.value.format_message()


def test_a_turn_is_read_to_its_end_when_told() -> None:
    assert understood("turn", "7")[0] == Reading(7, follow=False)
    assert understood("turn", "7", "-f")[0] == Reading(7, follow=True)


def test_a_token_comes_from_standard_input_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.UsageError):
        understood("login", "alice", "secret")
    monkeypatch.setattr(sys, "stdin", io.StringIO(" secret\n"))
    errand, _ = understood("login", "alice", "--token-stdin")
    assert isinstance(errand, Query)
    assert [line(request) for request in errand.requests] == ['{"cmd":"login","name":"alice","token":"secret"}']
    with pytest.raises(click.UsageError, match="There is no token on standard input"):
        understood("login", "alice", "--token-stdin")


@pytest.mark.parametrize(("typed", "token"), [("secret", "secret"), ("", None)])
def test_a_token_is_asked_for_on_a_terminal(monkeypatch: pytest.MonkeyPatch, typed: str, token: str | None) -> None:
    asked: list[bool] = []

    def prompt(_text: str, **options: Any) -> str:
        asked.append(options["hide_input"])
        return typed

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(click, "prompt", prompt)
    errand, _ = understood("login", "alice")
    assert isinstance(errand, Query)
    assert errand.requests == (Login("alice", token),)
    assert asked == [True]


def test_a_purge_off_a_terminal_needs_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("alice\n"))
    with pytest.raises(click.UsageError, match="needs --yes"):
        understood("destroy", "alice", "--purge")


def test_a_purge_on_a_terminal_needs_the_name_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("alice\n"))
    errand, _ = understood("destroy", "alice", "--purge")
    assert isinstance(errand, Work)
    monkeypatch.setattr(sys, "stdin", Terminal("bob\n"))
    with pytest.raises(click.ClickException, match="nothing was done") as refusal:
        understood("destroy", "alice", "--purge")
    assert refusal.value.exit_code == 1


def test_every_command_explains_itself() -> None:
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    assert [name for name, command in commands.items() if command is None or not command.help] == []


@pytest.mark.parametrize(("module", "names"), SECTIONS.values())
def test_help_lists_every_command_of_a_module(module: str, names: tuple[str, ...]) -> None:
    assert tuple(command.name for command in importlib.import_module(module).COMMANDS) == names


def test_every_request_of_the_wire_has_a_command() -> None:
    from hyperhive.wire.host_requests import HostRequest
    from hyperhive.wire.strict import members

    lines = [expected for _, expected in ASKED + WORK + WATCHED] + [
        '{"cmd":"approve","id":7}',
        '{"cmd":"turn_log","turn":7}',
    ]
    spoken = {type(HOST.request(one.encode())) for one in lines}
    assert set(members(HostRequest)) - spoken == set()
