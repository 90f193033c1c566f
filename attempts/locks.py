"""The locks of the engine, in the one order everybody takes them: the person, then their attempts
(the earlier closed one first), then items by position. Two who keep to it never wait for each
other in a ring."""

from __future__ import annotations

from accounts.models import User
from attempts.models import Attempt


def lock_person(pk: int) -> None:
    """Nothing of theirs is started or reopened by anybody else until we commit."""
    User.objects.select_for_update().only("pk").get(pk=pk)


def lock_attempt(pk: int) -> Attempt:
    return Attempt.objects.select_for_update(of=("self",)).select_related("exam").get(pk=pk)


def lock_attempt_and_person(pk: int) -> Attempt:
    """For whatever opens an attempt: a person has one open attempt at most."""
    lock_person(Attempt.objects.values_list("user_id", flat=True).get(pk=pk))
    return lock_attempt(pk)
