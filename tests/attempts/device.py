"""A device in the exam room, as the engine knows one: a name, a last contact, and changes."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from attempts.deliveries import Answer, Batch, Op
from attempts.models import Attempt, Contact
from attempts.saving import Delivery, Reply, deliver


class Device:
    """met: when it was shown its first page of the room; None: it never was."""

    def __init__(self, attempt: Attempt, *, met: datetime | None) -> None:
        self.attempt, self.name = attempt, uuid4()
        if met is not None:
            Contact.objects.create(attempt=attempt, device=self.name, at=met)

    @property
    def contact_at(self) -> datetime:
        return Contact.objects.get(attempt=self.attempt, device=self.name).at

    def deliver(
        self, *ops: Op, now: datetime, held_since: datetime | None = None, want_items: bool = False
    ) -> Delivery:
        batch = Batch("", held_since, want_items, ops)
        return deliver(self.attempt.user, self.attempt.public_id, batch, self.name, now)

    def one(self, op: Op, *, now: datetime, held_since: datetime | None = None) -> Reply:
        (reply,) = self.deliver(op, now=now, held_since=held_since).replies
        assert reply.id == op.id
        return reply


def answer(position: int, choice: int, revision: int = 0, *, at: datetime | None = None) -> Answer:
    return Answer(uuid4(), position, choice, revision, at)
