"""Who may see what of an attempt. Every view asks here; nothing else decides."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from accounts.models import User
from attempts.models import Attempt, AttemptItem, Exam
from attempts.states import State, shows_key


def attempt_of(user: User, public_id: UUID) -> Attempt:
    """The person's own attempt; Http404 for anyone else's, so that its existence isn't told."""
    try:
        return Attempt.objects.select_related("exam", "outline", "domain").get(
            user=user, public_id=public_id
        )
    except Attempt.DoesNotExist as error:
        raise Http404 from error


def may_see_key(attempt: Attempt, item: AttemptItem) -> bool:
    """The feedback rule. True once the key and rationales of this item may leave the server."""
    if shows_key(attempt.status):
        return True
    return (
        attempt.feedback == Exam.Feedback.AFTER_ANSWER
        and attempt.status in (State.IN_PROGRESS, State.CLOSED)
        and item.choice_id is not None
    )
