"""What the exam room's pages say about an open attempt: navigator cells, counts, time left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from attempts.identity import person_name
from attempts.models import Attempt
from attempts.readings import minutes_left

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(slots=True)
class Cell:
    """One item of an attempt, as the room shows it and as its browser is told of it."""

    pk: int
    position: int
    version_id: int
    choice_order: Sequence[int]
    choice_id: int | None
    revision: int
    flagged: bool
    seen: bool
    saved_ms: int | None
    """As `milliseconds` counts."""

    @property
    def saved_at(self) -> datetime | None:
        return None if self.saved_ms is None else _EPOCH + self.saved_ms * _MILLISECOND


# By hand: every page of the room reads the whole form, and 125 model instances with a date each
# cost more than all the rest of it.
_CELLS: Final = """
SELECT id, position, version_id, choice_order, choice_id, revision, flagged, seen_at IS NOT NULL,
       floor(extract(epoch FROM answered_at) * 1000)::bigint
FROM attempts_attemptitem WHERE attempt_id = %s ORDER BY position
"""


def read_cells(attempt_pk: int) -> list[Cell]:
    """By position."""
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, [attempt_pk])
        return [Cell(*row) for row in cursor.fetchall()]


@dataclass
class Room:
    """What the room's templates need to know about the attempt. Lazily read, all in one place."""

    attempt: Attempt
    now: datetime

    @property
    def name(self) -> str:
        """Empty where there is no attempt, as in the tutorial: nothing is kept or sent then."""
        return str(self.attempt.public_id)

    @property
    def person(self) -> str:
        return person_name(self.attempt.user)

    @cached_property
    def base(self) -> str:
        return reverse("attempt-resume", args=(self.attempt.public_id,))

    @property
    def count(self) -> int:
        return self.attempt.item_count

    @property
    def navigation(self) -> str:
        return self.attempt.navigation

    @property
    def feedback(self) -> str:
        return self.attempt.feedback

    @property
    def strict(self) -> bool:
        return self.attempt.strict

    @property
    def last_position(self) -> int:
        return self.attempt.last_position

    @property
    def zone(self) -> str:
        """The person's time zone, for receipts that the browser writes."""
        return timezone.get_current_timezone_name()

    @cached_property
    def cells(self) -> list[Cell]:
        """The form as the navigator shows it. One statement."""
        return read_cells(self.attempt.pk)

    def item(self, position: int) -> Cell | None:
        return next((cell for cell in self.cells if cell.position == position), None)

    @cached_property
    def answered(self) -> int:
        return sum(cell.choice_id is not None for cell in self.cells)

    @property
    def unanswered_cells(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.choice_id is None]

    @property
    def flagged_cells(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.flagged]

    @property
    def unseen(self) -> int:
        return sum(not cell.seen for cell in self.cells)

    @property
    def seen_unanswered(self) -> int:
        return sum(cell.choice_id is None and cell.seen for cell in self.cells)

    @property
    def left(self) -> timedelta:
        return max(self.attempt.deadline - self.now, timedelta(0))

    @property
    def left_words(self) -> str:
        """1:12:09, for a page that cannot count for itself."""
        seconds = int(self.left.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"

    @property
    def left_roughly(self) -> str:
        """In words; static/js/room/dress.js keeps it up."""
        return minutes_left(self.left)

    @property
    def is_low(self) -> bool:
        return self.left <= timedelta(minutes=5)

    @property
    def now_ms(self) -> int:
        return milliseconds(self.now)

    @property
    def started_ms(self) -> int:
        return milliseconds(self.attempt.started_at)

    @property
    def deadline_ms(self) -> int:
        return milliseconds(self.attempt.deadline)


def milliseconds(at: datetime) -> int:
    """As a browser counts time; what is left of a millisecond is dropped, as in `_CELLS`."""
    return (at - _EPOCH) // _MILLISECOND


def told(item: Cell) -> dict[str, object]:
    """How a question stands, for the browser: nothing that is not the person's own doing."""
    return {
        "position": item.position,
        "choice": item.choice_id,
        "revision": item.revision,
        "saved_at": item.saved_ms,
        "flagged": item.flagged,
        "seen": item.seen,
    }
