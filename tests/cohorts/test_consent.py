"""What a member shares: changed by them alone, and with effect from the next page on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from cohorts import services
from cohorts.models import Membership
from tests.cohorts.circle import NOW, Circle, sat

SIX = [(0.8, 40)] * 6


def dashboard_url(circle: Circle) -> str:
    return reverse("cohort-detail", args=[circle.cohort.public_id])


def test_without_consent_the_lead_sees_name_and_date_only(circle: Circle, lead: Client) -> None:
    member = circle.join("Amara", pooled=True)
    sat(member.user, {0: True}, to_date=SIX)
    circle.refresh()
    response = lead.get(dashboard_url(circle))
    assertContains(response, "Does not share results. Joined 3 Mar 2027.")
    (row,) = response.context["report"].rows
    assert row.cells == (None,) * 6
    assert (row.overall, row.activity, row.last, row.days_away) == (None, None, None, None)
    assertNotContains(response, "80&nbsp;%")


def test_withdrawing_empties_the_row_with_the_next_page(circle: Circle, lead: Client) -> None:
    member = circle.join("Amara", results=True)
    sat(member.user, {0: True}, to_date=SIX)
    circle.refresh()
    # six domains and all of them together
    assertContains(lead.get(dashboard_url(circle)), "80&nbsp;%", count=7)

    browser = Client()
    browser.force_login(member.user)
    browser.post(reverse("cohort-consent", args=[circle.cohort.public_id]), {})

    # Celery has not run: what it stored is still there, and is not shown.
    assert circle.report.activity
    response = lead.get(dashboard_url(circle))
    assertNotContains(response, "80&nbsp;%")
    assertContains(response, "Does not share results.")
    (row,) = response.context["report"].rows
    assert row.activity is None
    assert response.context["report"].exams == 0, "not in the picture of the weeks either"
    csv = lead.get(reverse("cohort-csv", args=[circle.cohort.public_id]))
    assert "Amara" not in csv.content.decode()


def test_the_next_look_forgets_what_was_withdrawn(circle: Circle) -> None:
    member = circle.join("Amara", results=True)
    sat(member.user, {0: True})
    assert str(member.pk) in circle.refresh().activity
    services.set_consent(member, shares_results=False, shares_pooled=False, now=NOW)
    assert circle.refresh().activity == {}


def test_the_two_answers_are_separate_and_dated(circle: Circle) -> None:
    member = circle.join("Amara", results=True)
    later = NOW + timedelta(days=1)
    changed = services.set_consent(member, shares_results=True, shares_pooled=True, now=later)
    assert changed.shares_results_since == NOW, "kept on: the first time stands"
    assert changed.shares_pooled_since == later
    changed = services.set_consent(member, shares_results=False, shares_pooled=True, now=later)
    assert changed.shares_results_since is None
    assert changed.shares_pooled_since == later


@pytest.mark.parametrize(
    ("ticked", "said"),
    [
        ({}, "You share nothing"),
        ({"shares_results": "on"}, "your answers do not count"),
        ({"shares_pooled": "on"}, "without your name"),
        ({"shares_results": "on", "shares_pooled": "on"}, "and your answers count"),
    ],
)
def test_saving_says_what_is_shared_now(
    circle: Circle, client: Client, ticked: dict[str, str], said: str
) -> None:
    member = circle.join("Amara", results=True, pooled=True)
    client.force_login(member.user)
    url = reverse("cohort-consent", args=[circle.cohort.public_id])
    response = client.post(url, ticked, follow=True)
    assertContains(response, said)
    member.refresh_from_db()
    assert (member.shares_results, member.shares_pooled) == (
        "shares_results" in ticked,
        "shares_pooled" in ticked,
    )


def test_the_members_page_shows_what_is_ticked(circle: Circle, client: Client) -> None:
    member = circle.join("Amara", results=True)
    client.force_login(member.user)
    response = client.get(dashboard_url(circle))
    assertContains(response, "checked", count=1)
    assertContains(response, "shared since 3 Mar 2027, 12:00")
    assert "report" not in response.context, "a member gets no dashboard"


def test_a_membership_that_has_ended_cannot_share_again(circle: Circle) -> None:
    member = circle.join("Amara")
    services.leave(member, NOW)
    with pytest.raises(Membership.DoesNotExist):
        services.set_consent(member, shares_results=True, shares_pooled=True, now=NOW)


def test_the_database_keeps_leads_and_ended_memberships_from_sharing(circle: Circle) -> None:
    member = circle.join("Amara", results=True)
    for pk, wrong in (
        (circle.cohort.memberships.get(role="lead").pk, {"shares_results_since": NOW}),
        (member.pk, {"ended_at": NOW, "end_reason": "left"}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.filter(pk=pk).update(**wrong)
