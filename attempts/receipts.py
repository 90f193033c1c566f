"""The log of an attempt: everything that reached us, in the order it did. A pure read.

It tells the person what was saved and when, never what was right. The letters are the ones they
saw; the text of an option comes along only where the question itself may still be opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from attempts.access import may_open
from attempts.models import AnswerEvent, Attempt, NotCounted, Remedy
from attempts.options import LETTERS
from attempts.remedies import words_of
from attempts.review import opening
from attempts.states import State

NOTABLE: Final = timedelta(seconds=5)
"""A browser's time is told when it differs from ours by as much: a saved click takes less."""

_OPENING: Final = 80  # characters of an option's text


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `at` is always the server's time."""

    at: datetime
    words: str
    note: str = ""
    position: int | None = None
    letter: str = ""
    opening: str = ""
    chosen_at: datetime | None = None
    late: bool = False
    counted: bool = True

    @property
    def browser_time(self) -> datetime | None:
        """When the browser says it was chosen, where that is worth a word."""
        if self.chosen_at is None:
            return None
        apart = abs(self.at - self.chosen_at) >= NOTABLE
        return self.chosen_at if apart or self.late or not self.counted else None


@dataclass(frozen=True, slots=True)
class Log:
    entries: tuple[Entry, ...]
    question: int | None = None
    """The one question it is about; None for all of them."""

    @property
    def answers(self) -> int:
        return sum(bool(entry.letter) and entry.counted for entry in self.entries)

    @property
    def late(self) -> int:
        return sum(entry.late for entry in self.entries)

    @property
    def not_counted(self) -> int:
        return sum(not entry.counted for entry in self.entries)


def log_of(attempt: Attempt, *, question: int | None = None, texts: bool = True) -> Log:
    """Oldest first. Four queries; two for one question, whose log has only what was answered.

    texts: with the options' words, as their person saw them.
    """
    entries = [*_answers(attempt, question, texts), *_not_counted(attempt, question, texts)]
    if question is None:
        entries = [*_start(attempt), *entries, *_remedies(attempt), *_end(attempt)]
    return Log(tuple(sorted(entries, key=lambda entry: entry.at)), question)


def _answers(attempt: Attempt, question: int | None, texts: bool) -> Iterator[Entry]:
    """Every AnswerEvent, and the letter that stood there before it."""
    events = AnswerEvent.objects.filter(item__attempt=attempt)
    if question is not None:
        events = events.filter(item__position=question)
    rows = events.order_by("item__position", "revision").values_list(
        "item__position",
        "item__choice_order",
        "choice",
        "choice__text_html",
        "at",
        "chosen_at",
        "late",
    )
    stood: dict[int, str] = {}
    for position, order, choice, text, at, chosen_at, late in rows:
        letter = LETTERS[order.index(choice)]
        before = stood.get(position)
        stood[position] = letter
        yield Entry(
            at=at,
            words=f"Changed from {before}" if before else "Answered",
            position=position,
            letter=letter,
            opening=_opening(attempt, position, text) if texts else "",
            chosen_at=chosen_at,
            late=late,
        )


def _not_counted(attempt: Attempt, question: int | None, texts: bool) -> Iterator[Entry]:
    refused = NotCounted.objects.filter(item__attempt=attempt)
    if question is not None:
        refused = refused.filter(item__position=question)
    rows = refused.values_list(
        "item__position",
        "item__choice_order",
        "choice",
        "choice__text_html",
        "at",
        "chosen_at",
        "reason",
    )
    for position, order, choice, text, at, chosen_at, reason in rows:
        yield Entry(
            at=at,
            words="Not counted",
            note=f"{NotCounted.Reason(reason).label}.",
            position=position,
            letter=LETTERS[order.index(choice)],
            opening=_opening(attempt, position, text) if texts else "",
            chosen_at=chosen_at,
            counted=False,
        )


def _opening(attempt: Attempt, position: int, text: str) -> str:
    """Nothing of a question that the person has left for good, while the exam is open."""
    left = attempt.status is State.IN_PROGRESS and not may_open(attempt, position)
    return "" if left else opening(text, _OPENING)


def _start(attempt: Attempt) -> Iterator[Entry]:
    yield Entry(attempt.started_at, "Started", f"{attempt.item_count} questions.")


def _remedies(attempt: Attempt) -> Iterator[Entry]:
    kinds = set()
    for remedy in attempt.remedies.order_by("at", "pk"):
        kinds.add(remedy.kind)
        if remedy.closed_before is not None:
            yield Entry(remedy.closed_before, "Ended")
        yield Entry(remedy.at, words_of(remedy), f"Reason: {remedy.reason}")
    if attempt.voided_at is not None and Remedy.Kind.VOID not in kinds:
        yield Entry(attempt.voided_at, "Made void", attempt.void_reason)


def _end(attempt: Attempt) -> Iterator[Entry]:
    if attempt.closed_at is not None:
        yield Entry(attempt.closed_at, attempt.get_close_reason_display())
    earlier = list(attempt.earlier_results.order_by("scored_at", "pk"))
    for result in earlier:
        yield Entry(result.scored_at, "Scored", f"Set aside since. Reason: {result.reason}")
    if attempt.scored_at is not None:
        yield Entry(attempt.scored_at, "Scored again" if earlier else "Scored")
    if attempt.report_opened_at is not None:
        yield Entry(
            attempt.report_opened_at, "Report opened", "From here on no late answer could count."
        )
