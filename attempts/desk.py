"""A locked attempt with the items a delivery is about, and the statement that writes them back.

SQL by hand: this is what ten thousand people do at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from attempts.deliveries import Marks
from attempts.locks import lock_attempt
from attempts.models import AnswerEvent, Attempt
from attempts.services import close_locked_if_due
from attempts.states import State, accepts_answers

# Bytes: besides what one delivery brings, other tabs and devices add a few names at a time.
_REMEMBERED: Final = 16 * 16


@dataclass(slots=True)
class Sheet:
    """One item of a locked attempt, as it stands while a delivery is judged."""

    pk: int
    position: int
    choice_order: Sequence[int]
    choice: int | None
    revision: int
    answered_at: datetime | None
    flagged: bool
    seen_at: datetime | None
    visible_ms: int


@dataclass(slots=True)
class Desk:
    """A locked attempt with the items a delivery is about."""

    pk: int
    state: State
    feedback: str
    navigation: str
    strict: bool
    started_at: datetime
    deadline: datetime
    closed_at: datetime | None
    report_opened_at: datetime | None
    item_count: int
    last_position: int
    departures: int
    away_ms: int
    counted: bytes
    contact_at: datetime | None
    device: UUID | None = None
    contact_due: datetime | None = None
    sheets: dict[int, Sheet] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return accepts_answers(self.state)

    def close_if_due(self, now: datetime) -> None:
        if now <= self.deadline or not self.is_open:
            return  # spares the ordinary delivery another look at the row
        locked = lock_attempt(self.pk)
        if close_locked_if_due(locked, now):
            self.state, self.closed_at = locked.status, locked.closed_at

    def contact_advances(self, now: datetime, pending_since: datetime | None) -> None:
        """What the browser still holds it may have chosen at any time since."""
        until = now if pending_since is None else min(now, pending_since)
        if self.contact_at is not None and until > self.contact_at:
            self.contact_due = until

    def has_counted(self, name: UUID) -> bool:
        return name.bytes in self.counted

    def remember_counted(self, names: Iterable[UUID]) -> None:
        """names: all of this delivery, for its reply may be lost as the last one's was."""
        ours = b"".join(name.bytes for name in names)
        self.counted = (ours + self.counted)[: max(len(ours), _REMEMBERED)]


# The attempt first, as everywhere: a scorer holds it when it writes to the items. Both are locked,
# for a row that is not would be read as it was before we waited.
_LOCK_WITH_ITEMS: Final = """
    SELECT attempt.id, attempt.state, attempt.feedback, attempt.navigation, attempt.strict,
           attempt.started_at, attempt.deadline, attempt.closed_at, attempt.report_opened_at,
           attempt.item_count, attempt.last_position, attempt.departures, attempt.away_ms,
           attempt.counted,
           (SELECT contact.at FROM attempts_contact contact
             WHERE contact.attempt_id = attempt.id AND contact.device = %s),
           item.id, item.position, item.choice_order, item.choice_id, item.revision,
           item.answered_at, item.flagged, item.seen_at, item.visible_ms
      FROM attempts_attempt attempt JOIN attempts_attemptitem item ON item.attempt_id = attempt.id
     WHERE attempt.public_id = %s AND attempt.user_id = %s AND item.position = ANY(%s)
     ORDER BY item.position
       FOR UPDATE OF attempt, item
"""
_LOCK: Final = """
    SELECT attempt.id, attempt.state, attempt.feedback, attempt.navigation, attempt.strict,
           attempt.started_at, attempt.deadline, attempt.closed_at, attempt.report_opened_at,
           attempt.item_count, attempt.last_position, attempt.departures, attempt.away_ms,
           attempt.counted,
           (SELECT contact.at FROM attempts_contact contact
             WHERE contact.attempt_id = attempt.id AND contact.device = %s)
      FROM attempts_attempt attempt
     WHERE attempt.public_id = %s AND attempt.user_id = %s
       FOR UPDATE
"""
_ATTEMPT_COLUMNS: Final = 15
_ITEM: Final = (
    "(%s::bigint, %s::bigint, %s::int, %s::timestamptz, %s::boolean, %s::timestamptz, %s::int)"
)
_EVENT: Final = "(%s, %s, %s, %s, %s, %s, %s)"


