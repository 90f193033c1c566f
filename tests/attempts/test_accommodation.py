"""Extra time of 25, 50 and 100 %: at its boundaries, through everything that moves a deadline."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from attempts import remedies, services
from attempts.models import Attempt
from attempts.saving import SaveStatus, late_until, save_answer
from attempts.states import State
from tests.questions.desk import enter
from tests.world import NOON, World, right

pytestmark = pytest.mark.usefixtures("at_noon")

NOW = NOON
TICK = timedelta(microseconds=1)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
GRACE = timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
QUICK = 35 * MINUTE

# percent -> what a quick check of 35 minutes then lasts
LASTS = {
    0: QUICK,
    25: 43 * MINUTE + 45 * SECOND,
    50: 52 * MINUTE + 30 * SECOND,
    100: 70 * MINUTE,
}

each = pytest.mark.parametrize(("percent", "lasts"), LASTS.items())


@pytest.fixture
def eve(world: World) -> User:
    return world.person("eve@example.org", "Eve")


def grant(person: User, percent: int) -> None:
    person.extra_time_percent = percent
    person.save()


def save(attempt: Attempt, at: datetime, position: int = 1) -> SaveStatus:
    item = attempt.items.get(position=position)
    choice, revision = right(item), item.revision
    return save_answer(
        attempt.user, attempt.public_id, position, choice=choice, revision=revision, now=at
    ).status


def is_open(attempt: Attempt, at: datetime) -> bool:
    attempt = Attempt.objects.get(pk=attempt.pk)
    services.close_if_due(attempt, at)
    return attempt.status is State.IN_PROGRESS


@each
def test_the_deadline_to_the_second(
    world: World, eve: User, percent: int, lasts: timedelta
) -> None:
    grant(eve, percent)
    attempt = world.start(eve, now=NOW)
    attempt.refresh_from_db()
    assert attempt.deadline == NOW + lasts
    assert attempt.extra_time_percent == percent


@each
def test_the_grace_is_the_same_for_everybody(
    world: World, eve: User, percent: int, lasts: timedelta
) -> None:
    """Five seconds for the wire; extra time makes nobody's wire longer."""
    grant(eve, percent)
    attempt = world.start(eve, now=NOW)
    assert save(attempt, NOW + lasts, 1) is SaveStatus.SAVED
    assert save(attempt, NOW + lasts + GRACE, 2) is SaveStatus.SAVED
    assert save(attempt, NOW + lasts + GRACE + TICK, 3) is not SaveStatus.SAVED
    attempt.refresh_from_db()
    assert (attempt.state, attempt.closed_at) == ("closed", NOW + lasts)


@each
def test_the_time_for_late_answers_begins_at_their_own_deadline(
    world: World, eve: User, percent: int, lasts: timedelta
) -> None:
    grant(eve, percent)
    attempt = world.start(eve, now=NOW)
    assert not is_open(attempt, NOW + lasts + GRACE + TICK)
    attempt.refresh_from_db()
    assert attempt.closed_at is not None
    assert late_until(attempt.status, attempt.closed_at) == NOW + lasts + timedelta(
        minutes=settings.LATE_ANSWER_MINUTES
    )


@each
def test_an_extension_comes_on_top_and_is_not_itself_lengthened(
    world: World, eve: User, percent: int, lasts: timedelta
) -> None:
    """An outage takes the same minutes from everybody."""
    grant(eve, percent)
    attempt = world.start(eve, now=NOW)
    remedies.extend(attempt, 15, "Network outage", world.ines, NOW + lasts)
    attempt.refresh_from_db()
    assert attempt.deadline == NOW + lasts + 15 * MINUTE
    assert is_open(attempt, NOW + lasts + 15 * MINUTE + GRACE)
    assert not is_open(attempt, NOW + lasts + 15 * MINUTE + GRACE + TICK)


@each
def test_a_reopened_exam_gets_the_minutes_staff_gave(
    world: World, eve: User, percent: int, lasts: timedelta
) -> None:
    grant(eve, percent)
    attempt = world.start(eve, now=NOW)
    services.submit(attempt, NOW + MINUTE)
    remedies.reopen(attempt, 20, "Submitted by mistake", world.ines, NOW + 2 * MINUTE)
    attempt.refresh_from_db()
    assert attempt.deadline == NOW + 22 * MINUTE
    assert attempt.extra_time_percent == percent


@pytest.mark.parametrize(("before", "after"), [(0, 100), (100, 0), (25, 50)])
def test_a_change_is_for_the_next_exam(world: World, eve: User, before: int, after: int) -> None:
    grant(eve, before)
    running = world.start(eve, now=NOW)
    grant(eve, after)
    running.refresh_from_db()
    assert (running.deadline, running.extra_time_percent) == (NOW + LASTS[before], before)
    same, is_new = services.start_attempt(
        eve, running.exam, running.outline, now=NOW + MINUTE, seed=2
    )
    assert (same.pk, is_new, same.deadline) == (running.pk, False, NOW + LASTS[before])
    services.discard_attempt(running, NOW + MINUTE)
    assert world.start(eve, now=NOW).deadline == NOW + LASTS[after]


@pytest.mark.parametrize(
    ("percent", "said"),
    [
        (0, "35 minutes."),
        (25, "43 minutes 45 seconds, your extra time of 25 % included."),
        (50, "52 minutes 30 seconds, your extra time of 50 % included."),
        (100, "70 minutes, your extra time of 100 % included."),
    ],
)
def test_the_rules_say_it_before_the_start(
    world: World, eve: User, client: Client, percent: int, said: str
) -> None:
    grant(eve, percent)
    client.force_login(eve)
    page = client.get(reverse("exam-rules", args=("quick",))).content.decode()
    assert f"24 questions, {said}" in page.replace("&nbsp;", " ")


def test_the_list_of_exams_says_its_minutes_are_without_it(eve: User, client: Client) -> None:
    client.force_login(eve)
    said = "The minutes here are without your extra time of 50&nbsp;%"
    assert said not in client.get(reverse("exam-list")).content.decode()
    grant(eve, 50)
    assert said in client.get(reverse("exam-list")).content.decode()


@pytest.mark.parametrize("percent", [1, 24, 75, 101])
def test_there_is_nothing_in_between(eve: User, percent: int) -> None:
    refused = pytest.raises(IntegrityError, match="user_extra_time_is_0_25_50_100")
    with refused, transaction.atomic():
        User.objects.filter(pk=eve.pk).update(extra_time_percent=percent)


def test_it_is_granted_on_the_persons_page(world: World, eve: User) -> None:
    root = enter(User.objects.create_superuser("root@example.org"))
    url = f"/admin/accounts/user/{eve.pk}/change/"
    sent = {"email": eve.email, "name": "Eve", "time_zone": "UTC", "is_active": "on"}
    assert root.post(url, {**sent, "extra_time_percent": "50"}).status_code == 302
    eve.refresh_from_db()
    assert world.start(eve, now=NOW).deadline == NOW + LASTS[50]
    assert root.post(url, {**sent, "extra_time_percent": "75"}).status_code == 200
    eve.refresh_from_db()
    assert eve.extra_time_percent == 50


def test_a_person_cannot_grant_it_to_themselves(eve: User, client: Client) -> None:
    client.force_login(eve)
    client.post(
        reverse("profile"),
        {"name": "Eve", "time_zone": "UTC", "exam_date": "", "extra_time_percent": "100"},
    )
    eve.refresh_from_db()
    assert eve.extra_time_percent == 0
