"""Whom an agent may write to, and how often: held by the broker, whatever is asked on the socket."""

from __future__ import annotations

import pytest

from hyperhive.agent_config import MailRules, Rate
from hyperhive.errors import Refused
from hyperhive.wire.names import EVERYONE, OPERATOR
from tests.bench import Bench


def test_an_agent_may_write_to_those_alone_that_its_configuration_names(bench: Bench) -> None:
    bench.broker.obey("alice", MailRules(recipients=("bob",)))
    bench.send("alice", "bob", "hello")
    for to in ("manager", OPERATOR, EVERYONE):
        with pytest.raises(Refused, match="by its configuration it may write to bob alone"):
            bench.send("alice", to, "hello")
    bench.send("bob", "manager", "hello")


def test_a_question_is_mail_too(bench: Bench) -> None:
    bench.broker.obey("alice", MailRules(recipients=("bob",)))
    bench.get(bench.questions.ask("alice", "bob", "so?", (), None, multi=False))
    for to in ("manager", None):
        with pytest.raises(Refused, match="it may write to bob alone"):
            bench.get(bench.questions.ask("alice", to, "so?", (), None, multi=False))


def test_an_answer_to_who_asked_is_always_allowed(bench: Bench) -> None:
    bench.broker.obey("bob", MailRules(recipients=()))
    id_ = bench.get(bench.questions.ask("alice", "bob", "so?", (), None, multi=False))
    bench.get(bench.questions.answer(id_, "bob", "yes", None, None))
    with pytest.raises(Refused, match="it may write to nobody alone"):
        bench.send("bob", "alice", "yes")


def test_a_rate_counts_what_was_sent_within_its_span_and_says_when_there_is_room(bench: Bench) -> None:
    bench.broker.obey("alice", MailRules(rate=Rate(messages=2, seconds=60)))
    bench.send("alice", "bob", "one")
    bench.pass_time(10)
    bench.get(bench.questions.ask("alice", "bob", "two?", (), None, multi=False))
    for attempt in (
        lambda: bench.send("alice", OPERATOR, "three"),
        lambda: bench.get(bench.questions.ask("alice", None, "three?", (), None, multi=False)),
    ):
        with pytest.raises(Refused, match="may send 2 messages within 60 seconds, and has; try again in 50 seconds"):
            attempt()
    bench.pass_time(50)
    bench.send("alice", "bob", "three")
    with pytest.raises(Refused, match="try again in 10 seconds"):
        bench.send("alice", "bob", "four")


def test_a_message_to_everyone_counts_for_each(bench: Bench) -> None:
    bench.broker.obey("alice", MailRules(rate=Rate(messages=1, seconds=60)))
    with pytest.raises(Refused, match="and this would be 2; name some of the recipients"):
        bench.send("alice", EVERYONE, "hello")
    bench.broker.obey("alice", MailRules(rate=Rate(messages=2, seconds=60)))
    bench.send("alice", EVERYONE, "hello")
    assert [letter.body for letter in bench.taken("bob")] == ["hello"]


def test_the_rate_holds_over_a_restart_of_the_daemon(bench: Bench) -> None:
    bench.broker.obey("alice", MailRules(rate=Rate(messages=1, seconds=60)))
    bench.send("alice", "bob", "one")
    bench.broker.obey("alice", MailRules(rate=Rate(messages=1, seconds=60)))  # as the next daemon does
    with pytest.raises(Refused, match="try again in 60 seconds"):
        bench.send("alice", "bob", "two")
