"""Answering: what a browser delivers is judged here, one change after the other, and written at
once.

`now` is read once by the caller. The attempt is locked before anything is judged, so nothing
closes it, scores it or opens its report until what was accepted is stored. An ordinary delivery
takes two statements: one that locks and reads, one that writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from attempts.access import may_open
from attempts.blueprint import explained_since
from attempts.deliveries import (
    Answer,
    Batch,
    Departure,
    Flag,
    Marks,
    Notes,
    OnItem,
    Op,
    Seen,
    Unusable,
)
from attempts.desk import Desk, Sheet, Statement, lock_desk
from attempts.locks import lock_attempt
from attempts.models import (
    AnswerEvent,
    Attempt,
    AttemptItem,
    Contact,
    Exam,
    NotCounted,
    Remedy,
)
from attempts.room import Cell, read_cells
from attempts.services import score_again
from attempts.states import State, may_take_late_answers

# A browser's estimate of our time is off by as much at most, or it is not believed.
CLOCK_SLACK: Final = timedelta(seconds=5)
# What the columns hold. An exam that staff reopened after weeks has the time for more.
MOST_DEPARTURES: Final = 2**15 - 1
MOST_MILLISECONDS: Final = 2**31 - 1

_FORWARD: Final = "This exam goes forward only, one question at a time."
_MILLISECOND: Final = timedelta(milliseconds=1)


class SaveStatus(StrEnum):
    # Of an answer:
    SAVED = "saved"
    UNCHANGED = "unchanged"  # the same choice again: a double click, or another tab's
    STALE = "stale"  # another tab or device saved since this one looked
    LOCKED = "locked"  # its key has been shown, or its question been left for good: it stands
    LATE = "late"  # chosen in time, delivered after the end; it counts
    NOT_COUNTED = "not_counted"
    # Of anything else:
    OK = "ok"
    OVER = "over"  # the attempt is over, and this is of no use to it any more
    # Of whatever no page of ours sends:
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SaveResult:
    """What the candidate's page must now show. `choice` and `revision` are the stored ones."""

    status: SaveStatus
    choice: int | None
    revision: int
    saved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one change. The state of its item, where it has one, as it is stored now."""

    id: UUID | None
    status: SaveStatus
    position: int | None = None
    choice: int | None = None
    revision: int | None = None
    saved_at: datetime | None = None
    reason: str = ""
    """Words for the person, where something of theirs did not go through."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a delivery came to, and where the attempt stands after it."""

    deadline: datetime
    state: State
    late_until: datetime | None
    report_open: bool
    replies: tuple[Reply, ...]
    items: list[Cell] | None


class NotAnOption(Exception):
    """The submitted choice is not one of this item's four."""


class NotAnswered(Exception):
    """In a forward-only exam a question is left by answering it."""


# --- Delivering -----------------------------------------------------------------------------


def deliver(
    user: User, public_id: UUID, batch: Batch, device: UUID | None, now: datetime
) -> Delivery:
    """Take what a browser held, in order and all in one transaction.

    device: None when the browser has no name, and its clock is then not believed. Raises
    Attempt.DoesNotExist for somebody else's attempt.
    """
    positions = {op.position for op in batch.ops if isinstance(op, OnItem)}
    with transaction.atomic():
        desk = lock_desk(user.pk, public_id, sorted(positions), device)
        desk.close_if_due(now)
        judge = _Judge(desk, batch.ops, now)
        replies = tuple([judge.reply(op) for op in batch.ops])
        if desk.is_open:
            desk.contact_advances(now, batch.pending_since)
        judge.write()
        items = read_cells(desk.pk) if batch.wants_items else None
    return Delivery(
        deadline=desk.deadline,
        state=desk.state,
        late_until=late_until(desk.state, desk.closed_at or desk.deadline),
        report_open=desk.report_opened_at is not None,
        replies=replies,
        items=items,
    )


