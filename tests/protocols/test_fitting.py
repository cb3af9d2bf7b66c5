"""An answer that would be longer than a line carries fewer rows, and at least one."""

from __future__ import annotations

from hyperhive.limits import MAX_LINE
from hyperhive.protocols.fitting import fitting_line
from hyperhive.wire.codec import HOST, MANAGER
from hyperhive.wire.records import InboxRow
from hyperhive.wire.responses import HostResponse, Logs, Ok
from tests.hivectl.rows import approval, question


def rows(count: int, size: int) -> tuple[InboxRow, ...]:
    return tuple(InboxRow(id=id_, sender="bob", body="x" * size, at=1) for id_ in range(count, 0, -1))


def test_what_fits_is_left_whole() -> None:
    answer = HostResponse(ok=True, inbox=rows(10, 1000))
    assert HOST.answer(fitting_line(HOST.line_of_answer, answer)) == answer
    assert fitting_line(MANAGER.line_of_answer, Ok()) == b'{"kind":"ok"}'


def test_the_first_rows_are_kept() -> None:
    line = fitting_line(HOST.line_of_answer, HostResponse(ok=True, inbox=rows(1000, 2000)))
    assert len(line) <= MAX_LINE
    kept = HOST.answer(line).inbox
    assert kept is not None
    assert len(kept) > 400
    assert [row.id for row in kept] == list(range(1000, 1000 - len(kept), -1))


def test_one_row_is_kept_whatever_its_size() -> None:
    line = fitting_line(HOST.line_of_answer, HostResponse(ok=True, inbox=rows(3, MAX_LINE)))
    assert HOST.answer(line).inbox == rows(3, MAX_LINE)[:1]


def test_of_what_waits_for_the_operator_it_is_counted_how_many_do_not_fit() -> None:
    questions = tuple(question(id_, question="x" * 100_000) for id_ in range(20))
    kept = HOST.answer(fitting_line(HOST.line_of_answer, HostResponse(ok=True, questions=questions, more=3)))
    assert kept.questions == questions[: len(kept.questions or ())]
    assert kept.more == 3 + 20 - len(kept.questions or ())
    approvals = tuple(approval(id_, description="x" * 100_000) for id_ in range(20))
    kept = HOST.answer(fitting_line(HOST.line_of_answer, HostResponse(ok=True, approvals=approvals, more=0)))
    assert kept.more == 20 - len(kept.approvals or ())
    every = HOST.answer(fitting_line(HOST.line_of_answer, HostResponse(ok=True, approvals=approvals)))
    assert every.more is None


def test_of_a_log_the_last_lines_are_kept() -> None:
    log = tuple(f"{number:05}" + "x" * 1000 for number in range(2000))
    for kept in (
        HOST.answer(fitting_line(HOST.line_of_answer, HostResponse(ok=True, log=log))),
        MANAGER.answer(fitting_line(MANAGER.line_of_answer, Logs(log))),
    ):
        assert isinstance(kept, HostResponse | Logs)
        assert kept.log
        assert kept.log == log[-len(kept.log) :]
        assert len(kept.log) > 900
