"""Mail by its words: what is found, what a query may be, and that what was swept is found no more."""

from __future__ import annotations

import re
import sqlite3

import pytest

from hyperhive.errors import Refused
from hyperhive.limits import MailLimits
from hyperhive.store import agents, mail, mail_search, mail_views
from hyperhive.store.mail import Post
from hyperhive.store.mail_search import MailKind, Wanted, terms_of
from hyperhive.wire.events import Destroyed, OperatorAnswered, QuestionAsked
from hyperhive.wire.names import REMINDER
from hyperhive.wire.states import MessageState

LAST = 2**63 - 1


@pytest.fixture(autouse=True)
def hive(connection: sqlite3.Connection) -> None:
    agents.add_manager(connection)
    for name in ("alice", "bob"):
        agents.begin_start(connection, name)
        agents.is_running(connection, name)


def send(connection: sqlite3.Connection, body: str, sender: str = "alice", to: str = "bob", at: int = 100) -> int:
    return mail.send(connection, Post(sender=sender, to=to, body=body, at=at), MailLimits()).id


def found(connection: sqlite3.Connection, query: str, *, indexed: bool = True) -> list[int]:
    """The ids of what a search finds, once all is indexed."""
    if indexed:
        assert mail_search.has_index(connection)
        while mail_search.index(connection):
            pass
    wanted = Wanted(terms=terms_of(query))
    rows, _ = mail_search.look(connection, wanted, LAST, 100, indexed=indexed)
    return [row.id for row in rows]


def test_words_are_found_in_any_order_and_a_phrase_as_it_stands(connection: sqlite3.Connection) -> None:
    first = send(connection, "the release of the parser is ready")
    second = send(connection, "ready, parser? not the release")
    send(connection, "something else")
    assert found(connection, "parser release") == [second, first]
    assert found(connection, '"the parser is"') == [first]
    assert found(connection, "PARS*") == [second, first]


@pytest.mark.parametrize(
    "query",
    [
        'parser"', '"parser', "parser AND", "NOT parser", "parser OR -", "body:parser", "^parser", "(parser", "parser)",
        "NEAR(parser 2", "parser + ", "parser; DROP TABLE messages", "{parser}", "-parser", "parser\0", "'parser'",
    ],
)  # fmt: skip
def test_no_sign_in_a_query_means_anything_to_the_index(connection: sqlite3.Connection, query: str) -> None:
    id_ = send(connection, f"{query} and or near not body 2 drop table messages")
    send(connection, "another")
    assert found(connection, query) == [id_]


@pytest.mark.parametrize("query", ["", '""', "***", "--", "?!", "\0", '"'])
def test_a_query_without_a_word_is_told_so(query: str) -> None:
    with pytest.raises(Refused, match="there is no word to search for"):
        terms_of(query)


def test_a_query_is_bounded() -> None:
    with pytest.raises(Refused, match="at most 32 words, not 33"):
        terms_of("a " * 33)
    with pytest.raises(Refused, match="at most 1000 characters, not 1001"):
        terms_of("a" * 1001)


def test_what_is_sent_later_is_indexed_later_and_a_slice_at_a_time(connection: sqlite3.Connection) -> None:
    for number in range(5):
        send(connection, f"word{number}")
    assert mail_search.has_index(connection)
    assert mail_search.index(connection, most=2)
    rows, _ = mail_search.look(connection, Wanted(terms=("word*",)), LAST, 100, indexed=True)
    assert [row.body for row in rows] == ["word1", "word0"]
    assert mail_search.index(connection, most=2)
    assert not mail_search.index(connection, most=2)
    assert len(found(connection, "word*")) == 5
    later = send(connection, "word5")
    assert found(connection, "word5") == [later]


def test_swept_mail_is_found_no_more_and_leaves_the_index(connection: sqlite3.Connection) -> None:
    old, kept = send(connection, "old parser"), send(connection, "young parser")
    send(connection, "the last")
    assert found(connection, "parser") == [kept, old]
    connection.execute("UPDATE messages SET state = 2, settled_at = 100 WHERE id = ?", (old,))
    mail.sweep(connection, after=0, before=200, most=500)
    assert found(connection, "parser") == [kept]
    words = "SELECT rowid FROM messages_words WHERE messages_words MATCH 'parser'"
    assert connection.execute(words).fetchall() == [(kept,)]


def test_sweeping_what_was_never_indexed_leaves_the_index_whole(connection: sqlite3.Connection) -> None:
    first = send(connection, "first parser")
    found(connection, "parser")
    old = send(connection, "old parser")
    send(connection, "the last")
    connection.execute("UPDATE messages SET state = 2, settled_at = 100 WHERE id = ?", (old,))
    mail.sweep(connection, after=0, before=200, most=500)
    assert found(connection, "parser") == [first]
    connection.execute("INSERT INTO messages_words (messages_words) VALUES ('integrity-check')")


