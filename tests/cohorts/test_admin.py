"""A superuser may look at groups; nobody edits consent, and instructors see none of it."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from cohorts.models import Cohort
from tests.cohorts.circle import Circle


def test_a_superuser_looks_and_cannot_change(circle: Circle, client: Client) -> None:
    circle.join("Amara", results=True)
    client.force_login(User.objects.create_superuser("root@example.org", "x" * 12))
    assertContains(client.get(reverse("admin:cohorts_cohort_changelist")), "Northern circle")
    url = reverse("admin:cohorts_cohort_change", args=[circle.cohort.pk])
    page = client.get(url)
    assertContains(page, "Amara")
    assertNotContains(page, circle.invite.token)
    assertNotContains(page, 'name="name"')
    assert client.post(url, {"name": "Renamed"}).status_code == 403
    assert Cohort.objects.get().name == "Northern circle"


def test_an_instructor_sees_no_groups(circle: Circle, client: Client) -> None:
    client.force_login(circle.world.ines)
    assert client.get(reverse("admin:cohorts_cohort_changelist")).status_code == 403
