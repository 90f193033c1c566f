"""Changes that are added to a sum: visible time, and leaving a strict exam. A lost reply makes a
browser send them again, and each counts once. And what is no absence."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest

from attempts import desk, remedies, services
from attempts.deliveries import Departure, Op, Seen
from attempts.models import Attempt
from attempts.saving import Reply, SaveStatus
from tests.attempts.device import Device
from tests.attempts.test_races import Racer, hold_at_the_desk, wait_for_a_queue_at_the_lock
from tests.world import NOON, World

pytestmark = pytest.mark.usefixtures("at_noon")

START = NOON - timedelta(minutes=20)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def attempt(world: World) -> Attempt:
    return strict(world)


def strict(world: World) -> Attempt:
    attempt = world.start(world.ada, now=START)
    Attempt.objects.filter(pk=attempt.pk).update(strict=True)
    return attempt


def seen(position: int = 1, ms: int = 1_000) -> Seen:
    return Seen(uuid4(), position, ms)


def left(ms: int = 3_000) -> Departure:
    return Departure(uuid4(), ms)


def sums(attempt: Attempt) -> tuple[int, int, int]:
    """Milliseconds the first question was visible; departures; milliseconds away."""
    attempt.refresh_from_db()
    return attempt.items.get(position=1).visible_ms, attempt.departures, attempt.away_ms


def test_a_resend_is_answered_like_the_first_and_adds_nothing(attempt: Attempt) -> None:
    device = Device(attempt, met=START)
    device.one(seen(), now=START)  # shown first
    ops = seen(), left()
    for minutes in (1, 2, 3):
        replies = device.deliver(*ops, now=START + minutes * MINUTE).replies
        assert [reply.status for reply in replies] == [SaveStatus.OK, SaveStatus.OK]
        assert sums(attempt) == (1_000, 1, 3_000)


def test_new_changes_that_come_with_a_resend_count(attempt: Attempt) -> None:
    """Two replies in a row are lost: what came first is still known when it comes a third time."""
    device = Device(attempt, met=START)
    device.one(seen(), now=START)
    ops: list[Op] = []
    for minutes in range(1, 5):
        ops += [seen(), left()]
        device.deliver(*ops, now=START + minutes * MINUTE)
        assert sums(attempt) == (1_000 * minutes, minutes, 3_000 * minutes)


def test_a_long_delivery_is_known_again_whole(attempt: Attempt) -> None:
    """What an hour without a connection has gathered is more than what is remembered as a rule."""
    device = Device(attempt, met=START)
    device.one(seen(), now=START)
    ops = [left() for _ in range(3 * desk._REMEMBERED // 16)]
    for _ in range(2):
        device.deliver(*ops, now=START + 10 * MINUTE)
    other = Device(attempt, met=START)
    other.one(left(), now=START + 11 * MINUTE)
    attempt.refresh_from_db()
    assert attempt.departures == len(ops) + 1
    assert len(attempt.counted) == desk._REMEMBERED  # and no longer than it must be


def test_another_device_in_between_makes_nothing_forgotten(attempt: Attempt) -> None:
    device, other = Device(attempt, met=START), Device(attempt, met=START)
    op = left()
    device.one(op, now=START + MINUTE)
    for n in range(5):
        other.one(left(), now=START + (2 + n) * MINUTE)
    device.one(op, now=START + 9 * MINUTE)
    assert sums(attempt)[1] == 6


def test_a_resend_does_not_turn_the_pages_back(attempt: Attempt) -> None:
    device, other = Device(attempt, met=START), Device(attempt, met=START)
    op = seen(3)
    device.one(op, now=START + MINUTE)
    other.one(seen(7), now=START + 2 * MINUTE)
    device.one(op, now=START + 3 * MINUTE)
    attempt.refresh_from_db()
    assert attempt.last_position == 7


def test_a_resend_that_overtakes_its_reply_waits_and_is_known(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser gave up waiting and sends again, while the first is still being judged."""
    attempt = strict(live_world)
    device, op = Device(attempt, met=START), left()
    deliver = partial(device.one, op, now=START + MINUTE)
    pause, first = hold_at_the_desk(monkeypatch, deliver, locked=True)
    second = Racer(deliver)
    second.start()
    wait_for_a_queue_at_the_lock()
    pause.released.set()
    assert isinstance(first.finish(), Reply)
    assert isinstance(second.finish(), Reply)
    assert sums(attempt) == (0, 1, 3_000)


def test_without_the_lock_one_of_two_names_is_lost(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each then writes what it read, so that the list of one delivery replaces the other's."""
    attempt = strict(live_world)
    device, one, two = Device(attempt, met=START), left(), left()
    pause, first = hold_at_the_desk(
        monkeypatch, lambda: device.one(one, now=START + MINUTE), locked=False
    )
    device.one(two, now=START + MINUTE)
    pause.released.set()
    assert isinstance(first.finish(), Reply)
    attempt.refresh_from_db()
    assert bytes(attempt.counted) == one.id.bytes


# --- An exam that was over and was reopened ---------------------------------------------------

OVER, AGAIN = START + 10 * MINUTE, NOON + timedelta(days=1)


@pytest.fixture
def reopened(world: World, attempt: Attempt) -> Attempt:
    services.submit(attempt, OVER)
    remedies.reopen(attempt, 30, "The machine was lost", world.ines, AGAIN)
    return attempt


@pytest.mark.parametrize(
    ("since", "until", "counted"),
    [
        (OVER - 4 * MINUTE, AGAIN + MINUTE, 5 * MINUTE),  # before the end, and after it went on
        (OVER + MINUTE, AGAIN + 2 * MINUTE, 2 * MINUTE),
        (AGAIN + MINUTE, AGAIN + 4 * MINUTE, 3 * MINUTE),
        (OVER, AGAIN, None),  # all of it while the exam was over: none
    ],
)
def test_nobody_leaves_an_exam_while_it_is_over(
    reopened: Attempt, since: datetime, until: datetime, counted: timedelta | None
) -> None:
    away = (until - since) // timedelta(milliseconds=1)
    Device(reopened, met=START).one(left(away), now=until)
    told = (0, 0) if counted is None else (1, counted // timedelta(milliseconds=1))
    assert sums(reopened)[1:] == told


def test_in_all_nobody_is_away_for_longer_than_the_exam_was_open(reopened: Attempt) -> None:
    device = Device(reopened, met=START)
    for _ in range(2):
        device.one(left(2**31 - 1), now=AGAIN + 5 * MINUTE)
    assert sums(reopened)[1:] == (2, 15 * 60_000)