def test_without_an_index_the_letters_are_found_and_no_sign_is_a_wildcard(connection: sqlite3.Connection) -> None:
    percent, _ = send(connection, "100% of it_all"), send(connection, "100 of itxall")
    assert found(connection, "100%", indexed=False) == [percent]
    assert found(connection, "it_all", indexed=False) == [percent]


def test_words_are_answered_from_the_index_and_no_message_is_read_for_them_that_has_none(
    connection: sqlite3.Connection,
) -> None:
    for number in range(300):
        send(connection, f"the parser, {number}" if number % 100 == 0 else "something else")
    found(connection, "parser")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    assert len(found(connection, 'parser "the parser"')) == 3
    connection.set_trace_callback(None)
    (statement,) = [line for line in asked if "MATCH" in line and not line.startswith("--")]
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert [step for step in plan if re.match(r"(SCAN|SEARCH) messages\b", step)] == [
        "SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)"
    ]
    assert [step for step in plan if re.match(r"SCAN messages_words VIRTUAL TABLE INDEX \d+:.*M", step)], plan


def test_mail_is_told_apart_by_its_kind(connection: sqlite3.Connection) -> None:
    wrote = send(connection, '{"event":"question_asked"}')
    (went,), (asked,), (answered,) = (
        mail.tell(connection, "bob", event, 100)
        for event in (
            Destroyed("alice"),
            QuestionAsked(id=1, asker="alice", question="?", options=(), multi=False),
            OperatorAnswered(id=1, question="?", answer="!"),
        )
    )
    reminded = send(connection, "look", sender=REMINDER)
    kinds = {
        kind: [row.id for row in mail_search.look(connection, Wanted(kind=kind), LAST, 9, indexed=True)[0]]
        for kind in MailKind
    }
    assert kinds == {
        MailKind.MAIL: [wrote],
        MailKind.EVENTS: [went],
        MailKind.QUESTIONS: [answered, asked],
        MailKind.REMINDERS: [reminded],
    }


def test_mail_is_filtered_by_agent_state_and_time(connection: sqlite3.Connection) -> None:
    early, late = send(connection, "early", at=100), send(connection, "late", at=200)
    other = send(connection, "other", sender="bob", to="manager", at=300)

    def ids(**wanted: object) -> list[int]:
        return [row.id for row in mail_search.look(connection, Wanted(**wanted), LAST, 9, indexed=True)[0]]  # type: ignore[arg-type]

    assert ids(agent="alice") == [late, early]
    assert ids(agent="bob") == [other, late, early]
    assert ids(since=200, until=300) == [late]
    assert ids(state=MessageState.DEAD) == []
    connection.execute("UPDATE messages SET state = 3 WHERE id = ?", (early,))
    assert ids(state=MessageState.DEAD) == [early]


def test_a_look_goes_through_so_many_rows_and_says_where_to_go_on(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_search, "SEEN_AT_ONCE", 2)
    first = send(connection, "wanted", sender="manager", to="alice")
    for _ in range(4):
        send(connection, "not wanted")
    wanted, seen, before = Wanted(agent="manager"), [], LAST
    while True:
        rows, further = mail_search.look(connection, wanted, before, 10, indexed=True)
        seen.append([row.id for row in rows])
        if further is None:
            break
        before = further
    assert seen == [[], [], [first]]


def test_a_long_body_is_cut_in_a_list(connection: sqlite3.Connection) -> None:
    send(connection, "x" * 10_000)
    (row,), _ = mail_search.look(connection, Wanted(), LAST, 9, indexed=True)
    assert row.body == "x" * mail_views.BEGINNING


def test_an_opened_message_has_its_conversation_in_order(connection: sqlite3.Connection) -> None:
    first = send(connection, "well?")
    send(connection, "aside")
    reply = Post(sender="bob", to="alice", body="well.", at=101, in_reply_to=first)
    second = mail.send(connection, reply, MailLimits()).id
    for id_ in (first, second):
        opened = mail_views.opened(connection, id_)
        assert opened is not None
        assert (opened.message.id, [row.id for row in opened.thread]) == (id_, [first, second])
    assert mail_views.opened(connection, 999) is None


def test_a_conversation_is_opened_by_an_index(connection: sqlite3.Connection) -> None:
    statement = "EXPLAIN QUERY PLAN SELECT body FROM messages WHERE -thread = -1 AND thread IS NOT NULL ORDER BY id"
    assert [row[3] for row in connection.execute(statement)] == [
        "SEARCH messages USING INDEX messages_thread (<expr>=?)"
    ]
