"""Members by domains: the latest standing, how hot, in which order; and who has been away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from attempts.models import Attempt
from cohorts.models import Membership
from cohorts.reports import dashboard
from domains.models import Outline
from tests.cohorts.circle import NOW, Circle, sat
from tests.world import sometimes


def sharing(circle: Circle, name: str, *estimates: float, days: int = 1, n: int = 40) -> Membership:
    member = circle.join(name, results=True)
    to_date = [(estimate, n) for estimate in estimates]
    sat(member.user, {0: True}, at=NOW - timedelta(days=days), to_date=to_date)
    return member


def names(circle: Circle, sort: str = "") -> list[str]:
    return [row.name for row in dashboard(circle.cohort, NOW, sort).rows]


def test_a_row_is_the_standing_after_the_latest_exam(circle: Circle) -> None:
    member = sharing(circle, "Amara", *[0.5] * 6, days=9)
    sat(member.user, {0: True}, at=NOW - timedelta(days=2), to_date=[(0.72, 60)] * 6)
    sat(member.user, {0: True}, at=NOW - timedelta(days=20), to_date=[(0.3, 20)] * 6)
    (row,) = dashboard(circle.cohort, NOW).rows
    assert [cell.percent if cell else None for cell in row.cells] == [72] * 6
    assert row.days_away == 2


def test_an_exam_of_another_outline_counts_as_activity_only(circle: Circle) -> None:
    member = sharing(circle, "Amara", *[0.5] * 6, days=9)
    other = sat(member.user, {0: True}, at=NOW - timedelta(days=1))
    Attempt.objects.filter(pk=other.pk).update(outline=Outline.objects.get(is_default=False))
    circle.refresh()
    (row,) = dashboard(circle.cohort, NOW).rows
    assert row.cells[0] is not None
    assert row.cells[0].percent == 50
    assert row.days_away == 1


def test_the_real_engine_fills_the_table(circle: Circle) -> None:
    member = circle.join("Amara", results=True)
    attempt = circle.world.sat(member.user, "quick", sometimes(0.6), now=NOW - timedelta(hours=2))
    (row,) = dashboard(circle.cohort, NOW).rows
    assert row.overall is not None
    assert (row.overall.correct, row.overall.n) == (attempt.correct_count, 24)
    assert all(cell is not None for cell in row.cells)


@pytest.mark.parametrize(
    ("estimate", "step"),
    [(0.0, 0), (0.35, 0), (0.36, 1), (0.58, 4), (0.83, 8), (0.84, 9), (1.0, 9)],
)
def test_the_colder_the_figure_the_hotter_the_cell(
    circle: Circle, estimate: float, step: int
) -> None:
    sharing(circle, "Amara", estimate)
    (row,) = dashboard(circle.cohort, NOW).rows
    assert row.cells[0] is not None
    assert row.cells[0].heat == step


def test_a_cell_says_number_basis_and_standing_without_colour(circle: Circle, lead: Client) -> None:
    sharing(circle, "Amara", 0.5, 0.7)
    sharing(circle, "Bjørn", 0.7, n=6)
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "50&nbsp;%")
    assertContains(response, "likely 40 to 60 %, Below the line")
    assertContains(response, "Too close to call")
    assertContains(response, "n&nbsp;40")
    assertContains(response, "Not enough answers,</span> <small>n&nbsp;6")


def test_who_needs_help_comes_first(circle: Circle) -> None:
    sharing(circle, "Amara", *[0.7] * 6)
    sharing(circle, "Bjørn", *[0.4] * 6)
    circle.join("Carmen")
    sharing(circle, "Dmitri", *[0.9] * 6)
    assert names(circle) == ["Bjørn", "Amara", "Dmitri", "Carmen"]


def test_the_table_sorts_by_each_head_both_ways(circle: Circle) -> None:
    sharing(circle, "Amara", 0.7, 0.2, days=3)
    sharing(circle, "Bjørn", 0.4, 0.8, days=30)
    circle.join("Carmen")  # without values: last, either way
    circle.refresh()
    assert names(circle, "name") == ["Amara", "Bjørn", "Carmen"]
    assert names(circle, "-name") == ["Carmen", "Bjørn", "Amara"]
    assert names(circle, "d1") == ["Bjørn", "Amara", "Carmen"]
    assert names(circle, "-d1") == ["Amara", "Bjørn", "Carmen"]
    assert names(circle, "d2") == ["Amara", "Bjørn", "Carmen"]
    assert names(circle, "away") == ["Amara", "Bjørn", "Carmen"]
    assert names(circle, "-away") == ["Bjørn", "Amara", "Carmen"]
    assert names(circle, "exams") == ["Amara", "Bjørn", "Carmen"]


@pytest.mark.parametrize("sort", ["d7", "d0", "user__password", "--name", "d", "-", "x" * 5000])
def test_any_other_order_is_the_default(circle: Circle, lead: Client, sort: str) -> None:
    sharing(circle, "Amara", 0.7)
    url = reverse("cohort-detail", args=[circle.cohort.public_id])
    response = lead.get(url, {"sort": sort})
    assert response.context["report"].order.key == "overall"


def test_the_sorted_head_says_so_and_its_link_turns_it_round(circle: Circle, lead: Client) -> None:
    sharing(circle, "Amara", 0.7)
    url = reverse("cohort-detail", args=[circle.cohort.public_id])
    assertContains(lead.get(url, {"sort": "d1"}), 'aria-sort="ascending"', count=1)
    assertContains(lead.get(url, {"sort": "d1"}), "?sort=-d1")
    assertContains(lead.get(url, {"sort": "-d1"}), 'aria-sort="descending"', count=1)


# --- Activity -------------------------------------------------------------------------------


def test_exams_are_counted_by_week(circle: Circle) -> None:
    member = sharing(circle, "Amara", 0.7, days=0)
    for days in (1, 3, 10, 200):
        sat(member.user, {0: True}, at=NOW - timedelta(days=days))
    silent = circle.join("Bjørn", pooled=True)
    sat(silent.user, {0: True})
    Attempt.objects.update(report_opened_at=NOW)
    circle.refresh()
    report = dashboard(circle.cohort, NOW)
    assert [bar.exams for bar in report.weeks] == [0] * 9 + [1, 1, 2]
    assert (report.exams, report.exams_lately) == (4, 3)
    activity = next(row.activity for row in report.rows if row.name == "Amara")
    assert activity is not None
    assert activity.exams == 5, "older ones count, they are only not drawn"


def test_weeks_move_on_without_celery(circle: Circle) -> None:
    sharing(circle, "Amara", 0.7, days=0)
    Attempt.objects.update(report_opened_at=NOW)
    circle.refresh()
    report = dashboard(circle.cohort, NOW + timedelta(weeks=2))
    assert [bar.exams for bar in report.weeks][-3:] == [1, 0, 0]
    assert report.rows[0].days_away == 14


@pytest.mark.parametrize(("days", "away"), [(13, False), (14, True), (30, True)])
def test_two_weeks_are_away(circle: Circle, lead: Client, days: int, away: bool) -> None:
    sharing(circle, "Farid", 0.7, days=days)
    circle.refresh()
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assert bool(response.context["report"].away) is away
    if away:
        assertContains(response, f"Farid has been away for {days} days.")
        assertContains(response, f"Away {days} days")
    else:
        assertContains(response, "Nobody has been away for two weeks.")


def test_the_longest_away_is_named_and_the_others_counted(circle: Circle, lead: Client) -> None:
    sharing(circle, "Amara", 0.7, days=20)
    sharing(circle, "Bjørn", 0.7, days=40)
    sharing(circle, "Carmen", 0.7, days=15)
    circle.refresh()
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "Bjørn has been away for 40 days, and 2 others for two weeks or more.")


def test_the_day_is_the_readers_day(circle: Circle, lead: Client) -> None:
    """It is noon in UTC and one in the morning of the next day in Auckland."""
    sharing(circle, "Amara", 0.7)
    Attempt.objects.update(closed_at=NOW - timedelta(hours=2))
    url = reverse("cohort-detail", args=[circle.cohort.public_id])
    assert lead.get(url).context["report"].rows[0].days_away == 0
    circle.lead.time_zone = "Pacific/Auckland"
    circle.lead.save()
    assert lead.get(url).context["report"].rows[0].days_away == 1
