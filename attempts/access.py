"""Who may see what of an attempt. Every view asks here; nothing else decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import Http404

from accounts.models import User
from attempts.models import Attempt, Exam
from attempts.states import State, shows_key


def attempt_of(user: User, public_id: UUID, *along: str) -> Attempt:
    """The person's own attempt, and along with it what is named; Http404 for anyone else's, so that
    its existence isn't told."""
    attempts = Attempt.objects.select_related(*along) if along else Attempt.objects.all()
    try:
        return attempts.get(user=user, public_id=public_id)
    except Attempt.DoesNotExist as error:
        raise Http404 from error


class Placed(Protocol):
    """An attempt, or what the engine holds of one: how it may be walked, and how far it went."""

    navigation: str
    item_count: int
    last_position: int


class Answered(Protocol):
    """An item, or what the room knows of one."""

    @property
    def choice_id(self) -> int | None: ...


def may_open(attempt: Placed, position: int) -> bool:
    """The navigation rule. True while this question may be seen and answered by its person."""
    if attempt.navigation == Exam.Navigation.FORWARD:
        return position == attempt.last_position
    return 1 <= position <= attempt.item_count


def may_see_key(attempt: Attempt, item: Answered) -> bool:
    """The feedback rule. True once the key and rationales of this item may leave the server.

    A report that has not been opened shows nothing anywhere: until it is, an answer given in time
    may still be on its way. What a drill has shown after the answer stays shown.
    """
    if shows_key(attempt.status) and attempt.report_opened_at is not None:
        return True
    return (
        attempt.feedback == Exam.Feedback.AFTER_ANSWER
        and attempt.status is not State.VOID
        and item.choice_id is not None
    )


def may_see_result(attempt: Attempt, now: datetime) -> bool:
    """True once the figures of a scored attempt may be told outside its report.

    Not while late answers may still count: whoever sees the total move can find a key with them.
    A drill has told its keys long before.
    """
    if not shows_key(attempt.status) or attempt.closed_at is None:
        return False
    if attempt.report_opened_at is not None or attempt.feedback == Exam.Feedback.AFTER_ANSWER:
        return True
    return attempt.closed_at < _late_answers_over(now)


def results_to_see(now: datetime) -> Q:
    """The same rule, for a query on attempts."""
    drills = Q(state=State.SCORED, feedback=Exam.Feedback.AFTER_ANSWER)
    return standings_to_see(now) | drills


def standings_to_see(now: datetime) -> Q:
    """Attempts of which it may be told what is known to date. Even a drill's has to wait: it counts
    the exam that ended just before it, whose late answers would move it."""
    return Q(state=State.SCORED) & (
        Q(report_opened_at__isnull=False) | Q(closed_at__lt=_late_answers_over(now))
    )


def _late_answers_over(now: datetime) -> datetime:
    """Attempts closed before this take no late answer any more."""
    return now - timedelta(minutes=settings.LATE_ANSWER_MINUTES)
