"""The sweep gets through all there is, in small steps, and asks for no scoring twice in a hurry."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from celery import current_app

from attempts import services
from attempts.models import Attempt
from attempts.states import State
from attempts.tasks import close_due_attempts
from tests.world import NOON, World

pytestmark = pytest.mark.usefixtures("at_noon")

MINUTE = timedelta(minutes=1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the broker is asked to have scored."""
    pks: list[int] = []

    def note(pk: int) -> bool:
        pks.append(pk)
        return True

    monkeypatch.setattr(services, "enqueue_scoring", note)
    return pks


def due(world: World, count: int) -> list[Attempt]:
    """Exams that ran out an hour ago, the first of them first."""
    start = NOON - 2 * 60 * MINUTE
    people = [world.person(f"p{n}@example.org") for n in range(count)]
    return [world.start(person, now=start + n * MINUTE) for n, person in enumerate(people)]


def closed() -> int:
    return Attempt.objects.filter(state=State.CLOSED).count()


def test_one_sweep_closes_all_of_it_batch_by_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(world, 5)
    running = world.start(world.ada, now=NOON)
    batches: list[int] = []
    one_batch = services.close_due_attempts

    def counted(now: datetime, *, limit: int) -> int:
        batches.append(one_batch(now, limit=limit))
        return batches[-1]

    monkeypatch.setattr(services, "close_due_attempts", counted)
    assert services.close_all_due(NOON, batch=2) == 5
    assert batches == [2, 2, 1]
    assert closed() == 5
    running.refresh_from_db()
    assert running.status is State.IN_PROGRESS
    assert services.close_all_due(NOON, batch=2) == 0


def test_each_batch_is_committed_before_the_next(
    live_world: World, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's row stays locked while others are closed, and scoring begins at once."""
    first, second = due(live_world, 2)
    seen: list[list[int]] = []
    real_close = services._close

    def close(locked: Attempt, reason: Attempt.CloseReason, at: datetime) -> None:
        seen.append(list(asked))
        real_close(locked, reason, at)

    monkeypatch.setattr(services, "_close", close)
    assert services.close_all_due(NOON, batch=1) == 2
    assert seen == [[], [first.pk]]
    assert asked == [first.pk, second.pk]


def test_a_sweep_that_takes_too_long_leaves_the_rest_to_the_next(world: World) -> None:
    first, *_ = due(world, 3)
    assert services.close_all_due(NOON, batch=1, seconds=0) == 1
    first.refresh_from_db()
    assert first.status is State.CLOSED  # longest over
    assert services.close_all_due(NOON, batch=1) == 2


def test_all_lost_scoring_is_asked_for_by_one_sweep(world: World, asked: list[int]) -> None:
    lost = due(world, 5)
    services.close_all_due(NOON)
    assert services.requeue_lost_scoring(NOON) == 5
    assert asked == [attempt.pk for attempt in lost]
    assert services.requeue_lost_scoring(NOON, seconds=0) == 0


def test_what_a_sweep_closes_it_asks_for_once(live_world: World, asked: list[int]) -> None:
    """Its stamp is the deadline, which may be long past: that alone would look like a loss."""
    (attempt,) = due(live_world, 1)
    close_due_attempts()
    assert asked == [attempt.pk]


def test_behind_a_long_queue_sweeps_expire() -> None:
    """They stand in the queue with the scorings, so none asks again for those that only wait."""
    entry = current_app.conf.beat_schedule["close-due-attempts"]
    assert entry["options"]["expires"] <= entry["schedule"]
    assert not {"queue", "priority"} & set(entry["options"])
    assert not current_app.conf.task_routes
