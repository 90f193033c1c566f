"""A result its person may not be told yet is not told to the group's lead either: until the report
is opened, or late answers are over, a total that moves would tell a key."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from attempts import services as engine
from attempts.models import Attempt, Exam
from cohorts.models import CohortReport
from cohorts.refresh import due_cohorts
from cohorts.reports import Dashboard, dashboard
from tests.cohorts.circle import NOW, Circle, sat

MINUTE = timedelta(minutes=1)
OVER = NOW - 5 * MINUTE
ALLOWANCE = settings.LATE_ANSWER_MINUTES * MINUTE
LATER = OVER + ALLOWANCE + MINUTE
TO_DATE = [(0.8, 40)] * 6


def sit(circle: Circle) -> Attempt:
    """Amara's only exam; it ended five minutes ago and has been scored."""
    member = circle.join("Amara", results=True)
    return sat(member.user, dict.fromkeys(range(12), True), at=OVER, to_date=TO_DATE)


def told(board: Dashboard) -> tuple[bool, bool, bool, int]:
    """Has the row a standing, an activity, a date; and how many exams were sat."""
    (row,) = board.rows
    return row.overall is not None, row.activity is not None, row.last is not None, board.exams


NOTHING, ALL = (False, False, False, 0), (True, True, True, 1)


def test_inside_the_allowance_the_lead_sees_nothing_of_it(circle: Circle, lead: Client) -> None:
    sit(circle)
    circle.refresh()
    assert told(dashboard(circle.cohort, NOW)) == NOTHING
    (line,) = lead.get(reverse("cohort-csv", args=[circle.cohort.public_id])).text.splitlines()[1:]
    assert "80" not in line


def test_once_late_answers_are_over_it_is_told(circle: Circle) -> None:
    """Without anybody doing anything: the sweep finds that it is time."""
    sit(circle)
    circle.refresh()
    edge = OVER + ALLOWANCE
    assert due_cohorts(edge) == []
    assert told(dashboard(circle.cohort, edge)) == NOTHING
    assert due_cohorts(LATER) == [circle.cohort.pk]
    circle.refresh(LATER)
    assert told(dashboard(circle.cohort, LATER)) == ALL
    assert due_cohorts(LATER + 10 * MINUTE) == []


def test_once_the_report_is_opened_it_is_told(circle: Circle) -> None:
    attempt = sit(circle)
    circle.refresh(NOW)
    engine.open_report(attempt, NOW + MINUTE)
    assert due_cohorts(NOW + MINUTE) == [circle.cohort.pk]
    circle.refresh(NOW + MINUTE)
    assert told(dashboard(circle.cohort, NOW + MINUTE)) == ALL


def test_the_standing_before_it_stays_on_show(circle: Circle) -> None:
    attempt = sit(circle)
    earlier = NOW - timedelta(days=3)
    sat(attempt.user, {0: True}, at=earlier, to_date=[(0.4, 20)] * 6)
    circle.refresh()
    (row,) = dashboard(circle.cohort, NOW).rows
    assert row.cells[0] is not None
    assert (row.cells[0].percent, row.last) == (40, earlier)
    assert row.activity is not None
    assert row.activity.exams == 1
    (row,) = dashboard(circle.cohort, LATER).rows
    assert row.cells[0] is not None
    assert row.cells[0].percent == 80


def test_a_drill_has_told_its_keys_and_is_activity_at_once(circle: Circle) -> None:
    """What is known to date waits even so: it counts the exam that ended just before."""
    attempt = sit(circle)
    Attempt.objects.filter(pk=attempt.pk).update(feedback=Exam.Feedback.AFTER_ANSWER)
    circle.refresh()
    (row,) = dashboard(circle.cohort, NOW).rows
    assert row.activity is not None
    assert row.overall is None


@pytest.mark.parametrize("fresh", [True, False])
def test_pooled_figures_wait_likewise(circle: Circle, fresh: bool) -> None:
    for name in ("Amara", "Carmen", "Dmitri", "Eleni", "Farid"):
        member = circle.join(name, pooled=True)
        at = OVER if fresh else OVER - ALLOWANCE
        sat(member.user, {n: n % 2 == 0 for n in range(12)}, at=at)
    assert (circle.refresh().contributors, shown(circle)) == ((0, False) if fresh else (5, True))
    circle.refresh(LATER)
    assert shown(circle)


def shown(circle: Circle) -> bool:
    report: CohortReport = circle.report
    return report.domains is not None and report.questions is not None
