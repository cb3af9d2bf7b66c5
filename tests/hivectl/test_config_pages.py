"""What the operator reads of configurations, and trusts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hyperhive.hivectl import config_pages
from hyperhive.hivectl.page import Page, Verbatim, View, iso, plain
from hyperhive.hivectl.patches import ADDED, HEAD, HUNK, REMOVED, styled_lines
from hyperhive.hivectl.screen import write_richly
from hyperhive.wire.records import ConfigEvent, ConfigFile
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import ApprovalKind, ApprovalStatus
from tests.hivectl.rows import NOW, approval
from tests.hivectl.scripted import ScriptedDaemon, Terminal, refused

PIPE = View(terminal=False, now=NOW)
PERSON = View(terminal=True, now=NOW)
SHA, BASE, DIGEST = "4e12" * 10, "c0de" * 10, "d1" * 32
DIFF = """\
diff --git a/agent.toml b/agent.toml
index c0de..4e12 100644
--- a/agent.toml
+++ b/agent.toml
@@ -1,3 +1,3 @@
 [runner]
-model = "old"
+model = "new"
 kind = "claude"
"""


def waiting(**given: Any) -> Any:
    usual = {"kind": ApprovalKind.APPLY_COMMIT, "commit_ref": "4e12", "sha": SHA, "base": BASE}
    return approval(3, **{**usual, **given})


def reply(**fields: Any) -> HostResponse:
    return HostResponse(ok=True, **fields)


def of_commit(**fields: Any) -> HostResponse:
    return reply(**{"diff": DIFF, "digest": DIGEST, "base": BASE, "sha": SHA, **fields})


def shown(answer: HostResponse, against: str | None = None) -> list[str]:
    return plain(config_pages.diff(3, against)(answer, PERSON)).splitlines()


async def test_a_diff_says_whose_it_is_what_changes_and_how_to_approve_just_that(daemon: ScriptedDaemon) -> None:
    row = waiting(description="a newer model\nas agreed", requested_at=NOW)
    daemon.answers["Diff"] = of_commit(approvals=(row,))
    ran = await daemon.run("diff", "3")
    assert ran.status == 0
    assert ran.out == (
        f"Approval 3: alice is to run another commit, asked for by the manager {iso(NOW)}\n"
        "  | a newer model\n"
        "  | as agreed\n"
        f"  commit   {SHA}\n"
        f"  against  {BASE}, what runs\n"
        f"\n{DIFF}\n"
        f"digest   {DIGEST}\n"
        f"hivectl approve 3 --digest {DIGEST}\n"
    )


async def test_programs_get_the_diff_as_it_came(daemon: ScriptedDaemon) -> None:
    daemon.answers["Diff"] = of_commit(diff="+\u202e\n")
    assert '"diff":"+\u202e\\n"' in (await daemon.run("diff", "3", "--json")).out


async def test_a_digest_that_is_no_longer_true_is_refused_in_the_daemons_words(daemon: ScriptedDaemon) -> None:
    daemon.answers["Approve"] = refused("approval 3 is of another change by now, 'diff' shows it")
    ran = await daemon.run("approve", "3", "--digest", DIGEST)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "hivectl: approval 3 is of another change by now, 'hivectl diff' shows it\n"


def test_without_the_row_of_the_approval_a_diff_has_a_head_too() -> None:
    assert shown(of_commit())[:3] == ["Approval 3", f"  commit   {SHA}", f"  against  {BASE}, what runs"]


def test_a_diff_says_that_the_approval_is_stale() -> None:
    assert "  stale: alice runs another commit since this was asked for" in shown(
        of_commit(approvals=(waiting(stale=True),))
    )


def test_a_diff_against_what_does_not_run_is_no_ground_for_an_approval() -> None:
    lines = shown(of_commit(digest=None, approvals=(waiting(),)), "last-approved")
    assert f"  against  {BASE}, what was approved last" in lines
    assert lines[-1] == "To approve it, see what it changes of what runs: hivectl diff 3"
    assert not [line for line in lines if "approve 3" in line]


@pytest.mark.parametrize(
    ("decided", "said"),
    [
        ({"status": ApprovalStatus.DENIED}, "is denied"),
        ({"status": ApprovalStatus.FAILED}, "has failed"),
        ({"decided_at": NOW}, "is decided"),
    ],
)
def test_what_was_decided_is_not_offered_for_approval(decided: Any, said: str) -> None:
    assert shown(of_commit(approvals=(waiting(**decided),)))[-1] == f"Approval 3 {said} already."


async def test_what_was_decided_is_told_against_what_ran_when_it_was(daemon: ScriptedDaemon) -> None:
    daemon.answers["Diff"] = of_commit(approvals=(waiting(decided_at=NOW, status=ApprovalStatus.APPROVED),))
    lines = (await daemon.run("diff", "3")).out.splitlines()
    assert lines[0].startswith("Approval 3: alice was to run another commit, asked for")
    assert f"  against  {BASE}, what ran when it was decided" in lines


async def test_what_was_decided_is_compared_with_what_runs_for_who_asks_for_that(daemon: ScriptedDaemon) -> None:
    daemon.answers["Diff"] = of_commit(approvals=(waiting(decided_at=NOW, status=ApprovalStatus.APPROVED),))
    ran = await daemon.run("diff", "3", "--against", "running")
    assert f"  against  {BASE}, what runs" in ran.out.splitlines()
    assert b'"against":"running"' in daemon.asked[-1]


def test_a_commit_that_changes_nothing_says_so() -> None:
    assert "Nothing: both commits hold the same files." in shown(of_commit(diff=""))


def test_what_hides_in_a_diff_is_seen_on_terminals_and_in_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    page = config_pages.diff(3)(of_commit(diff="@@ -0,0 +1 @@\n+a\u202eb\x1b[2J\u200b\r\x85c\n"), PERSON)
    marked = "+a<U+202E>b<U+001B>[2J<U+200B><U+000D><U+0085>c"
    assert marked in plain(page).splitlines()
    assert marked in bare(richly(monkeypatch, page))


def test_a_diff_has_its_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = richly(monkeypatch, config_pages.diff(3)(of_commit(), PERSON))
    assert '\x1b[32m+model = "new"' in drawn
    assert '\x1b[31m-model = "old"' in drawn
    assert "\x1b[36m@@ -1,3 +1,3 @@" in drawn
    assert "\x1b[1m+++ b/agent.toml" in drawn


def test_a_line_that_looks_like_the_head_of_a_file_is_none_within_a_hunk() -> None:
    lines = [
        ("--- a/x", HEAD),
        ("+++ b/x", HEAD),
        ("@@ -1,2 +1,2 @@ -- top", HUNK),
        ("--- a/y", REMOVED),
        ("+++ b/y", ADDED),
        (" @@ -9 +9 @@", ""),
        ("\\ No newline", "dim"),
        ("--- a/z", HEAD),
        ("@@ -3 +3 @@", HUNK),
        ("-a", REMOVED),
        ("+b", ADDED),
    ]
    diff = "".join(f"{line}\n" for line, _ in lines)
    assert [(line.text, line.style) for line in styled_lines(diff)] == lines


def test_a_line_that_a_terminal_breaks_is_marked_where_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    long = "+x = 1" + " " * 14 + "-safe = true" + " " * 8 + "+y"
    assert richly(monkeypatch, (Verbatim(long), Verbatim(""), Verbatim("+\tz")), columns=20).split("\n") == [
        "+x = 1" + " " * 14,
        "↪ -safe = true      ",
        "↪   +y",
        "",
        "+       z",
        "",
    ]


HISTORY = (
    ConfigEvent(tag="deployed/3", sha=SHA, at=NOW - 60, text="approved by the operator"),
    ConfigEvent(tag="failed/2", sha=BASE, at=NOW - 180, text="did not speak within 60 s\nlog:\n\x1b[2J"),
    ConfigEvent(tag="deployed/0", sha=BASE, at=NOW - 7200, text=""),
)


def test_the_history_of_a_configuration_is_a_table_with_the_first_line_of_what_was_said() -> None:
    page = config_pages.log("alice")(reply(config_log=HISTORY), PERSON)
    assert plain(page).splitlines() == [
        "TAG         COMMIT        WHEN       TEXT",
        "deployed/3  4e124e124e12  60 s ago   approved by the operator",
        "failed/2    c0dec0dec0de  3 min ago  did not speak within 60 s",
        "deployed/0  c0dec0dec0de  2 h ago    -",
    ]


def test_the_history_says_why_the_operator_said_no() -> None:
    no = ConfigEvent(tag="denied/4", sha=SHA, at=NOW - 60, text="by operator\n\ntoo quick")
    assert (
        plain(config_pages.log("alice")(reply(config_log=(no,)), PIPE))
        .splitlines()[1]
        .endswith("by operator: too quick")
    )


def test_no_more_of_the_history_is_shown_than_was_wanted() -> None:
    assert len(plain(config_pages.log("alice", 1)(reply(config_log=HISTORY), PIPE)).splitlines()) == 2


def test_that_there_is_no_history_is_a_remark() -> None:
    assert plain(config_pages.log("alice")(reply(config_log=()), PIPE)) == ""
    (remark,) = config_pages.log("alice")(reply(), PIPE)
    assert remark.text == "Nothing is recorded of alice's configuration."  # type: ignore[union-attr]


async def test_a_single_file_of_a_configuration_comes_out_of_a_pipe_as_it_is(daemon: ScriptedDaemon) -> None:
    text = '[runner]\nkind = "claude"\n\n'
    daemon.answers["ConfigShow"] = reply(sha=SHA, files=(ConfigFile(path="agent.toml", text=text),))
    assert await daemon.run("config", "show", "alice") == (0, text, f"Commit {SHA}:\n")


def test_several_files_stand_under_their_names_with_the_configuration_first() -> None:
    files = (
        ConfigFile(path="README", text="no end of line", cut=True),
        ConfigFile(path="a\u202e", text=""),
        ConfigFile(path="agent.toml", text="# nothing\x1b\n"),
    )
    assert plain(config_pages.show(reply(sha=SHA, files=files), PIPE)).splitlines() == [
        "==> agent.toml <==", "# nothing<U+001B>", "==> README <==", "no end of line", "==> a<U+202E> <==",
    ]  # fmt: skip


def test_a_configuration_without_a_file_says_so_to_a_person() -> None:
    assert plain(config_pages.show(reply(sha=SHA, files=()), PIPE)) == ""
    assert len(config_pages.show(reply(sha=SHA, files=()), PIPE)) == 2


@pytest.mark.parametrize(("ref", "told"), [((), "what it ran before"), (("deployed/1",), "deployed/1")])
async def test_a_rollback_tells_what_the_agent_is_back_on(
    daemon: ScriptedDaemon, ref: tuple[str, ...], told: str
) -> None:
    daemon.answers["Rollback"] = reply(operation=12)
    assert await daemon.run("rollback", "alice", *ref) == (0, f"alice is back on {told}.\n", "")


def richly(monkeypatch: pytest.MonkeyPatch, page: Page, columns: int = 100) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    write_richly(page, out)
    return out.getvalue()


def bare(drawn: str) -> list[str]:
    """The lines without the colours that rich gave them."""
    return re.sub(r"\x1b\[[\d;]*m", "", drawn).splitlines()
