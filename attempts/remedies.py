"""What staff may do to an attempt when something went wrong: extend it, reopen it, make it void.

Each remedy is done under the attempt's lock and leaves a Remedy with its reason, in the same
transaction; the deadline and the state themselves are written by `attempts.services`. A refusal
says in words why nothing was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.models import User
from attempts import services
from attempts.locks import lock_attempt_and_person
from attempts.models import Attempt, Remedy
from attempts.states import State

MOST_MINUTES: Final = 600
LONGEST_REASON: Final = 200  # characters
LONGEST_OUTAGE: Final = timedelta(hours=24)


class Refused(Exception):
    """Nothing was done; its text tells whoever asked why, and what they can do instead."""


# --- One attempt ----------------------------------------------------------------------------


def extend(
    attempt: Attempt,
    minutes: int,
    reason: str,
    by: User,
    now: datetime,
    *,
    seen: int | None = None,
) -> Remedy:
    """Move the deadline of a running attempt on. Raises Refused.

    seen: the newest remedy (0: none) when this was decided. A newer one refuses it, so that a
    double click, or a colleague who helps as well, does not add up to twice the time.
    """
    given, reason = _minutes(minutes), _reason(reason)
    with _locked(attempt, now, seen) as locked:
        if locked.status is State.VOID:
            raise Refused("This attempt is void: it has no time that could be extended.")
        if locked.status is not State.IN_PROGRESS:
            raise Refused("This attempt is over, so it cannot be extended. Reopen it instead.")
        before = locked.deadline
        services.extend_deadline(locked, before + given)
        return _kept(locked, Remedy.Kind.EXTEND, reason, by, now, before)


def reopen(
    attempt: Attempt,
    minutes: int,
    reason: str,
    by: User,
    now: datetime,
    *,
    seen: int | None = None,
) -> Remedy:
    """Let the person go on with an attempt that is over, for so many minutes from now.

    Raises Refused, above all when the report has been opened: then the keys are known.
    """
    given, reason = _minutes(minutes), _reason(reason)
    with _locked(attempt, now, seen) as locked:
        before = locked.deadline
        if locked.status is State.IN_PROGRESS:
            raise Refused("This attempt is still running. Extend it instead.")
        if locked.status is State.VOID:
            raise Refused("This attempt is void, and stays so.")
        closed = locked.closed_at
        try:
            services.reopen(locked, now + given, now)
        except services.ReportOpened as opened:
            raise Refused(
                "Its report has been opened, so the keys are known and the attempt cannot go on. "
                "Make it void instead, and let the person start another."
            ) from opened
        except services.AnotherAttemptOpen as other:
            raise Refused(
                f"The person has another exam open, their {other.attempt.exam.title.lower()}. "
                "Once it has ended, or they have discarded it, this one can be reopened."
            ) from other
        return _kept(locked, Remedy.Kind.REOPEN, reason, by, now, before, closed)


def void(
    attempt: Attempt, reason: str, by: User, now: datetime, *, seen: int | None = None
) -> Remedy:
    """Take an attempt out of every measurement, for good. Its questions stay met. Raises Refused.

    The person's later standings are worked out again without it; groups follow with their next
    refresh, which looks for voided attempts.
    """
    reason = _reason(reason)
    with _locked(attempt, now, seen) as locked:
        if locked.status is State.VOID:
            raise Refused("This attempt is void already.")
        services.void(locked, reason, now)
        return _kept(locked, Remedy.Kind.VOID, reason, by, now, locked.deadline)


def newest(remedies: QuerySet[Remedy]) -> int:
    """What `seen` is to be given by a page made now."""
    last = remedies.order_by("-pk").values_list("pk", flat=True).first()
    return last or 0


@contextmanager
def _locked(attempt: Attempt, now: datetime, seen: int | None) -> Iterator[Attempt]:
    """The attempt's row, locked until the remedy is on record; closed first if its time is up, and
    that stays so when the remedy is refused."""
    if services.is_due(attempt, now):
        with transaction.atomic():
            services.close_locked_if_due(_lock(attempt), now)
    with transaction.atomic():
        locked = _lock(attempt)
        if seen is not None and newest(locked.remedies.all()) != seen:
            raise Refused(
                "Something was done to this attempt after you opened the page. See what it was, "
                "and decide again."
            )
        yield locked


def _lock(attempt: Attempt) -> Attempt:
    try:
        return lock_attempt_and_person(attempt.pk)
    except (Attempt.DoesNotExist, User.DoesNotExist) as gone:
        raise Refused("The person has just deleted their account, and this with it.") from gone


def _kept(
    locked: Attempt,
    kind: Remedy.Kind,
    reason: str,
    by: User,
    now: datetime,
    before: datetime,
    closed: datetime | None = None,
) -> Remedy:
    remedy = _record(locked, kind, reason, by, now, before)
    remedy.closed_before = closed
    remedy.save(force_insert=True)
    return remedy


def _record(
    locked: Attempt, kind: Remedy.Kind, reason: str, by: User, now: datetime, before: datetime
) -> Remedy:
    return Remedy(
        attempt=locked,
        kind=kind,
        reason=reason,
        by=by,
        at=now,
        deadline_before=before,
        deadline_after=locked.deadline,
    )


# --- An outage ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outage:
    """What an outage's remedy did."""

    extended: int
    reopened: int
    left_out: tuple[tuple[Attempt, str], ...]
    """Those the clock had closed that could not be reopened, and why."""


