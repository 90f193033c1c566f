"""The demo world: three accounts to log in with, and a study group whose history is real.

Every attempt is drawn, answered, submitted and scored by the engine itself, at times in the past;
only the answers come from a simulated person, by the same Rasch model the product measures with.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import User
from attempts import saving, services
from attempts.assembly import Reserve
from attempts.models import Attempt, AttemptItem, Exam
from attempts.results import score_attempt
from cohorts.models import Cohort
from cohorts.refresh import refresh_report
from cohorts.services import accept_invite, create_cohort, create_invite, revoke_invite
from domains.models import Domain, Outline
from issmp_site.roles import INSTRUCTORS

CANDIDATE = "candidate@example.org"
INSTRUCTOR = "instructor@example.org"
LEAD = "lead@example.org"
SEED = 20270305
FOUNDED_AGO = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Sitting:
    """One attempt of the past. days_ago may be fractional: it sets the hour as well."""

    exam: str
    days_ago: float
    domain: int | None = None
    pace: float = 0.8  # share of the time allowed that was used


@dataclass(frozen=True, slots=True)
class Person:
    """ability and domains in logits; 0 is just qualified."""

    email: str
    name: str
    zone: str
    ability: float
    domains: dict[int, float] = field(default_factory=dict)
    sittings: tuple[Sitting, ...] = ()
    shares_results: bool = True
    shares_pooled: bool = True
    exam_in_days: int | None = None


CAST: Sequence[Person] = (
    Person(
        CANDIDATE, "Camille Candidate", "Europe/Paris", 0.15, {3: -0.9, 1: 0.5, 5: -0.3},
        (Sitting("half", 19.2, pace=0.92), Sitting("drill", 12.6, 3), Sitting("quick", 3.3)),
        exam_in_days=41,
    ),
    Person(
        "amara@example.org", "Amara", "Africa/Lagos", 0.9, {2: -0.4},
        (Sitting("half", 30.5), Sitting("half", 13.7), Sitting("quick", 2.2)), exam_in_days=20,
    ),
    Person(
        "benedikt@example.org", "Benedikt", "Europe/Vienna", -0.6, {6: -0.8, 4: 0.4},
        (Sitting("quick", 24.8), Sitting("half", 19.9), Sitting("drill", 15.1, 6)),
    ),
    Person(
        "chiara@example.org", "Chiara", "Europe/Rome", 0.4, {5: -1.1},
        (Sitting("half", 21.6), Sitting("drill", 9.5, 5), Sitting("drill", 1.4, 5)),
        exam_in_days=62,
    ),
    Person(
        "daichi@example.org", "Daichi", "Asia/Tokyo", 0.2, {3: 0.6, 1: -0.7},
        (Sitting("half", 11.1), Sitting("quick", 4.6)), shares_results=False,
    ),
    Person(
        "elif@example.org", "Elif", "Europe/Istanbul", -0.2, {2: 0.3, 3: -0.6},
        (Sitting("quick", 16.3), Sitting("half", 6.7)),
    ),
    Person(
        "farid@example.org", "Farid", "Asia/Dubai", -1.0, {1: -0.3},
        (Sitting("quick", 28.2),), shares_pooled=False,
    ),
    Person("greta@example.org", "Greta", "Europe/Stockholm", 0.0),
)  # fmt: skip


def exists() -> bool:
    return User.objects.filter(email=LEAD).exists()


@transaction.atomic
def create(password: str, now: datetime) -> int:
    """Make the whole demo world or nothing. Returns how many attempts were sat."""
    founded = now - FOUNDED_AGO
    lead = _account(LEAD, "Lena Lead", "Europe/Berlin", password, founded)
    instructor = _account(INSTRUCTOR, "Ines Instructor", "Europe/Madrid", password, founded)
    instructor.is_staff = True
    instructor.save(update_fields=["is_staff"])
    instructor.groups.add(Group.objects.get(name=INSTRUCTORS))

    rng = random.Random(SEED)  # noqa: S311  (the same world each time)
    people = [
        (person, _member(person, password if person.email == CANDIDATE else None, now))
        for person in CAST
    ]
    cohort = _group(lead, people, now)
    outline = Outline.objects.default()
    sittings = sorted(
        ((sitting, person, user) for person, user in people for sitting in person.sittings),
        key=lambda entry: -entry[0].days_ago,
    )
    for sitting, person, user in sittings:
        _sit(user, person, sitting, outline, rng, now - timedelta(days=sitting.days_ago))
    refresh_report(cohort.pk, now)
    return len(sittings)


def allow(*, log_in: bool) -> None:
    """Let the demo accounts in or shut them out: outside the demo, one that came along with the
    data (`--no-demo`, a restored dump) must open no door."""
    User.objects.filter(email__in=[CANDIDATE, INSTRUCTOR, LEAD]).exclude(is_active=log_in).update(
        is_active=log_in
    )


def set_passwords(password: str) -> None:
    """Give the three accounts this password, when it was chosen anew."""
    for user in User.objects.filter(email__in=[CANDIDATE, INSTRUCTOR, LEAD]):
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])


def _account(email: str, name: str, zone: str, password: str | None, since: datetime) -> User:
    user = User.objects.create_user(email, password, name=name, time_zone=zone, date_joined=since)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _member(person: Person, password: str | None, now: datetime) -> User:
    user = _account(person.email, person.name, person.zone, password, now - FOUNDED_AGO)
    if person.exam_in_days is not None:
        user.exam_date = now.date() + timedelta(days=person.exam_in_days)
        user.save(update_fields=["exam_date"])
    return user


def _group(lead: User, people: Sequence[tuple[Person, User]], now: datetime) -> Cohort:
    founded = now - FOUNDED_AGO
    cohort = create_cohort(lead, "Thursday study group", founded)
    first = create_invite(cohort, lead, founded)
    for day, (person, user) in enumerate(people):
        accept_invite(
            user,
            first,
            shares_results=person.shares_results,
            shares_pooled=person.shares_pooled,
            now=founded + timedelta(days=day / 2),
        )
    revoke_invite(first, founded + timedelta(days=7))
    create_invite(cohort, lead, now)
    return cohort


def _sit(
    user: User,
    person: Person,
    sitting: Sitting,
    outline: Outline,
    rng: random.Random,
    start: datetime,
) -> None:
    exam = Exam.objects.get(key=sitting.exam)
    domain: Domain | None = (
        outline.domains.get(number=sitting.domain) if sitting.domain is not None else None
    )
    attempt, _ = services.start_attempt(
        user,
        exam,
        outline,
        domain=domain,
        reserve=Reserve.KEEP,
        now=start,
        seed=rng.getrandbits(62),
    )
    items = list(
        attempt.items.select_related("version", "domain").prefetch_related("version__choices")
    )
    step = timedelta(minutes=exam.minutes) * sitting.pace / attempt.item_count
    clock = start
    for item in items:
        item.seen_at = clock
        spent = step * rng.uniform(0.4, 1.6)
        clock = min(clock + spent, attempt.deadline - timedelta(seconds=30))
        item.visible_ms = (clock - item.seen_at) // timedelta(milliseconds=1)
        item.flagged = rng.random() < 0.1
        if rng.random() < 0.97:
            _answer(attempt, item, person, rng, clock)
    # What the room notes along the way, in one statement instead of three an item.
    AttemptItem.objects.bulk_update(items, ["seen_at", "visible_ms", "flagged"])
    services.submit(attempt, clock + timedelta(seconds=20))
    score_attempt(attempt.pk, clock + timedelta(seconds=22))


def _answer(
    attempt: Attempt, item: AttemptItem, person: Person, rng: random.Random, at: datetime
) -> None:
    r = float(item.version.difficulty)
    ability = person.ability + person.domains.get(item.domain.number, 0.0)
    if not item.first_exposure:
        ability += 0.6  # the key was shown before
    chance = 1 / (1 + math.exp(-(ability + math.log(r / (1 - r)))))
    choices = sorted(item.version.choices.all(), key=lambda choice: choice.position)
    key = next(choice for choice in choices if choice.is_correct)
    distractors = [choice for choice in choices if not choice.is_correct]
    chosen = key if rng.random() < chance else rng.choices(distractors, (5, 3, 2))[0]
    saving.save_answer(
        attempt.user, attempt.public_id, item.position, choice=chosen.pk, revision=0, now=at
    )
