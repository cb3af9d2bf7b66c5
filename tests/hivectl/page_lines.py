"""Pages by example: what each prints into a pipe, and the sentence that tells of each change."""

from __future__ import annotations

from typing import Any

from hyperhive.hivectl import agent_pages, decision_pages, mail_pages
from hyperhive.hivectl.page import View, iso
from hyperhive.wire.records import Change, Urls
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import ApprovalKind, ApprovalStatus, MessageState, OperationState, QuestionStatus
from tests.hivectl.rows import NOW, agent, approval, held_thread, letter, message, operation, question

PIPE = View(terminal=False, now=NOW)
AT = iso(NOW - 60)


def reply(**fields: Any) -> HostResponse:
    return HostResponse(ok=True, **fields)


PIPED = [
    (agent_pages.names, reply(agents=("alice", "manager")), ["alice", "manager"]),
    (
        agent_pages.agents,
        reply(agent_statuses=(agent(), agent("bob", running=False, failed=True, unread=12, restarts=2))),
        [
            "NAME   STATE    UNREAD  SINCE                 RESTARTS",
            f"alice  running       0  {iso(NOW - 180)}         -",
            f"bob    failed       12  {iso(NOW - 180)}         2",
        ],
    ),
    (
        decision_pages.pending,
        reply(approvals=(approval(description="tests\nall day"),), more=2),
        [
            "ID  KIND   AGENT  REQUESTED             DESCRIPTION",
            f" 7  spawn  alice  {AT}  tests\\nall day",
            "2 more: hivectl pending --all shows them.",
        ],
    ),
    (decision_pages.pending, reply(approvals=()), []),
    (
        decision_pages.questions,
        reply(questions=(question(),), more=6),
        [
            "ID  ASKER  ASKED                 QUESTION       OPTIONS",
            f" 3  alice  {AT}  Which branch?  main | dev",
            "6 more open, which these leave no room for: answer or cancel some of these first",
        ],
    ),
    (
        decision_pages.pending,
        reply(
            approvals=(
                approval(kind=ApprovalKind.APPLY_COMMIT, commit_ref="c0ff", sha="c0ffee" * 6, stale=True),
                approval(8, kind=ApprovalKind.APPLY_COMMIT, commit_ref="4e12"),
            )
        ),
        [
            "ID  KIND          AGENT  COMMIT        REQUESTED",
            f" 7  apply_commit  alice  c0ffeec0ffee  {AT}",
            f" 8  apply_commit  alice  4e12          {AT}",
            "7 is stale: alice runs another commit since; see hivectl diff 7",
        ],
    ),
    (
        decision_pages.all_approvals,
        reply(
            approvals=(
                approval(9, kind=ApprovalKind.INIT_CONFIG),
                approval(8, kind=ApprovalKind.UPDATE),
                approval(kind=ApprovalKind.APPLY_COMMIT, commit_ref="c0ff", stale=True),
            )
        ),
        [
            "ID  KIND               AGENT  COMMIT  REQUESTED             STATUS",
            f" 9  new configuration  alice  -       {AT}  pending",
            f" 8  update             alice  -       {AT}  pending",
            f" 7  apply_commit       alice  c0ff    {AT}  pending, stale",
        ],
    ),
    (
        decision_pages.all_approvals,
        reply(
            approvals=(
                approval(8, kind=ApprovalKind.APPLY_COMMIT, commit_ref="c0ffee" * 6, decided_at=NOW, operation=12),
                approval(7, status=ApprovalStatus.DENIED, note="no", decided_by="me"),
            )
        ),
        [
            "ID  KIND          AGENT  COMMIT        REQUESTED             STATUS              BY  OPERATION  NOTE",
            f" 8  apply_commit  alice  c0ffeec0ffee  {AT}  decided, under way  -          12  -",
            f" 7  spawn         alice  -             {AT}  denied              me          -  no",
        ],
    ),
    (
        decision_pages.questions,
        reply(questions=(question(multi=True),)),
        [
            "ID  ASKER  ASKED                 QUESTION       OPTIONS",
            f" 3  alice  {AT}  Which branch?  main | dev (several)",
        ],
    ),
    (decision_pages.requested, reply(id=7), ["Approval 7 waits: hivectl approve 7 grants it."]),
    (mail_pages.sent, reply(id=9), ["Message 9 is on its way."]),
    (mail_pages.sent, reply(ids=(9, 10)), ["2 messages are on their way: 9, 10."]),
    (
        mail_pages.inbox,
        reply(inbox=(letter(body="\x1b[2Jgone"), letter(42, via="self", in_reply_to=41))),
        [
            "ID  FROM            AT                    REPLY TO  BODY",
            f"41  alice           {AT}         -  \\x1b[2Jgone",
            f"42  alice via self  {AT}        41  hello",
        ],
    ),
    (
        mail_pages.messages,
        reply(messages=(message(), message(42, state=MessageState.DEAD, attempts=5))),
        [
            "ID  FROM   TO   AT                    STATE  ATTEMPTS  BODY",
            f"41  alice  bob  {AT}  done          -  hello",
            f"42  alice  bob  {AT}  dead          5  hello",
        ],
    ),
    (
        mail_pages.messages,
        reply(messages=(message(state=MessageState.HELD, in_reply_to=40, thread=12),)),
        [
            "ID  FROM   TO   AT                    STATE  REPLY TO  THREAD  BODY",
            f"41  alice  bob  {AT}  held         40      12  hello",
        ],
    ),
    (
        mail_pages.held,
        reply(held=(held_thread(),)),
        [
            "THREAD  AGENTS      SINCE                 WAITING  WHY",
            f"    12  alice, bob  {AT}        3  40 replies came within 600 seconds",
        ],
    ),
    (
        agent_pages.operations,
        reply(operations=(operation(),)),
        [
            "ID  AGENT  KIND     STATE    BY        QUEUED                STARTED",
            f"12  alice  restart  running  operator  {iso(NOW - 5)}  -",
        ],
    ),
    (agent_pages.log, reply(log=("one", "two\x07")), ["one", "two\\x07"]),
    (agent_pages.urls, reply(urls=Urls(home="http://h/")), ["home    http://h/"]),
    (agent_pages.urls, reply(urls=Urls()), ["This hive has no address for browsers."]),
]

