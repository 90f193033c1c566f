"""An outage's remedy holds nobody longer than it must: the running exams are extended and free
again before a closed one is reopened, and each reopening stands for itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import DatabaseError, transaction

from accounts.models import User
from attempts import remedies, services
from attempts.locks import lock_person
from attempts.models import Attempt, Remedy
from attempts.remedies import Outage, Refused
from attempts.states import State
from tests.attempts.test_races import Pause, Racer, wait_for_a_queue_at_the_lock
from tests.world import NOON, World

pytestmark = pytest.mark.usefixtures("at_noon")

MINUTE = timedelta(minutes=1)
SINCE = NOON - 30 * MINUTE


@pytest.fixture(autouse=True)
def _nothing_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "enqueue_scoring", lambda pk: True)


def ran_out(world: World, person: User) -> Attempt:
    """A quick check whose end, ten minutes ago, nobody has noticed."""
    return world.start(person, now=NOON - 45 * MINUTE)


def outage(by: User, *, seen: int | None = None) -> Outage:
    return remedies.extend_all_running(15, "Outage", by, NOON, closed_since=SINCE, seen=seen)


def test_the_running_exams_are_free_while_a_closed_one_is_waited_for(live_world: World) -> None:
    running = live_world.start(live_world.ada, now=NOON)
    free = ran_out(live_world, live_world.lena)
    waited_for = ran_out(live_world, live_world.ben)
    assert free.user_id < waited_for.user_id  # people are taken in that order
    pause = Pause("starter")

    def hold_the_person() -> None:
        with transaction.atomic():
            lock_person(waited_for.user_id)
            pause()

    starter = pause.hold(hold_the_person)
    remedy = Racer(partial(outage, live_world.ines))
    remedy.start()
    wait_for_a_queue_at_the_lock()
    with transaction.atomic():
        both = Attempt.objects.select_for_update(nowait=True).filter(pk__in=[running.pk, free.pk])
        assert {attempt.pk: attempt.deadline for attempt in both} == {
            running.pk: running.deadline + 15 * MINUTE,
            free.pk: NOON + 15 * MINUTE,
        }
    pause.released.set()
    assert starter.finish() is None
    assert remedy.finish() == Outage(1, 2, ())


def test_what_breaks_off_keeps_what_was_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running = world.start(world.ada, now=NOON)
    first, second = ran_out(world, world.ben), ran_out(world, world.lena)
    real_reopen = services.reopen

    def reopen(locked: Attempt, until: datetime, now: datetime) -> None:
        if locked.pk == second.pk:
            raise DatabaseError
        real_reopen(locked, until, now)

    monkeypatch.setattr(services, "reopen", reopen)
    with pytest.raises(DatabaseError):
        remedies.extend_all_running(15, "Outage", world.ines, NOON, closed_since=SINCE)
    kinds = dict(Remedy.objects.values_list("attempt", "kind"))
    assert kinds == {running.pk: "extend", first.pk: "reopen"}
    second.refresh_from_db()
    assert second.status is State.CLOSED


def test_the_running_exams_are_extended_all_or_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = world.start(world.ada, now=NOON)
    closed = ran_out(world, world.ben)

    def fail(*_: object, **__: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(Remedy.objects, "bulk_create", fail)
    with pytest.raises(DatabaseError):
        remedies.extend_all_running(15, "Outage", world.ines, NOON, closed_since=SINCE)
    before = running.deadline
    running.refresh_from_db()
    assert running.deadline == before
    assert not closed.remedies.exists()


def test_a_second_press_reopens_nothing_twice(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nobody sitting an exam the first press leaves no lock to wait at; each person's does."""
    attempt = ran_out(live_world, live_world.ben)
    press = partial(outage, live_world.ines, seen=0)
    pause = Pause("first press")
    real_reopen = services.reopen

    def reopen(locked: Attempt, until: datetime, now: datetime) -> None:
        pause()
        real_reopen(locked, until, now)

    monkeypatch.setattr(services, "reopen", reopen)
    first, second = pause.hold(press), Racer(press)
    second.start()
    wait_for_a_queue_at_the_lock()
    pause.released.set()
    assert first.finish() == Outage(0, 1, ())
    done = second.finish()
    assert isinstance(done, Outage)
    ((left_out, why),) = done.left_out
    assert (done.extended, done.reopened, left_out) == (0, 0, attempt)
    assert "still running" in why
    assert attempt.remedies.count() == 1
    with pytest.raises(Refused):
        press()
