"""Found in review: moves of an attempt that got in each other's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from attempts import remedies, results, saving, services
from attempts.deliveries import Seen
from attempts.locks import lock_person
from attempts.models import Attempt, DomainResult
from attempts.results import score_attempt
from attempts.saving import SaveStatus
from attempts.states import State
from tests.attempts.device import Device
from tests.world import NOON, World, right

pytestmark = pytest.mark.usefixtures("at_noon")

BOUND = 20
NOW = NOON
SOON = NOW + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _nothing_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "enqueue_scoring", lambda pk: True)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def wait_for_a_waiter() -> None:
    until = time.monotonic() + BOUND
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction it is kept
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    pytest.fail("nobody waits for a lock")


def test_a_late_save_and_the_scorer_do_not_wait_for_each_other_in_a_circle(
    live_world: World, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scorer has the attempt and wants the items; a save must not hold its item by then."""
    attempt = live_world.start(live_world.ada, now=NOW)
    item = attempt.items.get(position=1)
    choice = right(item)
    services.submit(attempt, SOON)
    locked, go_on = threading.Event(), threading.Event()
    answers = results._answers

    def paused(closed: Attempt) -> object:
        locked.set()
        assert go_on.wait(BOUND)
        return answers(closed)

    monkeypatch.setattr(results, "_answers", paused)

    def score() -> bool:
        with closing(connection):
            return score_attempt(attempt.pk, SOON)

    def save() -> SaveStatus:
        with closing(connection):
            return saving.save_answer(
                attempt.user, attempt.public_id, 1, choice=choice, revision=0, now=SOON
            ).status

    scorer = pool.submit(score)
    assert locked.wait(BOUND)
    saver = pool.submit(save)
    wait_for_a_waiter()
    go_on.set()
    assert (scorer.result(BOUND), saver.result(BOUND)) == (True, SaveStatus.NOT_COUNTED)


def test_a_start_does_not_take_back_the_scoring_of_the_attempt_before(
    live_world: World, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep closes a forgotten attempt, and it is scored, just as its owner starts another."""
    forgotten = live_world.start(live_world.ada, now=NOW)
    later = NOW + timedelta(hours=3)
    is_due, starter = services.is_due, threading.get_ident()

    def swept_meanwhile() -> None:
        with closing(connection):
            if services.close_due_attempts(later):
                score_attempt(forgotten.pk, later)

    def look(attempt: Attempt, now: object) -> bool:
        if threading.get_ident() == starter:
            monkeypatch.setattr(services, "is_due", is_due)
            pool.submit(swept_meanwhile).result(BOUND)
        return is_due(attempt, later)

    monkeypatch.setattr(services, "is_due", look)
    attempt = live_world.start(live_world.ada, now=later)
    assert attempt.pk != forgotten.pk
    forgotten.refresh_from_db()
    assert (forgotten.status, forgotten.closed_at) == (State.CLOSED, forgotten.deadline)


def test_what_counts_to_date_does_not_hang_on_who_was_scored_first(world: World) -> None:
    """After an outage of the worker two attempts of one person wait, and any may come first."""
    earlier = world.start(world.ada, "drill", domain=1, now=NOW)
    world.answer(earlier, now=SOON)
    services.submit(earlier, SOON)
    later = world.start(world.ada, "drill", domain=2, now=SOON)
    world.answer(later, now=SOON + timedelta(minutes=5))
    services.submit(later, SOON + timedelta(minutes=6))
    score_attempt(later.pk, NOW + timedelta(hours=1))
    score_attempt(earlier.pk, NOW + timedelta(hours=1))
    to_date = DomainResult.objects.filter(attempt=later, scope=DomainResult.Scope.TO_DATE)
    assert dict(to_date.filter(n__gt=0).values_list("domain__number", "n")) == {1: 10, 2: 10}
    before = DomainResult.objects.filter(attempt=earlier, scope=DomainResult.Scope.TO_DATE)
    assert dict(before.filter(n__gt=0).values_list("domain__number", "n")) == {1: 10}


def test_visible_time_ends_with_the_attempt(world: World) -> None:
    """What the browser counts in the seconds of grace is not part of the exam's time."""
    attempt = world.start(world.ada, now=NOW)
    item = attempt.items.get(position=1)
    saving.mark_seen(attempt, item.position, SOON)
    in_the_grace = attempt.deadline + timedelta(seconds=4)
    Device(attempt, met=NOW).one(Seen(uuid4(), 1, 2**31 - 1), now=in_the_grace)
    item.refresh_from_db()
    assert timedelta(milliseconds=item.visible_ms) == attempt.deadline - SOON


def test_an_outages_remedy_waits_for_a_person_before_it_touches_their_attempt(
    live_world: World, pool: ThreadPoolExecutor
) -> None:
    """A start has the person, and then wants the attempt whose end nobody has noticed yet."""
    attempt = live_world.start(live_world.ada, now=NOW)
    ines = live_world.ines
    now = attempt.deadline + timedelta(minutes=1)

    def remedy() -> int:
        with closing(connection):
            since = now - timedelta(hours=1)
            return remedies.extend_all_running(5, "Outage", ines, now, closed_since=since).reopened

    with transaction.atomic():
        lock_person(live_world.ada.pk)
        waiting = pool.submit(remedy)
        wait_for_a_waiter()
        assert Attempt.objects.select_for_update(nowait=True).get() == attempt
    assert waiting.result(BOUND) == 1
