"""Where attempts begin and end: start, close, discard, reopen. Answering is in saving.py, the
scorer's own move in results.py.

`now` is read once by the caller. Whatever changes a state first locks the attempt's row, so that a
save racing the deadline, two submits, or eight scorers come one after the other.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from time import monotonic
from typing import Final

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from accounts.models import User
from attempts import shelf
from attempts.assembly import Reserve, assemble, shuffled_choices
from attempts.blueprint import explained_since, order_for, revealed_questions
from attempts.earlier import RESULT_COLUMNS, set_result_aside
from attempts.locks import lock_attempt, lock_person
from attempts.models import Attempt, Exam
from attempts.results import renew_later_standings
from attempts.shelf import Drawn
from attempts.states import State, require_move
from domains.models import Domain, Outline

logger = logging.getLogger(__name__)

_SWEEP_BATCH: Final = 200  # attempts closed in one transaction
_SWEEP_SECONDS: Final = 10.0  # for each half of a sweep; both are well within a task's time limit


class AnotherAttemptOpen(Exception):
    """The person has another attempt open; `attempt` is it."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__("Another attempt is still open.")
        self.attempt = attempt


class NotRunning(Exception):
    """More time was asked for an attempt that is not in progress."""

    def __init__(self) -> None:
        super().__init__("Only a running attempt can be given more time.")


class ReportOpened(Exception):
    """The keys of this attempt are known to the person, so no answer can count any more."""

    def __init__(self) -> None:
        super().__init__("The report has been opened, so the keys are known.")


# --- Starting -------------------------------------------------------------------------------


def start_attempt(
    user: User,
    exam: Exam,
    outline: Outline,
    *,
    domain: Domain | None = None,
    reserve: Reserve = Reserve.ASK,
    promised: int | None = None,
    strict: bool = False,
    now: datetime,
    seed: int,
) -> tuple[Attempt, bool]:
    """Draw a form and start its clock. Returns (attempt, was it created now).

    A second start of the same exam, from a double click or another tab, gets the open attempt.
    reserve: what to do where keeping a full unseen simulation for the person costs repeats; a
    simulation never asks, for it is what was kept. promised: the repeats they agreed to.
    Raises AnotherAttemptOpen, and from the assembler NotEnoughItems, ReserveInTheWay, SolverGaveUp.
    """
    with transaction.atomic():
        lock_person(user.pk)
        mine = Attempt.objects.select_for_update().filter(user=user, state=State.IN_PROGRESS)
        open_attempt = mine.first()
        if open_attempt is not None and close_locked_if_due(open_attempt, now):
            open_attempt = None
        if open_attempt is not None:
            if (open_attempt.exam_id, open_attempt.outline_id, open_attempt.domain_id) == (
                exam.pk,
                outline.pk,
                domain.pk if domain else None,
            ):
                return open_attempt, False
            raise AnotherAttemptOpen(open_attempt)
        form, revealed = None, frozenset[int]()
        if domain is None and reserve is Reserve.ASK:
            form = shelf.take(user, exam, outline, seed)
        if form is None:
            order = order_for(user, exam, outline, domain)
            chosen = assemble(
                order.pool.candidates,
                order.quotas,
                seed,
                reserves=order.reserves,
                policy=Reserve.BREAK if order.simulation else reserve,
                promised=promised,
                simulation=order.simulation,
            )
            form = shelf.with_choices(order, chosen)
            revealed = revealed_questions(user)
        attempt = _new_attempt(
            user, exam, outline, domain, item_count=len(form), strict=strict, now=now, seed=seed
        )
        _give_items(attempt, form, revealed)
        return attempt, True


def time_allowed(exam: Exam, user: User) -> timedelta:
    """Extra time included, to the second: a quarter more of 86 minutes is 107 minutes 30."""
    return timedelta(minutes=exam.minutes) * (100 + user.extra_time_percent) / 100


def _new_attempt(
    user: User,
    exam: Exam,
    outline: Outline,
    domain: Domain | None,
    *,
    item_count: int,
    strict: bool,
    now: datetime,
    seed: int,
) -> Attempt:
    return Attempt.objects.create(
        user=user,
        exam=exam,
        outline=outline,
        domain=domain,
        seed=seed,
        feedback=exam.feedback,
        navigation=exam.navigation,
        strict=strict,
        extra_time_percent=user.extra_time_percent,
        started_at=now,
        deadline=now + time_allowed(exam, user),
        item_count=item_count,
    )


# By hand: bulk_create cannot unnest where a column is an array, and writes 1,600 values out, which
# costs more than all the rest of a start. Arrays of plain numbers are spelt here, because psycopg
# looks at each of their values three times.
_GIVE: Final = """
INSERT INTO attempts_attemptitem (attempt_id, position, version_id, domain_id, choice_order,
                                  first_exposure, revision, flagged, visible_ms)
SELECT %s, item.position, item.version, item.domain, item.choices::bigint[], item.first,
       0, false, 0
FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::text[], %s::boolean[])
     AS item (position, version, domain, choices, first)
"""


