"""Small bar charts: what is drawn, and the same in words."""

from __future__ import annotations

from hyperhive.dashboard.charts import BAR, GAP, HEIGHT, chart


def test_the_highest_bar_is_as_high_as_the_chart_and_the_others_in_proportion() -> None:
    made = chart("Tokens", [("a", 50), ("b", 100), ("c", 0)], str)
    assert made is not None
    assert [(bar.height, bar.y) for bar in made.bars] == [(HEIGHT / 2, HEIGHT / 2), (HEIGHT, 0), (1, HEIGHT - 1)]
    assert made.width == 3 * BAR + 2 * GAP
    assert [bar.x for bar in made.bars] == [0, BAR + GAP, 2 * (BAR + GAP)]
    assert made.words == "Tokens of 3 turns: from 0 to 100, the last 0"


def test_a_value_that_is_not_known_is_a_bar_of_its_own_kind() -> None:
    made = chart("Cost", [("a", None), ("b", 5)], str)
    assert made is not None
    assert [(bar.none, bar.title) for bar in made.bars] == [(True, "a: not known"), (False, "b: 5")]
    assert made.words == "Cost of 1 turn: from 5 to 5, the last 5"


def test_nothing_known_is_no_chart_and_nothing_but_nought_is_one() -> None:
    assert chart("Cost", [("a", None)], str) is None
    assert chart("Cost", [], str) is None
    made = chart("Cost", [("a", 0)], str)
    assert made is not None
    assert made.bars[0].height == 1
