"""Every personal page stays within its budget of statements, session and person included.

A page over budget prints its SQL. Pages whose rows could multiply (report, lists, dashboards) are
also tried with more rows, beside their apps.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from attempts import services
from attempts.identity import person_name
from attempts.models import Attempt
from tests.world import World, sometimes

BUDGETS = {
    "home": 9,
    "exam-list": 9,
    "exam-rules": 15,  # one of them once a second
    "exam-tutorial": 2,
    "exam-tutorial-list": 2,
    "attempt-list": 8,
    "attempt-resume": 4,
    "attempt-item": 12,
    "attempt-questions": 7,
    "attempt-review": 7,
    "attempt-discard": 4,
    "attempt-form": 10,
    "attempt-log": 7,
    "attempt-report": 8,
    "attempt-report-question": 8,
    "profile": 4,
    "cohort-list": 5,
}


@pytest.mark.parametrize("name", BUDGETS)
def test_a_page_stays_within_its_budget(
    client: Client,
    world: World,
    name: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    done = world.sat(world.ada, "half", sometimes(0.6), now=timezone.now() - timedelta(days=3))
    running: Attempt = world.start(world.ada, "quick")
    client.force_login(world.ada)
    attempt = done if name.startswith("attempt-report") else running
    if name == "attempt-report-question":
        services.open_report(done, timezone.now())
    arguments: dict[str, tuple[object, ...]] = {
        "exam-rules": ("half",),
        "exam-tutorial-list": ("review",),
        "attempt-item": (attempt.public_id, 3),
        "attempt-report-question": (attempt.public_id, 3),
    }
    if name.startswith("attempt-") and name != "attempt-list":
        arguments.setdefault(name, (attempt.public_id,))
    url = reverse(name, args=arguments.get(name, ()))
    with django_assert_max_num_queries(BUDGETS[name]):
        assert client.get(url).status_code in {200, 302}


def test_starting_an_exam_takes_few_statements_whatever_its_length(
    client: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(world.ada)
    with django_assert_max_num_queries(30):
        client.post(reverse("exam-rules", args=("half",)), {"agree": "on"})
    assert Attempt.objects.get().items.count() == 60


def test_saving_an_answer_takes_four_statements(
    client: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Session, person, a lock that reads, one write. BEGIN and COMMIT are a savepoint here."""
    attempt = world.start(world.ada, "half")
    client.force_login(world.ada)
    choice = attempt.items.get(position=1).choice_order[0]
    change = {"id": str(uuid4()), "kind": "answer", "position": 1, "choice": choice}
    change |= {"revision": 0, "at": int(timezone.now().timestamp() * 1000)}
    body = {"person": person_name(world.ada), "pending_since": None, "ops": [change]}
    url = reverse("attempt-sync", args=(attempt.public_id,))
    with django_assert_max_num_queries(4 + 2):
        reply = client.post(url, body, content_type="application/json")
    assert reply.json()["replies"][0]["status"] == "saved"
