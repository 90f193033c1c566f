"""Two at once, with real threads and connections.

Tried without the locks: with that of `accept_invite`, `_locked`, `close` or `refresh_report` taken
out, one or more of these fail.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from cohorts import services
from cohorts.models import Cohort, Membership
from cohorts.refresh import refresh_report
from cohorts.services import InviteRefused, LastLead, Refusal
from tests.cohorts.circle import NOW, Circle
from tests.world import World

Job = Callable[[], object]


@pytest.fixture
def circle(live_world: World) -> Circle:
    return Circle(live_world)


def at_once(*jobs: Job) -> list[object]:
    """Run each job on a connection of its own, let go together. Exceptions come back as results."""
    gate = threading.Barrier(len(jobs))

    def run(job: Job) -> object:
        try:
            with connection.cursor() as cursor:  # connect first, so that the jobs really meet
                cursor.execute("SET lock_timeout = '5s'")  # a deadlock fails, it does not hang
            gate.wait(timeout=10)
            return job()
        except Exception as error:
            return error
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")  # the pool will lend this one again
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return [future.result(timeout=30) for future in [threads.submit(run, j) for j in jobs]]


def overlapping(first: Job, second: Job) -> list[object]:
    """`first` has done its work and not yet committed when `second` begins; it commits as soon as
    `second` waits for a lock, or is done."""
    begun, done = threading.Event(), threading.Event()

    def hold() -> object:
        with transaction.atomic():
            result = first()
            begun.set()
            until = time.monotonic() + 4
            while time.monotonic() < until and not done.is_set() and not _somebody_waits():
                time.sleep(0.02)
            return result

    def follow() -> object:
        begun.wait(timeout=10)
        try:
            return second()
        finally:
            done.set()

    return at_once(hold, follow)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def accept(circle: Circle, name: str) -> Job:
    person = circle.world.person(f"{name.lower()}@example.org", name)
    return lambda: services.accept_invite(
        person, circle.invite, shares_results=True, shares_pooled=False, now=NOW
    )


def second_lead(circle: Circle) -> Membership:
    member = circle.join("Amara")
    Membership.objects.filter(pk=member.pk).update(role=Membership.Role.LEAD)
    return Membership.objects.get(pk=member.pk)


def test_two_clicks_on_one_invite_make_one_membership(circle: Circle) -> None:
    click = accept(circle, "Amara")
    first, second = overlapping(click, click)
    assert isinstance(first, Membership)
    assert second == first


def test_six_clicks_on_one_invite_make_one_membership(circle: Circle) -> None:
    results = at_once(*[accept(circle, "Amara")] * 6)
    assert len(set(results)) == 1, results
    assert Membership.objects.filter(user__name="Amara").count() == 1


def test_whoever_waits_for_a_revocation_does_not_get_in(circle: Circle) -> None:
    _, result = overlapping(
        lambda: services.revoke_invite(circle.invite, NOW), accept(circle, "Amara")
    )
    assert isinstance(result, InviteRefused)
    assert result.reason is Refusal.REVOKED


def test_whoever_waits_for_their_removal_does_not_share_again(circle: Circle) -> None:
    member = circle.join("Amara")
    _, result = overlapping(
        lambda: services.remove_member(member, NOW),
        lambda: services.set_consent(member, shares_results=True, shares_pooled=True, now=NOW),
    )
    assert isinstance(result, Membership.DoesNotExist)


def test_two_leads_leaving_at_once_leave_one_behind(circle: Circle) -> None:
    first, second = circle.cohort.memberships.get(user=circle.lead), second_lead(circle)
    _, result = overlapping(lambda: services.leave(first, NOW), lambda: services.leave(second, NOW))
    assert isinstance(result, LastLead)
    assert list(circle.cohort.memberships.current().leads()) == [second]


def test_figures_wait_for_a_withdrawal_in_progress(circle: Circle) -> None:
    member = circle.join("Amara", pooled=True)
    _, looked = overlapping(
        lambda: services.set_consent(member, shares_results=False, shares_pooled=False, now=NOW),
        lambda: refresh_report(circle.cohort.pk, NOW),
    )
    assert looked is False, "the next sweep comes back"
    assert circle.report.stale


def test_a_withdrawal_during_the_look_makes_it_look_again(circle: Circle) -> None:
    member = circle.join("Amara", pooled=True)
    overlapping(
        lambda: refresh_report(circle.cohort.pk, NOW),
        lambda: services.set_consent(member, shares_results=False, shares_pooled=False, now=NOW),
    )
    assert circle.report.stale


def test_closing_takes_along_who_is_just_joining(circle: Circle) -> None:
    _, closed = overlapping(accept(circle, "Amara"), lambda: services.close(circle.cohort))
    assert closed is None
    assert not Cohort.objects.exists()
    assert not Membership.objects.exists()


def test_nobody_joins_a_group_that_is_just_closing(circle: Circle) -> None:
    _, result = overlapping(lambda: services.close(circle.cohort), accept(circle, "Amara"))
    assert isinstance(result, Cohort.DoesNotExist)
    assert not Membership.objects.exists()