def save_answer(
    user: User, public_id: UUID, position: int, *, choice: int, revision: int, now: datetime
) -> SaveResult:
    """Save one answer from a page without JavaScript: a delivery of one, with no name or time.

    Raises NotAnOption, and AttemptItem.DoesNotExist for somebody else's attempt or a position the
    form does not have.
    """
    op = Answer(None, position, choice, revision, None)
    with transaction.atomic():
        try:
            desk = lock_desk(user.pk, public_id, [position], None)
        except Attempt.DoesNotExist as error:
            raise AttemptItem.DoesNotExist from error
        if position not in desk.sheets:
            raise AttemptItem.DoesNotExist
        if choice not in desk.sheets[position].choice_order:
            raise NotAnOption
        desk.close_if_due(now)
        judge = _Judge(desk, (op,), now)
        reply = judge.reply(op)
        judge.write()
    return SaveResult(reply.status, reply.choice, reply.revision or 0, reply.saved_at)


def late_until(state: State, closed_at: datetime) -> datetime | None:
    """Until when an answer chosen in time may still be delivered; None for never.

    closed_at: of a running attempt its deadline, the latest it can be.
    """
    if state is State.VOID or not settings.LATE_ANSWER_MINUTES:
        return None
    return closed_at + timedelta(minutes=settings.LATE_ANSWER_MINUTES)


# --- Judging --------------------------------------------------------------------------------


