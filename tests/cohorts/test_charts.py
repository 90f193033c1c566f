"""Where marks go. No database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from cohorts.charts import Spark, bars, latest_mondays, monday_of


def test_weeks_begin_on_monday_in_utc_wherever_the_clock_stands() -> None:
    assert monday_of(datetime(2027, 3, 3, 12, tzinfo=UTC)) == date(2027, 3, 1)
    auckland = timezone(timedelta(hours=13))
    assert monday_of(datetime(2027, 3, 8, 9, tzinfo=auckland)) == date(2027, 3, 1)


def test_twelve_weeks_end_with_the_running_one() -> None:
    mondays = latest_mondays(datetime(2027, 3, 3, 12, tzinfo=UTC))
    assert len(mondays) == 12
    assert mondays[0] == date(2026, 12, 14)
    assert mondays[-1] == date(2027, 3, 1)


def test_bars_stand_on_the_baseline_and_the_tallest_fills_the_picture() -> None:
    made = bars([0, 2, 4], [date(2027, 2, 15), date(2027, 2, 22), date(2027, 3, 1)])
    assert [bar.height for bar in made] == [0, 48, 96]
    assert {bar.y + bar.height for bar in made} == {120}
    assert [bar.labelled for bar in made] == [False, False, True]


def test_no_exams_at_all_draw_no_bars() -> None:
    assert [bar.height for bar in bars([0, 0], [date(2027, 2, 22), date(2027, 3, 1)])] == [0, 0]


def test_a_sparkline_rises_with_the_share() -> None:
    spark = Spark.of([0.3, 0.65, 1.0])
    assert spark is not None
    assert spark.points == "4.0,22.0 48.0,12.0 92.0,2.0"
    assert (spark.end_x, spark.end_y) == ("92.0", "2.0")


def test_shares_below_guessing_stay_in_the_box() -> None:
    spark = Spark.of([0.0])
    assert spark is not None
    assert spark.points == "4.0,22.0"


def test_no_exams_no_sparkline() -> None:
    assert Spark.of([]) is None
