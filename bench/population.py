"""People, sessions and attempts for the load programs, made in bulk.

The forms are real ones, drawn by the assembler; they are then dealt to as many attempts as are
wanted. Call `stack.use_django` first. Everything is seeded, except ids and session keys.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.signing import get_cookie_signer
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import User
from attempts import identity, services
from attempts.identity import person_name
from attempts.models import Attempt, Exam
from domains.models import Outline

DJANGOS_OWN = "django.contrib.auth.backends.ModelBackend"
FLOOR = "floor"  # begins the keys of the sessions that the bare view reads
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in: what their browser sends along."""

    pk: int
    name: str
    """What the room calls them: attempts.identity.person_name."""
    session: str
    token: str
    """The secret of the CSRF cookie, which is also accepted as the header."""
    device: str

    @property
    def cookies(self) -> str:
        return self._cookies(self.session)

    @property
    def floor_cookies(self) -> str:
        return self._cookies(FLOOR + self.session)

    def _cookies(self, session: str) -> str:
        return (
            f"{settings.SESSION_COOKIE_NAME}={session}; "
            f"{settings.CSRF_COOKIE_NAME}={self.token}; {identity.COOKIE}={self.device}"
        )


def make_people(count: int, label: str) -> list[Person]:
    now = timezone.now()
    users = User.objects.bulk_create(
        (
            User(email=f"{label}{number}@bench.invalid", password="!", date_joined=now)
            for number in range(count)
        ),
        batch_size=BATCH,
    )
    if not users:
        return []
    signer = get_cookie_signer(salt=identity.COOKIE + identity._SALT)
    people = [
        Person(
            pk=user.pk,
            name=person_name(user),
            session=get_random_string(32),
            token=get_random_string(32),
            device=signer.sign(str(uuid.uuid4())),
        )
        for user in users
    ]
    _log_in(people, settings.AUTHENTICATION_BACKENDS[0])
    return people


def _log_in(people: Sequence[Person], backend: str, begins: str = "") -> None:
    proof = User(password="!").get_session_auth_hash()  # of the password, which is all people's
    store = SessionStore()
    Session.objects.bulk_create(
        (
            Session(
                session_key=begins + person.session,
                session_data=store.encode(
                    {
                        "_auth_user_id": str(person.pk),
                        "_auth_user_backend": backend,
                        "_auth_user_hash": proof,
                    }
                ),
                expire_date=timezone.now() + timedelta(days=1),
            )
            for person in people
        ),
        batch_size=BATCH,
    )


# --- Forms ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sheet:
    """One question of a form."""

    version: int
    domain: int
    choices: tuple[int, ...]


Form = Sequence[Sheet]


MOST_FORMS = 8


