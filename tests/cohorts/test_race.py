"""Two at once, with real threads and connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from cohorts import services
from cohorts.models import Cohort, Membership
from cohorts.refresh import refresh_report
from cohorts.services import InviteRefused
from tests.cohorts.circle import NOW, Circle
from tests.world import World


@pytest.fixture
def circle(live_world: World) -> Circle:
    return Circle(live_world)


def at_once(*jobs: Callable[[], object]) -> list[object]:
    """Run each job on a connection of its own, let go together. Exceptions come back as results."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> object:
        try:
            gate.wait(timeout=10)
            return job()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return [future.result(timeout=30) for future in [threads.submit(run, j) for j in jobs]]


def test_eight_clicks_on_one_invite_make_one_membership(circle: Circle) -> None:
    ada = circle.world.ada

    def accept() -> object:
        return services.accept_invite(
            ada, circle.invite, shares_results=True, shares_pooled=False, now=NOW
        )

    results = at_once(*[accept] * 8)
    assert len(set(results)) == 1, results
    assert isinstance(results[0], Membership)
    assert Membership.objects.filter(user=ada).count() == 1


def test_whoever_waits_for_a_revocation_does_not_get_in(circle: Circle) -> None:
    """The invite is looked at again under the lock."""
    locked, go = threading.Event(), threading.Event()

    def revoke() -> None:
        with transaction.atomic():
            services.revoke_invite(circle.invite, NOW)
            locked.set()
            go.wait(timeout=10)

    def accept() -> object:
        locked.wait(timeout=10)
        threading.Timer(0.3, go.set).start()  # by then we wait for the lock
        return services.accept_invite(
            circle.world.ada, circle.invite, shares_results=True, shares_pooled=True, now=NOW
        )

    circle.world.ada  # noqa: B018  (made before the threads start)
    _, result = at_once(revoke, accept)
    assert isinstance(result, InviteRefused)


def test_two_leads_leaving_at_once_leave_one_behind(circle: Circle) -> None:
    second = circle.join("Amara")
    Membership.objects.filter(pk=second.pk).update(role=Membership.Role.LEAD)
    first = circle.cohort.memberships.get(user=circle.lead)
    second.refresh_from_db()
    results = at_once(lambda: services.leave(first, NOW), lambda: services.leave(second, NOW))
    assert sorted(type(result).__name__ for result in results) == ["LastLead", "NoneType"]
    assert circle.cohort.memberships.current().leads().count() == 1


def test_figures_wait_for_a_withdrawal_in_progress(circle: Circle) -> None:
    member = circle.join("Amara", pooled=True)
    with transaction.atomic():
        services.set_consent(member, shares_results=False, shares_pooled=False, now=NOW)
        (looked,) = at_once(lambda: refresh_report(circle.cohort.pk, NOW))
    assert looked is False, "the next sweep comes back"
    assert circle.report.stale


def test_closing_and_joining_at_once_end_in_one_or_the_other(circle: Circle) -> None:
    ada = circle.world.ada
    at_once(
        lambda: services.close(circle.cohort),
        lambda: services.accept_invite(
            ada, circle.invite, shares_results=True, shares_pooled=True, now=NOW
        ),
    )
    assert not Cohort.objects.exists()
    assert not Membership.objects.exists()
