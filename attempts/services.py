"""The only writer of attempts: start, answer, flag, close, discard, score.

`now` is read once by the caller. Whatever changes a state first locks the attempt's row, so that a
save racing the deadline, two submits, or eight scorers come one after the other.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least
from kombu.exceptions import OperationalError

from accounts.models import User
from attempts.assembly import Candidate, Reserve, assemble, shuffled_choices
from attempts.blueprint import choice_ids, order_for, revealed_questions
from attempts.models import AnswerEvent, Attempt, AttemptItem, Exam
from attempts.states import State, accepts_answers, require_move
from domains.models import Domain, Outline

logger = logging.getLogger(__name__)


class AnotherAttemptOpen(Exception):
    """The person has an open attempt of another exam; `attempt` is it."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__("Another attempt is still open.")
        self.attempt = attempt


# --- Starting -------------------------------------------------------------------------------


def start_attempt(
    user: User,
    exam: Exam,
    outline: Outline,
    *,
    domain: Domain | None = None,
    reserve: Reserve = Reserve.ASK,
    promised: int | None = None,
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
        _lock_person(user)
        mine = Attempt.objects.select_for_update().filter(user=user, state=State.IN_PROGRESS)
        open_attempt = mine.first()
        if open_attempt is not None and _close_if_due(open_attempt, now):
            open_attempt = None
        if open_attempt is not None:
            if (open_attempt.exam_id, open_attempt.outline_id, open_attempt.domain_id) == (
                exam.pk,
                outline.pk,
                domain.pk if domain else None,
            ):
                return open_attempt, False
            raise AnotherAttemptOpen(open_attempt)
        order = order_for(user, exam, outline, domain)
        form = assemble(
            order.pool.candidates,
            order.quotas,
            seed,
            reserves=order.reserves,
            policy=Reserve.BREAK if order.simulation else reserve,
            promised=promised,
            simulation=order.simulation,
        )
        attempt = _new_attempt(
            user, exam, outline, domain, item_count=len(form), now=now, seed=seed
        )
        _give_items(attempt, form, order.pool.domains)
        return attempt, True


def _lock_person(user: User) -> None:
    User.objects.select_for_update().only("pk").get(pk=user.pk)


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
        extra_time_percent=user.extra_time_percent,
        started_at=now,
        deadline=now + time_allowed(exam, user),
        item_count=item_count,
    )


def _give_items(attempt: Attempt, form: Sequence[Candidate], domains: Mapping[int, int]) -> None:
    """domains: domain number -> its id, in the attempt's outline."""
    choices = choice_ids([candidate.version for candidate in form])
    revealed = revealed_questions(attempt.user)
    AttemptItem.objects.bulk_create(
        AttemptItem(
            attempt=attempt,
            position=position,
            version_id=candidate.version,
            domain_id=domains[candidate.domain],
            choice_order=shuffled_choices(
                choices[candidate.version], attempt.seed, candidate.question
            ),
            first_exposure=candidate.question not in revealed,
        )
        for position, candidate in enumerate(form, 1)
    )


# --- Answering ------------------------------------------------------------------------------


class SaveStatus(StrEnum):
    SAVED = "saved"
    UNCHANGED = "unchanged"  # the same choice again: a double click, or a resend after a lost reply
    STALE = "stale"  # another tab or device saved since this page was made
    LOCKED = "locked"  # its key has been shown, so the answer stands
    CLOSED = "closed"  # the attempt is over; nothing was saved


@dataclass(frozen=True, slots=True)
class SaveResult:
    """What the candidate's page must now show. `choice` and `revision` are the stored ones."""

    status: SaveStatus
    choice: int | None
    revision: int
    saved_at: datetime | None


class NotAnOption(Exception):
    """The submitted choice is not one of this item's four."""


def save_answer(
    user: User, public_id: UUID, position: int, *, choice: int, revision: int, now: datetime
) -> SaveResult:
    """Save one answer of the person's own attempt, while it is open and `now <= deadline + grace`.

    revision: the one the sender's page was made with. A stale one gets the stored state back and
    changes nothing, unless it asks for what is stored already. Raises NotAnOption, and
    AttemptItem.DoesNotExist for somebody else's attempt or a position the form does not have.
    Three statements: the lock, the answer, its event.
    """
    with transaction.atomic():
        item = lock_item(user, public_id, position)
        locked = item.attempt
        if choice not in item.choice_order:
            raise NotAnOption
        if _close_if_due(locked, now) or not accepts_answers(locked.status):
            return _result(SaveStatus.CLOSED, item)
        if item.choice_id == choice:
            return _result(SaveStatus.UNCHANGED, item)
        if item.choice_id is not None and locked.feedback == Exam.Feedback.AFTER_ANSWER:
            return _result(SaveStatus.LOCKED, item)
        if item.revision != revision:
            return _result(SaveStatus.STALE, item)
        item.choice_id, item.revision, item.answered_at = choice, item.revision + 1, now
        item.save(update_fields=["choice", "revision", "answered_at"])
        AnswerEvent.objects.create(item=item, revision=item.revision, choice_id=choice, at=now)
        return _result(SaveStatus.SAVED, item)


def lock_item(user: User, public_id: UUID, position: int) -> AttemptItem:
    """The item and its attempt, both locked: nothing closes the attempt until we commit.

    The attempt first, as everywhere: a scorer holds it when it writes to the items. Postgres takes
    the locks in the order of `of`.
    """
    return (
        AttemptItem.objects.select_for_update(of=("attempt", "self"))
        .select_related("attempt__exam")
        .get(attempt__user=user, attempt__public_id=public_id, position=position)
    )


