"""What the exam room's pages say about an open attempt: navigator cells, counts, time left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import cached_property

from attempts.models import Attempt, AttemptItem


@dataclass
class Room:
    """What the room's templates need to know about the attempt. Lazily read, all in one place."""

    attempt: Attempt
    now: datetime

    @cached_property
    def cells(self) -> list[AttemptItem]:
        """The form as the navigator shows it: one light row an item."""
        return list(
            self.attempt.items.only(
                "attempt_id", "position", "choice_id", "flagged", "seen_at", "answered_at"
            )
        )

    @cached_property
    def answered(self) -> int:
        return sum(cell.choice_id is not None for cell in self.cells)

    @property
    def unanswered_cells(self) -> list[AttemptItem]:
        return [cell for cell in self.cells if cell.choice_id is None]

    @property
    def flagged_cells(self) -> list[AttemptItem]:
        return [cell for cell in self.cells if cell.flagged]

    @property
    def unseen(self) -> int:
        return sum(cell.seen_at is None for cell in self.cells)

    @property
    def seen_unanswered(self) -> int:
        return sum(c.choice_id is None and c.seen_at is not None for c in self.cells)

    @property
    def left(self) -> timedelta:
        return max(self.attempt.deadline - self.now, timedelta(0))

    @property
    def left_words(self) -> str:
        """1:12:09, for a page that cannot count for itself."""
        seconds = int(self.left.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"

    @property
    def left_minutes(self) -> int:
        """Whole minutes left, rounded up: never promises less than there is."""
        return -(-int(self.left.total_seconds()) // 60)

    @property
    def is_low(self) -> bool:
        return self.left <= timedelta(minutes=5)

    @property
    def now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    @property
    def deadline_ms(self) -> int:
        return int(self.attempt.deadline.timestamp() * 1000)
