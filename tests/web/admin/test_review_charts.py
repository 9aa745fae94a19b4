"""The columns of the charts of reviews, in the units of their picture."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.checkout.review_figures import percent_of
from app.web.admin.review_charts import HEIGHT, chart_of


def test_the_highest_column_fills_the_picture_and_the_others_stand_to_it() -> None:
    chart = chart_of([(3, 1), (2, 0), (0, 0)])
    assert chart.top == 4
    assert [[(part.place, part.y, part.height) for part in column.parts] for column in chart.columns] == [
        [(0, 25, 75), (1, 0, 25)],
        [(0, 50, 50)],
        [],
    ]
    assert [column.x for column in chart.columns] == [0, 20, 40]
    assert chart.width == 54


def test_a_chart_of_nothing_has_no_top() -> None:
    assert chart_of([(0, 0)]).top == 0
    assert chart_of([]).columns == ()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 10**9), min_size=2, max_size=2), min_size=1, max_size=30))
def test_every_part_is_seen_and_none_leaves_the_picture(values: list[list[int]]) -> None:
    for given_values, column in zip(values, chart_of(values).columns, strict=True):
        assert len(column.parts) == sum(1 for value in given_values if value)
        assert all(part.height >= 1 and part.y >= 0 for part in column.parts)
        assert all(part.y + part.height <= HEIGHT for part in column.parts)


def test_percentages_are_whole_and_round_half_up() -> None:
    assert [percent_of(1, 3), percent_of(2, 3), percent_of(1, 200), percent_of(5, 5)] == [33, 67, 1, 100]
    assert percent_of(0, 0) is None
