"""How often a person left the window of a strict rehearsal is told to that person alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from attempts.models import Attempt
from cohorts import services as cohorts
from cohorts.refresh import refresh_report
from tests.world import World

# Five digits and more: no part of a random id in the page can look like them.
TIMES, AWAY_MS = 31_357, 7_654_321
SAID = rf"\b{TIMES}\b|\b{AWAY_MS}\b|2 hours 7 minutes|left the window"


@pytest.fixture
def attempt(world: World) -> Attempt:
    """Ada's strict one. She shares everything there is to share with Lena's group."""
    now = timezone.now()
    cohort = cohorts.create_cohort(world.lena, "Lena's group", now - timedelta(days=1))
    invite = cohorts.create_invite(cohort, world.lena, now - timedelta(days=1))
    cohorts.accept_invite(
        world.ada, invite, shares_results=True, shares_pooled=True, now=now - timedelta(days=1)
    )
    attempt = world.sat(world.ada)
    Attempt.objects.update(strict=True, departures=TIMES, away_ms=AWAY_MS)
    assert refresh_report(cohort.pk, now)
    return attempt


def told(user: User, *urls: str) -> str:
    """Everything these pages send this person."""
    client = Client()
    client.force_login(user)
    responses = [client.get(url) for url in urls]
    assert [response.status_code for response in responses] == [200] * len(urls)
    return " ".join(response.content.decode() for response in responses)


def test_the_candidate_is_told(world: World, attempt: Attempt) -> None:
    page = told(world.ada, reverse("attempt-report", args=(attempt.public_id,)))
    assert f"You left the window {TIMES} times, 2 hours 7 minutes 34 seconds in all." in page


def test_the_lead_of_their_group_is_not(world: World, attempt: Attempt) -> None:
    cohort = world.lena.memberships.get().cohort.public_id
    names = ("cohort-detail", "cohort-people", "cohort-csv")
    pages = told(world.lena, *(reverse(name, args=(cohort,)) for name in names))
    assert "Ada" in pages
    assert re.findall(SAID, pages) == []


def test_staff_are_not(world: World, attempt: Attempt) -> None:
    root = world.person("root@example.org", is_staff=True, is_superuser=True)
    pages = told(
        root,
        reverse("admin:attempts_attempt_changelist"),
        reverse("admin:attempts_attempt_change", args=(attempt.pk,)),
        reverse("admin:accounts_user_change", args=(world.ada.pk,)),
    )
    assert "ada@example.org" in pages
    assert re.findall(SAID, pages) == []
