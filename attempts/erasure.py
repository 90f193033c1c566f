"""Getting a person's attempts ready to be deleted with their account."""

from __future__ import annotations

from accounts.models import User
from attempts.models import Attempt


def lock_attempts(person: User) -> None:
    """Wait for saves and scorings under way and keep new ones out until the caller commits.

    Otherwise a row written after the deletion has looked would make it fail as a whole. Whoever
    writes to an attempt's items locks the attempt first. New attempts are kept out by the lock on
    the person, which the caller holds. In the order of locks.py: a scorer that holds one attempt
    may still want the later ones.
    """
    mine = Attempt.objects.filter(user=person)
    list(mine.select_for_update().order_by("closed_at", "pk").values_list("pk"))