TOLD = [
    (Change(kind="message", message=message(body="a\nb")), "message 41: alice to bob, done: a\\nb"),
    (Change(kind="approval", approval=approval()), "approval 7: spawn alice, pending"),
    (Change(kind="approval", approval=approval(decided_at=NOW)), "approval 7: spawn alice, decided"),
    (
        Change(kind="approval", approval=approval(kind=ApprovalKind.APPLY_COMMIT, commit_ref="c0ff", stale=True)),
        "approval 7: apply_commit alice c0ff, pending, stale",
    ),
    (
        Change(kind="approval", approval=approval(kind=ApprovalKind.INIT_CONFIG)),
        "approval 7: new configuration alice, pending",
    ),
    (
        Change(kind="question", question=question()),
        'question 3: alice asks the operator "Which branch?" main | dev',
    ),
    (
        Change(
            kind="question", question=question(status=QuestionStatus.ANSWERED, answer="dev", answered_by="operator")
        ),
        'question 3: alice asks the operator "Which branch?", answered by operator: dev',
    ),
    (
        Change(kind="operation", operation=operation(state=OperationState.FAILED, error="it did not start")),
        "operation 12: restart alice, failed: it did not start",
    ),
    (
        Change(kind="agent", agent=agent(unread=2, operation=12, status_text="reading")),
        'alice: running, 2 unread, operation 12, "reading"',
    ),
    (
        Change(kind="agent", agent=agent(running=False, failed=True, failure="killed by SIGKILL", unread=1)),
        "alice: failed, killed by SIGKILL, 1 unread",
    ),
    (
        Change(kind="agent", agent=agent(running=False, failed=True, failure="killed by SIGKILL", restart_at=NOW)),
        f"alice: failed, killed by SIGKILL, 0 unread, restart {iso(NOW)}",
    ),
    (Change(kind="agent", agent=agent(in_hand=1)), "alice: running, 0 unread, works on 1"),
    (Change(kind="agent", gone=True, name="alice"), "agent alice is gone"),
    (Change(kind="approval", gone=True, id=7), "approval 7 is gone"),
    (Change(kind="weather"), "weather changed"),
]