def running(now: datetime) -> QuerySet[Attempt]:
    """Attempts with time left, in the order in which they are locked."""
    grace = timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
    return Attempt.objects.filter(state=State.IN_PROGRESS, deadline__gte=now - grace).order_by("pk")


def closed_by_the_clock(since: datetime, now: datetime) -> QuerySet[Attempt]:
    """Attempts whose time ran out from `since` on, noticed or not, and whose report nobody has
    opened; each person's newest first, since only one can be open."""
    grace = timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
    closed = Q(state__in=[State.CLOSED, State.SCORED], close_reason=Attempt.CloseReason.CLOCK)
    unnoticed = Q(state=State.IN_PROGRESS, deadline__lt=now - grace)
    return (
        Attempt.objects.filter(closed | unnoticed, deadline__gte=since, report_opened_at=None)
        .select_related("exam", "user")
        .order_by("user", "-deadline", "-pk")
    )


def extend_all_running(
    minutes: int,
    reason: str,
    by: User,
    now: datetime,
    *,
    closed_since: datetime | None = None,
    seen: int | None = None,
) -> Outage:
    """Give everybody who is sitting an exam more time: all of them or, on an error, nobody. That is
    done, and what it held is free again, before anything is reopened.

    closed_since: when the outage began. What the clock has closed from then on is reopened for as
    many minutes from now, because an outage eats just those; one by one, so that each person waits
    for their own alone. Should that break off, the rest stays closed. seen: as in extend, but of
    all attempts. Raises Refused.
    """
    given, reason = _minutes(minutes), _reason(reason)
    check_outage(closed_since, now)
    extended = _extend_running(given, reason, by, now, seen)
    reopened, left_out = 0, list[tuple[Attempt, str]]()
    if closed_since is not None:
        for attempt in list(closed_by_the_clock(closed_since, now)):
            try:
                if attempt.user_id in extended:
                    raise Refused("The person is sitting another exam, which was extended.")
                reopen(attempt, minutes, reason, by, now)
                reopened += 1
            except Refused as refusal:
                left_out.append((attempt, str(refusal)))
    return Outage(len(extended), reopened, tuple(left_out))


@transaction.atomic
def _extend_running(
    given: timedelta, reason: str, by: User, now: datetime, seen: int | None
) -> set[int]:
    """Whose exams were extended; a person has one."""
    locked = list(running(now).only("user_id", "state", "deadline").select_for_update())
    if seen is not None and newest(Remedy.objects.all()) != seen:
        raise Refused(
            "Somebody, or you by a double click, did something to attempts after you opened "
            "the page. See what it was, and decide again."
        )
    services.extend_deadlines(locked, given)
    Remedy.objects.bulk_create(
        (
            _record(attempt, Remedy.Kind.EXTEND, reason, by, now, attempt.deadline - given)
            for attempt in locked
        ),
        batch_size=1_000,
    )
    return {attempt.user_id for attempt in locked}


def check_outage(began: datetime | None, now: datetime) -> None:
    """Raises Refused when it is not to be believed; a slip of the date would reopen old exams."""
    if began is not None and not now - LONGEST_OUTAGE <= began <= now:
        raise Refused("Say when the outage began: at most 24 hours ago, and not in the future.")


# --- Words ----------------------------------------------------------------------------------


def words_of(remedy: Remedy) -> str:
    """“Extended by 15 minutes, until 17:17:11 CET”. The time is in the reader's zone."""
    match Remedy.Kind(remedy.kind):
        case Remedy.Kind.EXTEND:
            minutes = (remedy.deadline_after - remedy.deadline_before) // timedelta(minutes=1)
            plural = "" if minutes == 1 else "s"
            return f"Extended by {minutes} minute{plural}, until {_until(remedy)}"
        case Remedy.Kind.REOPEN:
            return f"Reopened until {_until(remedy)}"
        case Remedy.Kind.VOID:
            return "Made void"


def notices(attempt: Attempt) -> list[str]:
    """What the person in the exam room is told: the newest remedy, for it says until when they
    have; the log has them all. One query."""
    given = attempt.remedies.exclude(kind=Remedy.Kind.VOID).order_by("-at", "-pk")
    return [_notice(remedy) for remedy in given[:1]]


def _notice(remedy: Remedy) -> str:
    words = words_of(remedy)
    return f"Your exam was {words[0].lower()}{words[1:]}: {remedy.reason}"


def _until(remedy: Remedy) -> str:
    """With the date where it is not the day on which it was done."""
    at, until = localtime(remedy.at), localtime(remedy.deadline_after)
    return date_format(until, "H:i:s T" if at.date() == until.date() else "j M Y, H:i:s T")


# --- What was asked -------------------------------------------------------------------------


def _minutes(minutes: int) -> timedelta:
    if not 1 <= minutes <= MOST_MINUTES:
        raise Refused(f"Give from 1 to {MOST_MINUTES} minutes.")
    return timedelta(minutes=minutes)


def _reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise Refused("Say why. The reason stays on record, and the person is told it.")
    if len(reason) > LONGEST_REASON:
        raise Refused(f"Say it in at most {LONGEST_REASON} characters.")
    return reason
