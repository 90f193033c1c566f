"""When Celery looks at a group, and that looking again is harmless."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertRedirects

from attempts.models import Attempt, Exam
from cohorts import services, tasks
from cohorts.models import CohortReport
from cohorts.refresh import due_cohorts, refresh_report
from domains.models import Outline
from tests.cohorts.circle import NOW, Circle, sat
from tests.world import World

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def looked_at(circle: Circle) -> Circle:
    """Two members, everything worked out, nothing due."""
    circle.join("Amara", results=True, pooled=True)
    circle.join("Bjørn")
    circle.refresh()
    assert due_cohorts(LATER) == []
    return circle


def test_a_new_group_is_not_due(world: World) -> None:
    services.create_cohort(world.lena, "Northern circle", NOW)
    assert due_cohorts(LATER) == []


@pytest.mark.parametrize("change", ["join", "consent", "leave", "remove"])
def test_every_change_of_who_shares_makes_it_due(looked_at: Circle, change: str) -> None:
    member = looked_at.cohort.memberships.get(user__name="Amara")
    if change == "join":
        looked_at.join("Carmen")
    elif change == "consent":
        services.set_consent(member, shares_results=False, shares_pooled=True, now=NOW)
    elif change == "leave":
        services.leave(member, NOW)
    else:
        services.remove_member(member, NOW)
    assert due_cohorts(LATER) == [looked_at.cohort.pk]


def test_a_scored_attempt_makes_it_due(looked_at: Circle) -> None:
    member = looked_at.cohort.memberships.get(user__name="Amara")
    sat(member.user, {0: True}, at=NOW + timedelta(minutes=1))
    assert due_cohorts(LATER) == []  # late answers may still move it
    Attempt.objects.update(feedback=Exam.Feedback.AFTER_ANSWER)  # those of a drill cannot
    assert due_cohorts(LATER) == [looked_at.cohort.pk]
    looked_at.refresh(LATER)
    assert due_cohorts(LATER) == []


def test_an_attempt_stamped_before_the_look_but_committed_after_it_is_not_missed(
    looked_at: Circle,
) -> None:
    member = looked_at.cohort.memberships.get(user__name="Amara")
    sat(member.user, {0: True}, at=NOW - timedelta(seconds=30))
    assert due_cohorts(LATER) == [looked_at.cohort.pk]


def test_a_voided_attempt_makes_it_due(looked_at: Circle) -> None:
    member = looked_at.cohort.memberships.get(user__name="Amara")
    attempt = sat(member.user, {0: True}, at=NOW - timedelta(days=1))
    assert due_cohorts(LATER) == []
    Attempt.objects.filter(pk=attempt.pk).update(
        state="void", voided_at=LATER, void_reason="By staff"
    )
    assert due_cohorts(LATER) == [looked_at.cohort.pk]


def test_an_attempt_of_somebody_who_has_left_does_not(looked_at: Circle) -> None:
    member = looked_at.cohort.memberships.get(user__name="Amara")
    services.leave(member, NOW)
    looked_at.refresh()
    sat(member.user, {0: True}, at=NOW + timedelta(minutes=1))
    assert due_cohorts(LATER) == []


def test_every_group_is_looked_at_once_a_day(looked_at: Circle) -> None:
    assert due_cohorts(NOW + timedelta(hours=23)) == []
    assert due_cohorts(NOW + timedelta(hours=25)) == [looked_at.cohort.pk]


def test_looking_twice_changes_nothing_but_the_time(circle: Circle) -> None:
    circle.crowd(5, results=True)
    first = circle.refresh()
    second = circle.refresh(LATER)
    assert second.activity == first.activity
    for kind in ("domains", "questions"):
        before, after = getattr(first, kind), getattr(second, kind)
        assert after["figures"] == before["figures"]
        assert after["sources"] == before["sources"]
    assert second.checked_at == LATER


def test_no_names_and_no_addresses_are_stored(circle: Circle) -> None:
    circle.crowd(5, results=True)
    report = circle.refresh()
    stored = f"{report.activity} {report.domains} {report.questions}"
    assert "Amara" not in stored
    assert "@" not in stored


def test_a_group_that_is_gone_is_no_error(circle: Circle) -> None:
    services.close(circle.cohort)
    assert refresh_report(circle.cohort.pk, NOW) is False


def test_the_sweep_asks_for_each_due_group_and_the_task_does_it(circle: Circle) -> None:
    other = Circle(circle.world, "Southern circle")
    for group in (circle, other):
        group.join("Amara", pooled=True)
    with patch.object(tasks.refresh_report, "delay", side_effect=tasks.refresh_report) as delay:
        tasks.refresh_stale_reports()
    assert sorted(call.args[0] for call in delay.call_args_list) == sorted(
        [circle.cohort.pk, other.cohort.pk]
    )
    assert not CohortReport.objects.filter(stale=True).exists()
    assert due_cohorts(LATER) == []


def test_without_an_outline_in_use_the_report_waits(
    circle: Circle, caplog: pytest.LogCaptureFixture
) -> None:
    circle.crowd(5)
    before = circle.report
    Outline.objects.update(is_default=False)
    assert refresh_report(circle.cohort.pk, NOW) is False
    assert "No outline is in use" in caplog.text
    assert (circle.report.stale, circle.report.checked_at) == (True, before.checked_at)
    assert due_cohorts(LATER) == [circle.cohort.pk]


def test_without_an_outline_in_use_the_lead_is_told_so(circle: Circle, lead: Client) -> None:
    circle.crowd(5, results=True)
    circle.refresh()
    Outline.objects.update(is_default=False)
    page = reverse("cohort-detail", args=[circle.cohort.public_id])
    assertContains(lead.get(page), "No exam outline is in use")
    assertRedirects(lead.get(reverse("cohort-csv", args=[circle.cohort.public_id])), page)
