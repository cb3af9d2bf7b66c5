"""How a browser is let in."""

from __future__ import annotations

from tests.dashboard.console import Console


def test_a_session_is_shown_pages_and_none_is_told_what_to_run(console: Console) -> None:
    assert console.get("/").status == 200
    nobody = Console(console.url).get("/")
    assert nobody.status == 401
    assert "run 'hivectl dashboard'" in nobody.text


def test_who_may_only_look_logs_out_all_the_same(onlooker: Console) -> None:
    page = onlooker.get("/")
    form = page.form("/leave")
    assert form.buttons == ["Log out"]
    assert onlooker.post("/leave", token="guessed").status == 403
    assert "You are not let in" in onlooker.post("/leave", **form.fields).text
    assert onlooker.get("/").status == 401