def _give_items(attempt: Attempt, form: Sequence[Drawn], revealed: Collection[int]) -> None:
    """revealed: questions whose key the person has been shown."""
    orders = [shuffled_choices(item.choices, attempt.seed, item.question) for item in form]
    with connection.cursor() as cursor:
        cursor.execute(
            _GIVE,
            (
                attempt.pk,
                _array(range(1, len(form) + 1)),
                _array(item.version for item in form),
                _array(item.domain for item in form),
                _array(f'"{_array(order)}"' for order in orders),
                _array(item.question not in revealed for item in form),
            ),
        )


def _array(values: Iterable[object]) -> str:
    """As Postgres reads one. Of nothing that comes from outside."""
    return f"{{{','.join(map(str, values))}}}"


# --- Closing and discarding -----------------------------------------------------------------


def is_due(attempt: Attempt, now: datetime) -> bool:
    grace = timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
    return attempt.status is State.IN_PROGRESS and now > attempt.deadline + grace


def close_if_due(attempt: Attempt, now: datetime) -> bool:
    """Close an attempt whose time is up; any view that touches one calls this first.

    True when it is due, whoever closed it; `attempt` then carries the stored state.
    """
    if not is_due(attempt, now):
        return False
    with transaction.atomic():
        locked = lock_attempt(attempt.pk)
        close_locked_if_due(locked, now)
    attempt.refresh_from_db(fields=["state", "closed_at", "close_reason", "scored_at"])
    return True


def submit(attempt: Attempt, now: datetime) -> bool:
    """End the attempt at the candidate's word. False when it was over already."""
    with transaction.atomic():
        locked = lock_attempt(attempt.pk)
        if close_locked_if_due(locked, now) or locked.status is not State.IN_PROGRESS:
            return False
        _close(locked, Attempt.CloseReason.SUBMITTED, min(now, locked.deadline))
        return True


def close_all_due(
    now: datetime, *, batch: int = _SWEEP_BATCH, seconds: float = _SWEEP_SECONDS
) -> int:
    """Close all that ran out while nobody looked, until that is done or the time is over; the next
    sweep goes on from there. Returns how many."""
    until, closed = monotonic() + seconds, 0
    while count := close_due_attempts(now, limit=batch):
        closed += count
        if count < batch or monotonic() >= until:
            break
    return closed


def close_due_attempts(now: datetime, *, limit: int = _SWEEP_BATCH) -> int:
    """One batch of it, longest over first, in a transaction short enough for its people not to
    notice. Returns how many; skips rows others hold."""
    due = now - timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
    with transaction.atomic():
        attempts = list(
            Attempt.objects.select_for_update(skip_locked=True)
            .filter(state=State.IN_PROGRESS, deadline__lt=due)
            .order_by("deadline")[:limit]
        )
        for attempt in attempts:
            close_locked_if_due(attempt, now)
    return len(attempts)


def requeue_lost_scoring(
    now: datetime,
    *,
    after: timedelta = timedelta(seconds=30),
    seconds: float = _SWEEP_SECONDS,
) -> int:
    """Ask again for the scoring of attempts that have waited too long. Twice is harmless.

    What merely waits its turn is not asked for twice: a sweep stands in the same queue, so what was
    queued before it has been taken by then; and behind a long queue sweeps expire.
    """
    waiting = Attempt.objects.filter(state=State.CLOSED, closed_at__lt=now - after)
    until, count = monotonic() + seconds, 0
    for pk in waiting.order_by("closed_at").values_list("pk", flat=True):
        if monotonic() >= until or not enqueue_scoring(pk):
            break  # no broker, or no time: the next sweep tries again
        count += 1
    return count


def discard_attempt(attempt: Attempt, now: datetime) -> bool:
    """The candidate gives an open attempt up; it stays on record as void and counts nowhere.

    False when it was over already: what is closed cannot be discarded.
    """
    with transaction.atomic():
        locked = lock_attempt(attempt.pk)
        if close_locked_if_due(locked, now) or locked.status is not State.IN_PROGRESS:
            return False
        void(locked, "Discarded before the end", now)
        return True


def open_report(attempt: Attempt, now: datetime) -> None:
    """The owner is about to be shown the keys: from here on nothing late counts.

    Only a scored attempt has a report; if a late answer took it back to be scored again just now,
    nothing is stamped. One statement, which waits for whoever holds the attempt. The caller reads
    the attempt again.
    """
    Attempt.objects.filter(pk=attempt.pk, state=State.SCORED, report_opened_at__isnull=True).update(
        report_opened_at=now
    )


# --- On locked rows: every write of a state or a deadline ------------------------------------


def close_locked_if_due(locked: Attempt, now: datetime) -> bool:
    """Close by the clock if due. The stamp is the deadline, not the moment we noticed."""
    if not is_due(locked, now):
        return False
    _close(locked, Attempt.CloseReason.CLOCK, locked.deadline)
    return True