def forms_for(people: int) -> int:
    """How many different forms to deal: enough that neighbours differ, and drawn in seconds."""
    return min(MOST_FORMS, 1 + people // 20)


def draw_forms(count: int, seed: int, exam: str = "simulation") -> list[Form]:
    """Draw real forms and put everything back as it was."""
    forms: list[Form] = []
    for number in range(count):
        with transaction.atomic():
            user = User.objects.create_user(f"form-{uuid.uuid4()}@bench.invalid")
            attempt, _ = services.start_attempt(
                user,
                Exam.objects.get(key=exam),
                Outline.objects.default(),
                now=timezone.now(),
                seed=seed * 1_000 + number,
            )
            forms.append(
                [
                    Sheet(item.version_id, item.domain_id, tuple(item.choice_order))
                    for item in attempt.items.order_by("position")
                ]
            )
            transaction.set_rollback(True)
    return forms


# --- Attempts -------------------------------------------------------------------------------


@dataclass(slots=True)
class Seat:
    """One attempt under way, and what its browser knows of it."""

    person: Person
    attempt: int
    public_id: uuid.UUID
    form: Form
    answered: int
    """Questions 1 to this one had been answered when the attempt was made."""
    changed: dict[int, tuple[int, int]] = field(default_factory=dict)
    """position -> (choice, revision), as this program has made them since."""
    untold: list[dict[str, Any]] = field(default_factory=list)
    """What its browser keeps until the next answer takes it along."""

    def state(self, position: int) -> tuple[int | None, int]:
        if position in self.changed:
            return self.changed[position]
        if position <= self.answered:
            return first_choice(self.form, self.attempt, position), 1
        return None, 0

    def path(self, rest: str = "") -> str:
        return f"/attempts/{self.public_id}/{rest}"


def first_choice(form: Form, attempt: int, position: int) -> int:
    """What `open_attempts` answered there; the SQL below says the same."""
    return form[position - 1].choices[(attempt + position) % 4]


def open_attempts(
    admin: psycopg.Connection,
    people: Sequence[Person],
    forms: Sequence[Form],
    *,
    now: datetime,
    rng: random.Random,
    left: tuple[float, float] = (3600.0, 7200.0),
    answered: tuple[float, float] = (0.1, 0.9),
) -> list[Seat]:
    """An attempt in progress for each person, somewhere in its middle.

    left: seconds until the deadline; answered: share of the questions; each from, to.
    """
    exam = Exam.objects.get(key="simulation")
    outline = Outline.objects.default()
    count = len(forms[0])
    deadlines = [now + timedelta(seconds=rng.uniform(*left)) for _ in people]
    attempts = Attempt.objects.bulk_create(
        (
            _attempt(person, exam, outline, now, deadline, count)
            for person, deadline in zip(people, deadlines, strict=True)
        ),
        batch_size=BATCH,
    )
    seats = [
        Seat(
            person=person,
            attempt=attempt.pk,
            public_id=attempt.public_id,
            form=forms[number % len(forms)],
            answered=round(count * rng.uniform(*answered)),
        )
        for number, (person, attempt) in enumerate(zip(people, attempts, strict=True))
    ]
    dealt = ((seat.attempt, at % len(forms), seat.answered) for at, seat in enumerate(seats))
    _deal(admin, forms, dealt)
    return seats


def _attempt(
    person: Person, exam: Exam, outline: Outline, now: datetime, deadline: datetime, count: int
) -> Attempt:
    return Attempt(
        user_id=person.pk,
        exam=exam,
        outline=outline,
        seed=person.pk,
        feedback=exam.feedback,
        navigation=exam.navigation,
        # Whoever has more time left than the exam gives was given more; nobody started yet to come.
        started_at=min(deadline - timedelta(minutes=exam.minutes), now - timedelta(minutes=30)),
        deadline=deadline,
        item_count=count,
    )


ITEMS = """
INSERT INTO attempts_attemptitem (
    attempt_id, position, version_id, domain_id, choice_order, choice_id, revision, answered_at,
    flagged, seen_at, visible_ms, first_exposure)
SELECT seat.attempt, form.position, form.version, form.domain, form.choices,
    CASE WHEN done THEN form.choices[1 + (seat.attempt + form.position) % 4] END,
    done::int,
    CASE WHEN done THEN attempt.started_at + form.position * interval '1 second' END,
    (seat.attempt + form.position) % 11 = 0,
    CASE WHEN form.position <= seat.answered + 1 THEN attempt.started_at END,
    CASE WHEN done THEN 60000 ELSE 0 END,
    true
FROM bench_seat seat
JOIN bench_form form USING (form)
JOIN attempts_attempt attempt ON attempt.id = seat.attempt
CROSS JOIN LATERAL (SELECT form.position <= seat.answered AS done) AS answer
ORDER BY seat.attempt, form.position
"""
EVENTS = """
INSERT INTO attempts_answerevent (item_id, revision, choice_id, at, late)
SELECT item.id, 1, item.choice_id, item.answered_at, false
FROM attempts_attemptitem item JOIN bench_seat seat ON seat.attempt = item.attempt_id
WHERE item.choice_id IS NOT NULL
ORDER BY item.id
"""


def _deal(
    admin: psycopg.Connection,
    forms: Sequence[Form],
    seats: Iterator[tuple[int, int, int]],
    *,
    events: bool = True,
) -> None:
    """Give attempts their items. Foreign keys are not checked: every id was just read or made."""
    with admin.transaction():
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute(
            "CREATE TEMP TABLE bench_form (form int, position int, version bigint, domain bigint, "
            "choices bigint[]) ON COMMIT DROP"
        )
        admin.execute(
            "CREATE TEMP TABLE bench_seat (attempt bigint, form int, answered int) ON COMMIT DROP"
        )
        with admin.cursor() as cursor:
            with cursor.copy("COPY bench_form FROM STDIN") as copy:
                for number, form in enumerate(forms):
                    for position, sheet in enumerate(form, 1):
                        copy.write_row(
                            (number, position, sheet.version, sheet.domain, list(sheet.choices))
                        )
            with cursor.copy("COPY bench_seat FROM STDIN") as copy:
                for seat in seats:
                    copy.write_row(seat)
        admin.execute("ANALYZE bench_form")
        admin.execute("ANALYZE bench_seat")
        admin.execute(ITEMS)
        if events:
            admin.execute(EVENTS)


def settle(admin: psycopg.Connection) -> None:
    """Statistics and visibility as autovacuum would have left them long ago; then a checkpoint, so
    that none falls into a measurement."""
    for table in (
        "accounts_user",
        "django_session",
        "attempts_attempt",
        "attempts_attemptitem",
        "attempts_answerevent",
        "attempts_domainresult",
    ):
        admin.execute(f"VACUUM ANALYZE {table}")
    admin.execute("CHECKPOINT")


# --- The floor ------------------------------------------------------------------------------


def make_floor(people: Sequence[Person], positions: int) -> None:
    """The table of the bare view and of pgbench: one row a person and question, all there. And
    sessions for the bare view, which knows Django's own backend alone."""
    _log_in(people, DJANGOS_OWN, FLOOR)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_floor")
        cursor.execute(
            "CREATE TABLE bench_floor (person bigint, position int, choice bigint NOT NULL, "
            "revision int NOT NULL, saved_at timestamptz NOT NULL, PRIMARY KEY (person, position))"
        )
        cursor.execute(
            "INSERT INTO bench_floor SELECT person, position, 1, 1, now() "
            "FROM unnest(%s) AS person CROSS JOIN generate_series(1, %s) AS position",
            [[person.pk for person in people], positions],
        )
        cursor.execute("VACUUM ANALYZE bench_floor")


# --- The past -------------------------------------------------------------------------------

PAST_PEOPLE = """
INSERT INTO accounts_user (
    password, is_superuser, email, name, time_zone, extra_time_percent, is_active, is_staff,
    date_joined)
SELECT '!', false, 'past' || number || '@bench.invalid', '', 'UTC', 0, true, false,
    now() - interval '2 years'
FROM generate_series(%(first)s::int, %(last)s::int) AS number
"""
PAST_ATTEMPTS = """
INSERT INTO attempts_attempt (
    public_id, user_id, exam_id, outline_id, state, seed, feedback, navigation, strict, departures,
    away_ms, extra_time_percent, started_at, deadline, closed_at, close_reason, scored_at,
    void_reason, last_position, item_count, answered_count, correct_count, first_count,
    first_correct, share_low, share_high, pass_share, group_rate)
SELECT gen_random_uuid(), person.id, %(exam)s, %(outline)s, 'scored', number, 'at_end', 'free',
    false, 0, 0, 0, ended - interval '3 hours', ended, ended, 'submitted', ended, '', items,
    items, items, items * 2 / 3, items, items * 2 / 3, .58, .74, .7, .7
FROM (
    SELECT id, substring(email from '^past(\\d+)@')::int AS number
    FROM accounts_user WHERE email LIKE 'past%%@bench.invalid'
) AS person
CROSS JOIN generate_series(1, %(each)s::int) AS round
CROSS JOIN (SELECT %(items)s::int AS items) AS form
CROSS JOIN LATERAL (
    SELECT now() - ((1 + number %% 600) + round) * interval '1 day' AS ended
) AS moment
WHERE person.number BETWEEN %(first)s AND %(last)s
ORDER BY ended
"""
PAST_RESULTS = """
INSERT INTO attempts_domainresult (
    attempt_id, domain_id, scope, n, correct, target, estimate, low, high, p_below, band,
    expected_gain, p_weakest, study_first)
SELECT attempt.id, domain.id, scope, 20, 14, .7, .7, .6, .8, .5, 'unclear', 10, .2, false
FROM attempts_attempt attempt
JOIN domains_domain domain ON domain.outline_id = attempt.outline_id
CROSS JOIN unnest(ARRAY['attempt', 'to_date']) AS scope
WHERE attempt.id = ANY(%s)
ORDER BY attempt.id
"""
ATTEMPTS_EACH = 5
DEALT_AT_ONCE = 10_000


def make_past(
    admin: psycopg.Connection, forms: Sequence[Form], *, attempts: int, with_items: int
) -> None:
    """Bring the number of past attempts up to `attempts`, those with items up to `with_items`.

    They belong to people of their own, five to each, all scored.
    """
    count, dealt = _past(admin)
    first = count // ATTEMPTS_EACH + 1
    span = {"first": first, "last": attempts // ATTEMPTS_EACH, "each": ATTEMPTS_EACH}
    kind = {
        "exam": Exam.objects.get(key="simulation").pk,
        "outline": Outline.objects.default().pk,
        "items": len(forms[0]),
    }
    with admin.transaction():
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute(PAST_PEOPLE, span)
        admin.execute(PAST_ATTEMPTS, span | kind)
    bare = admin.execute(
        "SELECT attempt.id FROM attempts_attempt attempt "
        "JOIN accounts_user person ON person.id = attempt.user_id "
        "WHERE person.email LIKE 'past%%' AND NOT EXISTS "
        "(SELECT FROM attempts_attemptitem item WHERE item.attempt_id = attempt.id) LIMIT %s",
        [max(0, with_items - dealt)],
    ).fetchall()
    ids = [row[0] for row in bare]
    for start in range(0, len(ids), DEALT_AT_ONCE):
        some = ids[start : start + DEALT_AT_ONCE]
        _deal(
            admin,
            forms,
            ((pk, number % len(forms), len(forms[0])) for number, pk in enumerate(some)),
            events=False,
        )
        with admin.transaction():
            admin.execute("SET LOCAL session_replication_role = replica")
            admin.execute(PAST_RESULTS, [some])


def _past(admin: psycopg.Connection) -> tuple[int, int]:
    """How many past attempts there are, and how many of them have items."""
    row = admin.execute(
        "SELECT count(*), count(*) FILTER (WHERE EXISTS "
        "(SELECT FROM attempts_attemptitem item WHERE item.attempt_id = attempt.id)) "
        "FROM attempts_attempt attempt JOIN accounts_user person ON person.id = attempt.user_id "
        "WHERE person.email LIKE 'past%'"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def weight(admin: psycopg.Connection) -> dict[str, float]:
    """How much there is by now."""
    row = admin.execute(
        "SELECT (SELECT reltuples::bigint FROM pg_class WHERE relname = 'attempts_attemptitem'), "
        "pg_database_size(current_database())"
    ).fetchone()
    assert row is not None
    return {"items": row[0], "gigabytes": round(row[1] / 1e9, 2)}