def _result(status: SaveStatus, item: AttemptItem) -> SaveResult:
    return SaveResult(status, item.choice_id, item.revision, item.answered_at)


def set_flag(attempt: Attempt, position: int, flagged: bool) -> bool:
    """Flag or unflag while the attempt is open; False when it is over."""
    return bool(
        AttemptItem.objects.filter(
            attempt=attempt, position=position, attempt__state=State.IN_PROGRESS
        ).update(flagged=flagged)
    )


def mark_seen(attempt: Attempt, item: AttemptItem, now: datetime) -> None:
    """Note that a question was put before the person, and that they will come back to it."""
    if item.seen_at is None:
        item.seen_at = now
        AttemptItem.objects.filter(pk=item.pk, seen_at__isnull=True).update(seen_at=now)
    if attempt.last_position != item.position:
        attempt.last_position = item.position
        Attempt.objects.filter(pk=attempt.pk).update(last_position=item.position)


def add_visible_time(attempt: Attempt, position: int, milliseconds: int, now: datetime) -> None:
    """Add what the browser says a question was visible; never more than has passed since it was
    first shown, nor anything after the deadline, for a browser can say anything."""
    if milliseconds <= 0:
        return
    item = AttemptItem.objects.filter(
        attempt=attempt, position=position, attempt__state=State.IN_PROGRESS
    )
    seen_at = item.values_list("seen_at", flat=True).first()
    if seen_at is None:
        return
    ceiling = max(0, (min(now, attempt.deadline) - seen_at) // timedelta(milliseconds=1))
    gained = min(milliseconds, ceiling)
    item.update(visible_ms=Greatest(F("visible_ms"), Least(F("visible_ms") + gained, ceiling)))


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
        _close_if_due(locked, now)
    attempt.refresh_from_db(fields=["state", "closed_at", "close_reason", "scored_at"])
    return True


def submit(attempt: Attempt, now: datetime) -> bool:
    """End the attempt at the candidate's word. False when it was over already."""
    with transaction.atomic():
        locked = lock_attempt(attempt.pk)
        if _close_if_due(locked, now) or locked.status is not State.IN_PROGRESS:
            return False
        _close(locked, Attempt.CloseReason.SUBMITTED, min(now, locked.deadline))
        return True


def close_due_attempts(now: datetime, *, limit: int = 500) -> int:
    """Close what ran out while nobody looked. Returns how many; skips rows others hold."""
    due = now - timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
    with transaction.atomic():
        attempts = list(
            Attempt.objects.select_for_update(skip_locked=True)
            .filter(state=State.IN_PROGRESS, deadline__lt=due)
            .order_by("deadline")[:limit]
        )
        for attempt in attempts:
            _close_if_due(attempt, now)
    return len(attempts)


def requeue_lost_scoring(now: datetime, *, after: timedelta = timedelta(seconds=30)) -> int:
    """Ask again for the scoring of attempts that have waited too long. Twice is harmless."""
    waiting = Attempt.objects.filter(state=State.CLOSED, closed_at__lt=now - after)
    count = 0
    for pk in waiting.order_by("closed_at").values_list("pk", flat=True)[:500]:
        if not enqueue_scoring(pk):
            break  # no broker: the next sweep tries again
        count += 1
    return count


def discard_attempt(attempt: Attempt, now: datetime) -> bool:
    """The candidate gives an open attempt up; it stays on record as void and counts nowhere.

    False when it was over already: what is closed cannot be discarded.
    """
    with transaction.atomic():
        locked = lock_attempt(attempt.pk)
        if _close_if_due(locked, now) or locked.status is not State.IN_PROGRESS:
            return False
        require_move(locked.status, State.VOID)
        locked.state, locked.voided_at = State.VOID, now
        locked.void_reason = "Discarded before the end"
        locked.save(update_fields=["state", "voided_at", "void_reason"])
        return True


def lock_attempt(pk: int) -> Attempt:
    return Attempt.objects.select_for_update(of=("self",)).select_related("exam").get(pk=pk)


def _close_if_due(locked: Attempt, now: datetime) -> bool:
    """On a locked row: close by the clock if due. The stamp is the deadline, not the moment we
    noticed."""
    if not is_due(locked, now):
        return False
    _close(locked, Attempt.CloseReason.CLOCK, locked.deadline)
    return True


def _close(locked: Attempt, reason: Attempt.CloseReason, at: datetime) -> None:
    require_move(locked.status, State.CLOSED)
    locked.state, locked.close_reason, locked.closed_at = State.CLOSED, reason, at
    locked.save(update_fields=["state", "close_reason", "closed_at"])
    transaction.on_commit(partial(enqueue_scoring, locked.pk))


def enqueue_scoring(pk: int) -> bool:
    """Put a scoring on the queue. False when the broker is away: the sweep will ask again, and the
    candidate's submit must not fail for it."""
    try:
        current_app.send_task("attempts.score_attempt", args=[pk])
    except OperationalError as error:
        logger.warning("scoring of attempt %s waits: the broker is away (%s)", pk, error)
        return False
    return True


def open_attempt_of(user: User) -> Attempt | None:
    return (
        Attempt.objects.filter(user=user, state=State.IN_PROGRESS)
        .select_related("exam", "outline", "domain")
        .first()
    )