def lock_desk(user_pk: int, public_id: UUID, positions: list[int], device: UUID | None) -> Desk:
    """Raises Attempt.DoesNotExist. Positions the form does not have are missing from the desk."""
    rows: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        if positions:
            cursor.execute(_LOCK_WITH_ITEMS, [device, public_id, user_pk, positions])
            rows = cursor.fetchall()
        if not rows:
            cursor.execute(_LOCK, [device, public_id, user_pk])
            rows = cursor.fetchall()
    if not rows:
        raise Attempt.DoesNotExist
    pk, state, *columns = rows[0][:_ATTEMPT_COLUMNS]
    desk = Desk(pk, State(state), *columns)
    desk.device = device
    for row in rows:
        if len(row) > _ATTEMPT_COLUMNS:
            sheet = Sheet(*row[_ATTEMPT_COLUMNS:])
            desk.sheets[sheet.position] = sheet
    return desk


class Statement:
    """One SQL statement that writes all a delivery came to, whatever of it there is."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Any] = []

    def add_items(self, sheets: Iterable[Sheet]) -> None:
        """All of a row that a candidate can change: the rows are ours until we commit."""
        rows = [
            (s.pk, s.choice, s.revision, s.answered_at, s.flagged, s.seen_at, s.visible_ms)
            for s in sheets
        ]
        self.parts.append(
            "item AS (UPDATE attempts_attemptitem item "  # noqa: S608  # puts in placeholders only
            "SET choice_id = new.choice, revision = new.revision, answered_at = new.answered_at, "
            "flagged = new.flagged, seen_at = new.seen_at, visible_ms = new.visible_ms "
            f"FROM (VALUES {self._rows(_ITEM, rows)}) "
            "AS new(id, choice, revision, answered_at, flagged, seen_at, visible_ms) "
            "WHERE item.id = new.id)"
        )

    def add_events(self, events: Iterable[AnswerEvent]) -> None:
        rows = [
            (e.item_id, e.revision, e.choice_id, e.at, e.chosen_at, e.late, e.op) for e in events
        ]
        self.parts.append(
            "event AS (INSERT INTO attempts_answerevent "  # noqa: S608  # placeholders only
            "(item_id, revision, choice_id, at, chosen_at, late, op) VALUES "
            f"{self._rows(_EVENT, rows)})"
        )

    def add_marks(self, marks: Mapping[int, Marks]) -> None:
        rows = [
            {"item": item, "struck": op.struck, "highlights": op.highlights}
            for item, op in marks.items()
        ]
        self.parts.append(
            "marking AS (INSERT INTO attempts_marking (item_id, struck, highlights) "
            "SELECT * FROM jsonb_to_recordset(%s::jsonb) "
            "AS new(item bigint, struck bigint[], highlights jsonb) ON CONFLICT (item_id) "
            "DO UPDATE SET struck = excluded.struck, highlights = excluded.highlights)"
        )
        self.values.append(json.dumps(rows))

    def add_notes(self, desk: Desk, text: str, now: datetime) -> None:
        self.parts.append(
            "scratchpad AS (INSERT INTO attempts_scratchpad (attempt_id, text, written_at) "
            "VALUES (%s, %s, %s) ON CONFLICT (attempt_id) DO UPDATE "
            "SET text = excluded.text, written_at = excluded.written_at)"
        )
        self.values += [desk.pk, text, now]

    def add_contact(self, desk: Desk, at: datetime) -> None:
        self.parts.append(
            "contact AS (UPDATE attempts_contact SET at = %s "
            "WHERE attempt_id = %s AND device = %s AND at < %s)"
        )
        self.values += [at, desk.pk, desk.device, at]

    def add_attempt(self, desk: Desk) -> None:
        self.parts.append(
            "attempt AS (UPDATE attempts_attempt "
            "SET last_position = %s, departures = %s, away_ms = %s, counted = %s WHERE id = %s)"
        )
        self.values += [desk.last_position, desk.departures, desk.away_ms, desk.counted, desk.pk]

    def _rows(self, row: str, rows: list[tuple[Any, ...]]) -> str:
        """Rows rather than arrays: for the one there is as a rule, psycopg spends less on
        writing it down and Postgres less on planning."""
        for values in rows:
            self.values += values
        return ", ".join([row] * len(rows))

    def execute(self) -> None:
        if self.parts:
            with connection.cursor() as cursor:
                cursor.execute(f"WITH {', '.join(self.parts)} SELECT", self.values)