def _close(locked: Attempt, reason: Attempt.CloseReason, at: datetime) -> None:
    require_move(locked.status, State.CLOSED)
    locked.state, locked.close_reason, locked.closed_at = State.CLOSED, reason, at
    locked.save(update_fields=["state", "close_reason", "closed_at"])
    transaction.on_commit(partial(enqueue_scoring, locked.pk))


def score_again(locked: Attempt, reason: str, now: datetime) -> None:
    """The answers of an attempt that is over have changed. A result it had becomes history; a
    scoring that waits already will read what is stored by then, and one more is harmless."""
    if locked.status is State.SCORED:
        require_move(locked.status, State.CLOSED)
        set_result_aside(locked, reason, now)
        locked.state = State.CLOSED
        locked.save(update_fields=["state", "scored_at", *RESULT_COLUMNS])
    transaction.on_commit(partial(enqueue_scoring, locked.pk))


def extend_deadline(locked: Attempt, until: datetime) -> None:
    """Raises NotRunning; ValueError for a deadline that is no later, for time is never taken."""
    if locked.status is not State.IN_PROGRESS:
        raise NotRunning
    if until <= locked.deadline:
        raise ValueError("an extension must end later than the deadline it moves")
    locked.deadline = until
    locked.save(update_fields=["deadline"])


def extend_deadlines(locked: Sequence[Attempt], by: timedelta) -> None:
    """extend_deadline of many running attempts, in one statement: row by row, ten thousand of
    them would keep everybody's saves waiting for seconds."""
    if any(attempt.status is not State.IN_PROGRESS for attempt in locked):
        raise NotRunning
    if by <= timedelta(0):
        raise ValueError("an extension must end later than the deadline it moves")
    Attempt.objects.filter(pk__in=[attempt.pk for attempt in locked]).update(
        deadline=F("deadline") + by
    )
    for attempt in locked:
        attempt.deadline += by


def reopen(locked: Attempt, until: datetime, now: datetime) -> None:
    """Let the person go on with an attempt that is over. A result it had becomes history, and what
    another report or a drill has explained meanwhile is no first exposure any more.

    Lock with `lock_attempt_and_person`: else a start at this moment makes the database refuse one
    of the two. Raises IllegalMove, ReportOpened, AnotherAttemptOpen.
    """
    require_move(locked.status, State.IN_PROGRESS)
    if locked.report_opened_at is not None:
        raise ReportOpened
    other = Attempt.objects.filter(user=locked.user_id, state=State.IN_PROGRESS).first()
    if other is not None:
        raise AnotherAttemptOpen(other)
    closed_at = locked.closed_at
    if locked.status is State.SCORED:
        set_result_aside(locked, "The attempt was reopened", now)
    locked.state, locked.deadline = State.IN_PROGRESS, until
    locked.closed_at, locked.close_reason = None, ""
    locked.save(
        update_fields=[
            "state",
            "deadline",
            "closed_at",
            "close_reason",
            "scored_at",
            *RESULT_COLUMNS,
        ]
    )
    if closed_at is not None:
        known = locked.items.filter(version__question__in=explained_since(locked.pk, closed_at))
        known.update(first_exposure=False)
    renew_later_standings(locked, closed_at)


def void(locked: Attempt, reason: str, now: datetime) -> None:
    """It stays on record and counts nowhere. Raises IllegalMove for what is void already."""
    require_move(locked.status, State.VOID)
    closed_at = locked.closed_at
    locked.state, locked.voided_at, locked.void_reason = State.VOID, now, reason
    locked.save(update_fields=["state", "voided_at", "void_reason"])
    renew_later_standings(locked, closed_at)


# --- Asking for a scoring ---------------------------------------------------------------------


class Broker:
    """Remembers for a moment that the broker is away, so that a surge of submits does not wait for
    it one by one: then a single caller looks whether it is back, and the others go on."""

    REST = 5.0  # seconds

    def __init__(self) -> None:
        self._lock, self._away_until = Lock(), 0.0

    def may_be_asked(self) -> bool:
        with self._lock:
            now = monotonic()
            if now < self._away_until:
                return False
            if self._away_until:
                self._away_until = now + self.REST
            return True

    def was(self, *, there: bool) -> None:
        with self._lock:
            self._away_until = 0.0 if there else monotonic() + self.REST


_broker = Broker()


def enqueue_scoring(pk: int) -> bool:
    """Put a scoring on the queue. False when the broker is away: the sweep will ask again, and the
    candidate's submit must not fail for it."""
    if not _broker.may_be_asked():
        return False
    try:
        current_app.send_task("attempts.score_attempt", args=[pk])
    except OperationalError as error:
        _broker.was(there=False)
        logger.warning("scoring of attempt %s waits: the broker is away (%s)", pk, error)
        return False
    _broker.was(there=True)
    return True


def open_attempt_of(user: User) -> Attempt | None:
    return (
        Attempt.objects.filter(user=user, state=State.IN_PROGRESS)
        .select_related("exam", "outline", "domain")
        .first()
    )
