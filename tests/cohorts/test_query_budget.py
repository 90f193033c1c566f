"""Pages cost the same whatever the size of the group."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client
from django.urls import reverse

from tests.cohorts.circle import NAMES, Circle, sat

Budget = Callable[[int], AbstractContextManager[object]]


def fill(circle: Circle, size: int) -> None:
    for i in range(size):
        member = circle.join(NAMES[i % 8] + str(i), results=True, pooled=True)
        sat(member.user, {k: k % 3 > 0 for k in range(12)}, to_date=[(0.6, 20)] * 6)
    circle.refresh()


@pytest.mark.parametrize("size", [1, 16])
@pytest.mark.parametrize(
    ("name", "most"),
    [
        # session, person, membership; outline, domains, members, report, attempts, results,
        # stems, placements
        ("cohort-detail", 11),
        ("cohort-csv", 11),
        # session, person, membership; members, invites
        ("cohort-people", 6),
    ],
)
def test_the_leads_pages(
    circle: Circle,
    lead: Client,
    django_assert_max_num_queries: Budget,
    size: int,
    name: str,
    most: int,
) -> None:
    fill(circle, size)
    with django_assert_max_num_queries(most):
        assert lead.get(reverse(name, args=[circle.cohort.public_id])).status_code == 200


@pytest.mark.parametrize("groups", [1, 6])
def test_the_list(
    circle: Circle, lead: Client, django_assert_max_num_queries: Budget, groups: int
) -> None:
    for i in range(groups - 1):
        Circle(circle.world, f"Circle {i}")
    with django_assert_max_num_queries(3):
        lead.get(reverse("cohort-list"))


@pytest.mark.parametrize("size", [5, 16])
def test_working_a_group_out(
    circle: Circle, django_assert_max_num_queries: Budget, size: int
) -> None:
    fill(circle, size)
    with django_assert_max_num_queries(20):
        circle.refresh()
