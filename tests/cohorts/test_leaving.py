"""The ways out: leaving, being removed, the group closed, the account deleted."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertRedirects

from attempts.models import Attempt
from cohorts import services
from cohorts.models import Cohort, CohortReport, Invite, Membership
from cohorts.services import LastLead
from tests.cohorts.circle import NOW, Circle, sat


def test_leaving_asks_first_and_then_shares_nothing(circle: Circle, client: Client) -> None:
    member = circle.join("Amara", results=True, pooled=True)
    client.force_login(member.user)
    url = reverse("cohort-leave", args=[circle.cohort.public_id])
    assertContains(client.get(url), "Leave Northern circle?")
    assert Membership.objects.current().filter(pk=member.pk).exists(), "asking changes nothing"
    response = client.post(url, follow=True)
    assertContains(response, "You have left Northern circle.")
    member.refresh_from_db()
    assert (member.end_reason, member.shares_results, member.shares_pooled) == (
        "left",
        False,
        False,
    )
    assert circle.report.stale


def test_leaving_twice_is_a_404_the_second_time(circle: Circle, client: Client) -> None:
    member = circle.join("Amara")
    client.force_login(member.user)
    url = reverse("cohort-leave", args=[circle.cohort.public_id])
    client.post(url)
    assert client.post(url).status_code == 404


def test_the_last_lead_cannot_leave(circle: Circle, lead: Client) -> None:
    url = reverse("cohort-leave", args=[circle.cohort.public_id])
    close = reverse("cohort-close", args=[circle.cohort.public_id])
    assertRedirects(lead.get(url), close)
    response = lead.post(url, follow=True)
    assertRedirects(response, close)
    assertContains(response, "You are this group’s only lead")
    with pytest.raises(LastLead):
        services.leave(circle.cohort.memberships.get(user=circle.lead), NOW)


def test_one_of_two_leads_can_leave(circle: Circle) -> None:
    second = circle.join("Amara")
    Membership.objects.filter(pk=second.pk).update(role=Membership.Role.LEAD)
    services.leave(circle.cohort.memberships.get(user=circle.lead), NOW)
    second.refresh_from_db()
    with pytest.raises(LastLead):
        services.leave(second, NOW)


def test_the_lead_removes_a_member_after_being_asked(circle: Circle, lead: Client) -> None:
    member = circle.join("Amara", results=True)
    url = reverse("cohort-remove", args=[circle.cohort.public_id, member.pk])
    assertContains(lead.get(url), "Remove Amara?")
    assert Membership.objects.current().filter(pk=member.pk).exists()
    assertContains(lead.post(url, follow=True), "Amara is no longer in the group.")
    member.refresh_from_db()
    assert (member.end_reason, member.shares_results) == ("removed", False)
    assert lead.post(url).status_code == 404, "removed already"


def test_the_lead_cannot_remove_themselves(circle: Circle, lead: Client) -> None:
    own = circle.cohort.memberships.get(user=circle.lead)
    url = reverse("cohort-remove", args=[circle.cohort.public_id, own.pk])
    assert lead.post(url).status_code == 404


def test_closing_deletes_the_group_and_nobodys_results(circle: Circle, lead: Client) -> None:
    member = circle.join("Amara", results=True)
    sat(member.user, {0: True})
    url = reverse("cohort-close", args=[circle.cohort.public_id])
    assertContains(lead.get(url), "for 1 member.")
    assert Cohort.objects.exists()
    assertRedirects(lead.post(url), reverse("cohort-list"))
    for model in (Cohort, Membership, Invite, CohortReport):
        assert not model.objects.exists()
    assert Attempt.objects.filter(user=member.user).exists()
    services.close(circle.cohort)  # again, as from a second tab: nothing happens


def test_deleting_a_leads_account_closes_their_groups_only(circle: Circle) -> None:
    other = Circle(circle.world, "Southern circle")
    second = other.join("Amara")
    Membership.objects.filter(pk=second.pk).update(role=Membership.Role.LEAD)
    services.forget_person(circle.lead)
    circle.lead.delete()
    assert list(Cohort.objects.values_list("name", flat=True)) == ["Southern circle"]


def test_deleting_a_members_account_makes_figures_be_worked_out_again(circle: Circle) -> None:
    member = circle.join("Amara", pooled=True)
    circle.refresh()
    services.forget_person(member.user)
    member.user.delete()
    assert circle.report.stale
