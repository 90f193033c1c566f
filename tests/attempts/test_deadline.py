"""The clock at its edges: the deadline, the grace after it, extra time, and the stamp."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import settings

from attempts import saving, services
from attempts.models import Attempt
from attempts.saving import SaveStatus
from attempts.states import State
from tests.world import NOON, World, right

pytestmark = pytest.mark.usefixtures("at_noon")

START = NOON
GRACE = timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
TICK = timedelta(microseconds=1)


def save(attempt: Attempt, now: datetime, position: int = 1) -> SaveStatus:
    choice = right(attempt.items.get(position=position))
    return saving.save_answer(
        attempt.user, attempt.public_id, position, choice=choice, revision=0, now=now
    ).status


@pytest.mark.parametrize(
    ("after_deadline", "status"),
    [
        (-TICK, SaveStatus.SAVED),
        (timedelta(0), SaveStatus.SAVED),
        (TICK, SaveStatus.SAVED),
        (GRACE, SaveStatus.SAVED),
        (GRACE + TICK, SaveStatus.NOT_COUNTED),
    ],
)
@pytest.mark.parametrize("extra", [0, 25, 50, 100])
def test_an_answer_around_the_deadline(
    world: World, extra: int, after_deadline: timedelta, status: SaveStatus
) -> None:
    person = world.person("eve@example.org", extra_time_percent=extra)
    attempt = world.start(person, now=START)
    assert save(attempt, attempt.deadline + after_deadline) is status
    item = attempt.items.get(position=1)
    assert (item.choice_id is not None) is (status is SaveStatus.SAVED)


@pytest.mark.parametrize(
    ("key", "extra", "minutes"),
    [
        ("quick", 0, 35),
        ("quick", 25, 43.75),
        ("quick", 50, 52.5),
        ("quick", 100, 70),
        ("half", 0, 86),
        ("half", 25, 107.5),
        ("half", 50, 129),
        ("half", 100, 172),
    ],
)
def test_extra_time_lengthens_the_stored_deadline(
    world: World, key: str, extra: int, minutes: float
) -> None:
    person = world.person("eve@example.org", extra_time_percent=extra)
    attempt = world.start(person, key, now=START)
    attempt.refresh_from_db()
    assert attempt.deadline - attempt.started_at == timedelta(minutes=minutes)
    assert attempt.extra_time_percent == extra


def test_extra_time_granted_later_leaves_a_running_clock_alone(world: World) -> None:
    attempt = world.start(world.ada, now=START)
    world.ada.extra_time_percent = 100
    world.ada.save()
    late = START + timedelta(minutes=35) + GRACE + TICK
    assert save(attempt, late) is SaveStatus.NOT_COUNTED


def test_the_whole_grace_is_open_to_every_question(world: World) -> None:
    attempt = world.start(world.ada, now=START)
    for position in (1, 2, 24):
        assert save(attempt, attempt.deadline + GRACE, position) is SaveStatus.SAVED


def save_one(world: World, attempt: Attempt, now: datetime) -> object:
    return save(attempt, now)


def look(world: World, attempt: Attempt, now: datetime) -> object:
    return services.close_if_due(attempt, now)


def submit(world: World, attempt: Attempt, now: datetime) -> object:
    return services.submit(attempt, now)


def discard(world: World, attempt: Attempt, now: datetime) -> object:
    return services.discard_attempt(attempt, now)


def sweep(world: World, attempt: Attempt, now: datetime) -> object:
    return services.close_due_attempts(now)


def start_again(world: World, attempt: Attempt, now: datetime) -> object:
    return world.start(world.ada, "half", now=now)


@pytest.mark.parametrize("touch", [save_one, look, submit, discard, sweep, start_again])
@pytest.mark.parametrize("late", [GRACE + TICK, timedelta(days=3)])
def test_whoever_notices_the_stamp_is_the_deadline(
    world: World, touch: Callable[[World, Attempt, datetime], object], late: timedelta
) -> None:
    attempt = world.start(world.ada, now=START)
    touch(world, attempt, attempt.deadline + late)
    stored = Attempt.objects.get(pk=attempt.pk)
    assert (stored.status, stored.close_reason) == (State.CLOSED, Attempt.CloseReason.CLOCK)
    assert stored.closed_at == attempt.deadline


@pytest.mark.parametrize("touch", [look, sweep])
def test_nothing_closes_an_attempt_before_its_grace_is_over(
    world: World, touch: Callable[[World, Attempt, datetime], object]
) -> None:
    attempt = world.start(world.ada, now=START)
    assert not touch(world, attempt, attempt.deadline + GRACE)
    assert Attempt.objects.get(pk=attempt.pk).status is State.IN_PROGRESS


@pytest.mark.parametrize("late", [timedelta(0), GRACE])
def test_a_submit_in_the_grace_is_a_submit_stamped_with_the_deadline(
    world: World, late: timedelta
) -> None:
    attempt = world.start(world.ada, now=START)
    assert services.submit(attempt, attempt.deadline + late)
    stored = Attempt.objects.get(pk=attempt.pk)
    assert stored.close_reason == Attempt.CloseReason.SUBMITTED
    assert stored.closed_at == attempt.deadline


def test_a_submit_before_the_deadline_is_stamped_with_its_own_time(world: World) -> None:
    attempt = world.start(world.ada, now=START)
    services.submit(attempt, attempt.deadline - TICK)
    assert Attempt.objects.get(pk=attempt.pk).closed_at == attempt.deadline - TICK


def test_the_sweep_takes_the_due_and_only_them_oldest_first(world: World) -> None:
    early = world.start(world.ada, now=START)
    late = world.start(world.ben, now=START + timedelta(minutes=1))
    running = world.start(world.lena, now=START + timedelta(minutes=30))
    now = START + timedelta(minutes=40)
    assert services.close_due_attempts(now, limit=1) == 1
    assert Attempt.objects.get(pk=early.pk).status is State.CLOSED
    assert Attempt.objects.get(pk=late.pk).status is State.IN_PROGRESS
    assert services.close_due_attempts(now) == 1
    assert Attempt.objects.get(pk=running.pk).status is State.IN_PROGRESS
    assert services.close_due_attempts(now) == 0