class _Judge:
    """Judges the changes of one delivery against a locked desk, and writes what it accepted."""

    def __init__(self, desk: Desk, ops: Sequence[Op], now: datetime) -> None:
        self.desk, self.ops, self.now = desk, ops, now
        self.changed: dict[int, Sheet] = {}
        self.events: list[AnswerEvent] = []
        self.marks: dict[int, Marks] = {}
        self.notes: Notes | None = None
        self.stale: set[int] = set()
        self.moved = False
        self.counted: list[UUID] = []
        self.refused: dict[int, NotCounted] = {}
        self._delivered: dict[tuple[int, UUID], datetime] | None = None
        self._known: frozenset[int] | None = None
        self._was_shut: list[tuple[datetime, datetime]] | None = None

    def reply(self, op: Op) -> Reply:
        match op:
            case Answer() | Flag() | Seen() | Marks():
                return self._on_item(op)
            case Notes() | Departure() if not self.desk.is_open:
                return Reply(op.id, SaveStatus.OVER)
            case Notes():
                self.notes = op
                return Reply(op.id, SaveStatus.OK)
            case Departure():
                return self._departure(op)
            case Unusable():
                return Reply(op.id, SaveStatus.REFUSED, reason=f"Not understood: {op.why}.")

    def _on_item(self, op: OnItem) -> Reply:
        sheet = self.desk.sheets.get(op.position)
        if sheet is None:
            words = "This exam has no such question."
            return Reply(op.id, SaveStatus.REFUSED, op.position, reason=words)
        if isinstance(op, Answer):
            return self._answer(op, sheet)
        if not self.desk.is_open:
            return self._of(op, sheet, SaveStatus.OVER)
        match op:
            case Flag():
                return self._flag(op, sheet)
            case Seen():
                return self._seen(op, sheet)
            case Marks():
                return self._mark(op, sheet)

    # Answers

    def _answer(self, op: Answer, sheet: Sheet) -> Reply:
        if op.choice not in sheet.choice_order:
            return self._refuse(op, sheet, "That is not one of the question's options.")
        # Nothing delivered before can have the stored revision: it made that one.
        if op.revision != sheet.revision or not self.desk.is_open:
            delivered_at = self._delivered_at(op, sheet)
            if delivered_at is not None:
                return self._of(op, sheet, SaveStatus.SAVED, saved_at=delivered_at)
        if sheet.choice == op.choice:
            return self._of(op, sheet, SaveStatus.UNCHANGED)
        why_not = None if self.desk.is_open else self._why_not_counted(op, sheet)
        if why_not is not None:
            return self._do_not_count(op, sheet, why_not)
        if not may_open(self.desk, op.position):
            if op.position < self.desk.last_position:
                return self._of(op, sheet, SaveStatus.LOCKED)
            return self._refuse(op, sheet, _FORWARD)
        if sheet.choice is not None and self.desk.feedback == Exam.Feedback.AFTER_ANSWER:
            return self._of(op, sheet, SaveStatus.LOCKED)
        if op.revision != sheet.revision or op.position in self.stale:
            self.stale.add(op.position)  # what the browser counted on from here has no ground
            return self._of(op, sheet, SaveStatus.STALE)
        return self._accept(op, sheet)

    def _accept(self, op: Answer, sheet: Sheet) -> Reply:
        late = not self.desk.is_open
        sheet.choice, sheet.answered_at = op.choice, self.now
        sheet.revision += 1
        self.changed[sheet.position] = sheet
        self.events.append(
            AnswerEvent(
                item_id=sheet.pk,
                revision=sheet.revision,
                choice_id=op.choice,
                at=self.now,
                chosen_at=op.at if self._is_believed(op.at) else None,
                late=late,
                op=op.id,
            )
        )
        self.refused.pop(sheet.pk, None)
        return self._of(op, sheet, SaveStatus.LATE if late else SaveStatus.SAVED)

    def _delivered_at(self, op: Answer, sheet: Sheet) -> datetime | None:
        """When the server accepted this very change before; a lost reply makes a browser ask."""
        if self._delivered is None:
            names = [op.id for op in self.ops if isinstance(op, Answer) and op.id is not None]
            items = [sheet.pk for sheet in self.desk.sheets.values()]
            events = AnswerEvent.objects.filter(item__in=items, op__in=names)
            self._delivered = {
                (item, name): at
                for item, name, at in events.values_list("item_id", "op", "at")
                if name is not None
            }
        return self._delivered.get((sheet.pk, op.id)) if op.id is not None else None

    def _is_believed(self, chosen_at: datetime | None) -> bool:
        """Not before this browser was last in touch, nor after now: the rest is its word."""
        contact = self.desk.contact_at
        if chosen_at is None or contact is None:
            return False
        return contact - CLOCK_SLACK <= chosen_at <= self.now + CLOCK_SLACK

    def _why_not_counted(self, op: Answer, sheet: Sheet) -> str | None:
        """The rule of late answers. The reason is empty for an attempt that counts nowhere."""
        desk = self.desk
        if not may_take_late_answers(desk.state) or desk.closed_at is None:
            return ""
        if desk.report_opened_at is not None:
            return NotCounted.Reason.REPORT_OPEN
        until = late_until(desk.state, desk.closed_at)
        if until is None or self.now > until:
            return NotCounted.Reason.TOO_LATE
        if op.at is None or op.at > desk.closed_at or not self._is_believed(op.at):
            return NotCounted.Reason.NOT_IN_TIME
        if sheet.pk in self._known_since(desk.closed_at):
            return NotCounted.Reason.REPORT_OPEN
        return None

    def _known_since(self, closed_at: datetime) -> frozenset[int]:
        """Items that other attempts of this person have told of since: their key, or, in the report
        of a later exam, what all answers to date come to. That moves with every late answer, and
        whoever watches it move can find a key."""
        if self._known is None:
            items = AttemptItem.objects.filter(pk__in=[s.pk for s in self.desk.sheets.values()])
            later = Attempt.objects.filter(
                user__attempts=self.desk.pk,
                closed_at__gte=closed_at,
                report_opened_at__isnull=False,
            )
            if not later.exclude(pk=self.desk.pk).exists():
                items = items.filter(version__question__in=explained_since(self.desk.pk, closed_at))
            self._known = frozenset(items.values_list("pk", flat=True))
        return self._known

    def _do_not_count(self, op: Answer, sheet: Sheet, reason: str) -> Reply:
        if not reason:
            words = "This attempt is void, so nothing of it counts."
            return self._of(op, sheet, SaveStatus.NOT_COUNTED, reason=words)
        self.refused[sheet.pk] = NotCounted(
            item_id=sheet.pk, choice_id=op.choice, chosen_at=op.at, at=self.now, reason=reason
        )
        words = f"{NotCounted.Reason(reason).label}."
        return self._of(op, sheet, SaveStatus.NOT_COUNTED, reason=words)

    # Anything else

    def _flag(self, op: Flag, sheet: Sheet) -> Reply:
        if self.desk.navigation == Exam.Navigation.FORWARD:
            return self._refuse(op, sheet, _FORWARD)
        if sheet.flagged != op.on:
            sheet.flagged = op.on
            self.changed[sheet.position] = sheet
        return self._of(op, sheet, SaveStatus.OK)

    def _seen(self, op: Seen, sheet: Sheet) -> Reply:
        desk = self.desk
        if self._lies_ahead(op.position):
            return self._refuse(op, sheet, _FORWARD)
        if op.visible_ms and self._is_resent(op):
            return self._of(op, sheet, SaveStatus.OK)
        if desk.navigation == Exam.Navigation.FREE and desk.last_position != op.position:
            desk.last_position, self.moved = op.position, True
        if sheet.seen_at is None:
            # Without a connection it was seen before we hear of it, but after the last contact.
            since = self.now - op.visible_ms * _MILLISECOND
            sheet.seen_at = min(self.now, max(since, desk.contact_at or self.now))
            self.changed[sheet.position] = sheet
        ceiling = _visible_ceiling(sheet.seen_at, desk.deadline, self.now)
        visible = max(sheet.visible_ms, min(sheet.visible_ms + op.visible_ms, ceiling))
        if visible != sheet.visible_ms:
            sheet.visible_ms = visible
            self.changed[sheet.position] = sheet
        return self._of(op, sheet, SaveStatus.OK)

    def _mark(self, op: Marks, sheet: Sheet) -> Reply:
        if not set(op.struck) <= set(sheet.choice_order):
            return self._refuse(op, sheet, "That is not one of the question's options.")
        if self._lies_ahead(op.position):
            return self._refuse(op, sheet, _FORWARD)
        self.marks[sheet.pk] = op
        return self._of(op, sheet, SaveStatus.OK)

    def _departure(self, op: Departure) -> Reply:
        desk = self.desk
        if not desk.strict:
            return Reply(op.id, SaveStatus.REFUSED, reason="This attempt counts no departures.")
        if self._is_resent(op):
            return Reply(op.id, SaveStatus.OK)
        away = min(op.away_ms, self._open_since(self.now - op.away_ms * _MILLISECOND))
        if op.away_ms and not away:
            return Reply(op.id, SaveStatus.OK)  # nobody can leave an exam that is over
        ceiling = min(self._open_since(desk.started_at), MOST_MILLISECONDS)
        desk.departures = min(desk.departures + 1, MOST_DEPARTURES)
        desk.away_ms = min(desk.away_ms + away, max(ceiling, desk.away_ms))
        return Reply(op.id, SaveStatus.OK)

    def _is_resent(self, op: Seen | Departure) -> bool:
        """These are added to a sum, so twice would be wrong. Asked once of each, and noted."""
        self.counted.append(op.id)
        return self.desk.has_counted(op.id)

    def _open_since(self, since: datetime) -> int:
        """Milliseconds for which the attempt was open since then: not before its start, nor between
        its end and the moment staff reopened it."""
        since = max(since, self.desk.started_at)
        shut = sum(
            (max(timedelta(0), until - max(closed, since)) for closed, until in self._shut()),
            timedelta(0),
        )
        return max(0, (self.now - since - shut) // _MILLISECOND)

    def _shut(self) -> list[tuple[datetime, datetime]]:
        if self._was_shut is None:
            reopened = Remedy.objects.filter(attempt=self.desk.pk, kind=Remedy.Kind.REOPEN)
            spans = reopened.values_list("closed_before", "at")
            self._was_shut = [(closed, at) for closed, at in spans if closed is not None]
        return self._was_shut

    def _lies_ahead(self, position: int) -> bool:
        """What was seen or drawn on a question that has been left since is still taken."""
        forward = self.desk.navigation == Exam.Navigation.FORWARD
        return forward and position > self.desk.last_position

    def _of(
        self,
        op: OnItem,
        sheet: Sheet,
        status: SaveStatus,
        *,
        saved_at: datetime | None = None,
        reason: str = "",
    ) -> Reply:
        return Reply(
            op.id,
            status,
            sheet.position,
            sheet.choice,
            sheet.revision,
            saved_at or sheet.answered_at,
            reason,
        )

    def _refuse(self, op: OnItem, sheet: Sheet, reason: str) -> Reply:
        return self._of(op, sheet, SaveStatus.REFUSED, reason=reason)

    # Writing

    def write(self) -> None:
        statement = Statement()
        if self.changed:
            statement.add_items(self.changed.values())
        if self.events:
            statement.add_events(self.events)
        if self.marks:
            statement.add_marks(self.marks)
        if self.notes is not None:
            statement.add_notes(self.desk, self.notes.text, self.now)
        if self.desk.contact_due is not None:
            statement.add_contact(self.desk, self.desk.contact_due)
        news = any(not self.desk.has_counted(name) for name in self.counted)
        if news:
            self.desk.remember_counted(self.counted)
        if news or self.moved:
            statement.add_attempt(self.desk)
        statement.execute()
        if self.refused:
            NotCounted.objects.bulk_create(
                self.refused.values(),
                update_conflicts=True,
                unique_fields=["item"],
                update_fields=["choice", "chosen_at", "at", "reason"],
            )
        if any(event.late for event in self.events):
            locked = lock_attempt(self.desk.pk)
            score_again(locked, "An answer given in time was delivered late", self.now)
            self.desk.state = locked.status


def _visible_ceiling(seen_at: datetime, deadline: datetime, now: datetime) -> int:
    """Milliseconds a question can have been visible: a browser can say anything, but not more
    than has passed since it was first shown, nor anything after the deadline."""
    shown = (min(now, deadline) - seen_at) // _MILLISECOND
    return min(max(0, shown), MOST_MILLISECONDS)


# --- What a page notes by itself, and the buttons without JavaScript -------------------------


def note_contact(attempt: Attempt, device: UUID, now: datetime) -> None:
    """A page of the room is being shown on this device. Its first time is when we begin to
    believe its clock; from then on only what it delivers moves that on."""
    Contact.objects.bulk_create(
        [Contact(attempt=attempt, device=device, at=now)], ignore_conflicts=True
    )


def advance(user: User, public_id: UUID, position: int, now: datetime) -> int | None:
    """Leave this question of a forward-only exam for good; returns where the person is now.

    A second click finds it left already, which is no harm. None when the attempt is over. Raises
    NotAnswered, and Attempt.DoesNotExist for somebody else's.
    """
    with transaction.atomic():
        desk = lock_desk(user.pk, public_id, [position], None)
        desk.close_if_due(now)
        if not desk.is_open:
            return None
        if desk.navigation != Exam.Navigation.FORWARD or not may_open(desk, position):
            return desk.last_position
        if desk.sheets[position].choice is None:
            raise NotAnswered
        if position < desk.item_count:
            desk.last_position = position + 1
            Attempt.objects.filter(pk=desk.pk).update(last_position=position + 1)
        return desk.last_position


def set_flag(attempt: Attempt, position: int, flagged: bool) -> bool:
    """Flag or unflag while the attempt is open; False when it is over, or goes forward only."""
    return bool(
        AttemptItem.objects.filter(
            attempt=attempt,
            position=position,
            attempt__state=State.IN_PROGRESS,
            attempt__navigation=Exam.Navigation.FREE,
        ).update(flagged=flagged)
    )


def mark_seen(attempt: Attempt, position: int, now: datetime, *, first: bool = True) -> None:
    """Note that a question was put before the person, and that they will come back to it.

    first: False where the caller knows that it was before; spares a statement. In a forward-only
    exam only answering moves them on: see `advance`.
    """
    if first:
        items = AttemptItem.objects.filter(attempt=attempt, position=position)
        items.filter(seen_at__isnull=True).update(seen_at=now)
    if attempt.navigation == Exam.Navigation.FREE and attempt.last_position != position:
        attempt.last_position = position
        Attempt.objects.filter(pk=attempt.pk).update(last_position=position)
