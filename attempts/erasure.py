"""Getting a person's attempts ready to be deleted with their account."""

from __future__ import annotations

from accounts.models import User
from attempts.models import Attempt, AttemptItem
from attempts.states import State


def lock_attempts(person: User) -> None:
    """Wait for saves and scorings under way and keep new ones out until the caller commits.

    Otherwise a row written after the deletion has looked would make it fail as a whole. The order
    is that of saving an answer (item, then attempt), so neither waits for the other in a circle;
    only the items of an open attempt can still get answers. New attempts are kept out by the lock
    on the person, which the caller holds.
    """
    mine = Attempt.objects.filter(user=person)
    items = AttemptItem.objects.filter(attempt__user=person, attempt__state=State.IN_PROGRESS)
    list(items.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    list(mine.select_for_update().order_by("pk").values_list("pk"))
