"""A person's own attempts, as plain data. A pure read in four queries, whatever their number.

Whether an answer was right is told under the same rule as on the pages (access.may_see_key), and
so is the question's name, which is the author's and may hint at the principle that decides.
Everything else about a running attempt is the person's own doing and gives no key away.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from django.db.models import Prefetch

from accounts.models import User
from attempts.access import may_see_key
from attempts.models import AnswerEvent, Attempt, AttemptItem, DomainResult
from attempts.states import shows_key


class AnswerRecord(TypedDict):
    at: datetime
    revision: int
    chosen: str


class ItemRecord(TypedDict):
    position: int
    question: str | None
    """None where its key may not be told yet."""
    version: int
    domain: int
    stem: str
    chosen: str | None
    correct: bool | None
    """None where it may not be told yet."""
    flagged: bool
    first_exposure: bool
    seen_at: datetime | None
    answered_at: datetime | None
    visible_ms: int
    answers: list[AnswerRecord]


class ResultRecord(TypedDict):
    answered: int | None
    correct: int | None
    first_exposures: int | None
    first_exposures_correct: int | None
    share_low: float | None
    share_high: float | None
    pass_share: float | None


class DomainRecord(TypedDict):
    scope: str
    domain: int
    name: str
    n: int
    correct: int
    target: float
    estimate: float
    low: float
    high: float
    p_below: float
    band: str
    expected_gain: float
    p_weakest: float
    study_first: bool


class AttemptRecord(TypedDict):
    id: str
    exam: str
    title: str
    outline: str
    domain: int | None
    state: str
    extra_time_percent: int
    started_at: datetime
    deadline: datetime
    closed_at: datetime | None
    close_reason: str
    scored_at: datetime | None
    voided_at: datetime | None
    void_reason: str
    result: ResultRecord | None
    domains: list[DomainRecord]
    items: list[ItemRecord]


def attempts_of(person: User) -> list[AttemptRecord]:
    """Oldest first. Holds the whole record in memory: some 200 kB for each full simulation."""
    items = AttemptItem.objects.select_related("version__question", "domain", "choice").order_by(
        "position"
    )
    events = AnswerEvent.objects.select_related("choice").order_by("revision")
    results = DomainResult.objects.select_related("domain").order_by("scope", "domain__number")
    attempts = (
        Attempt.objects.filter(user=person)
        .select_related("exam", "outline", "domain")
        .prefetch_related(
            Prefetch("items", items),
            Prefetch("items__events", events),
            Prefetch("domain_results", results),
        )
        .order_by("started_at", "pk")
    )
    return [_attempt(attempt) for attempt in attempts]


def _attempt(attempt: Attempt) -> AttemptRecord:
    scored = shows_key(attempt.status)
    return {
        "id": str(attempt.public_id),
        "exam": attempt.exam.key,
        "title": attempt.exam.title,
        "outline": attempt.outline.key,
        "domain": attempt.domain.number if attempt.domain else None,
        "state": attempt.state,
        "extra_time_percent": attempt.extra_time_percent,
        "started_at": attempt.started_at,
        "deadline": attempt.deadline,
        "closed_at": attempt.closed_at,
        "close_reason": attempt.close_reason,
        "scored_at": attempt.scored_at,
        "voided_at": attempt.voided_at,
        "void_reason": attempt.void_reason,
        "result": _result(attempt) if scored else None,
        "domains": [_domain(result) for result in attempt.domain_results.all()] if scored else [],
        "items": [_item(item, attempt) for item in attempt.items.all()],
    }


def _result(attempt: Attempt) -> ResultRecord:
    return {
        "answered": attempt.answered_count,
        "correct": attempt.correct_count,
        "first_exposures": attempt.first_count,
        "first_exposures_correct": attempt.first_correct,
        "share_low": attempt.share_low,
        "share_high": attempt.share_high,
        "pass_share": attempt.pass_share,
    }


def _domain(result: DomainResult) -> DomainRecord:
    return {
        "scope": result.scope,
        "domain": result.domain.number,
        "name": result.domain.name,
        "n": result.n,
        "correct": result.correct,
        "target": result.target,
        "estimate": result.estimate,
        "low": result.low,
        "high": result.high,
        "p_below": result.p_below,
        "band": result.band,
        "expected_gain": result.expected_gain,
        "p_weakest": result.p_weakest,
        "study_first": result.study_first,
    }


def _item(item: AttemptItem, attempt: Attempt) -> ItemRecord:
    return {
        "position": item.position,
        "question": item.version.question.key if may_see_key(attempt, item) else None,
        "version": item.version.number,
        "domain": item.domain.number,
        "stem": item.version.stem,
        "chosen": item.choice.text if item.choice else None,
        "correct": _correct(item, attempt),
        "flagged": item.flagged,
        "first_exposure": item.first_exposure,
        "seen_at": item.seen_at,
        "answered_at": item.answered_at,
        "visible_ms": item.visible_ms,
        "answers": [
            {"at": event.at, "revision": event.revision, "chosen": event.choice.text}
            for event in item.events.all()
        ],
    }


def _correct(item: AttemptItem, attempt: Attempt) -> bool | None:
    if not may_see_key(attempt, item):
        return None
    if item.is_correct is not None:
        return item.is_correct
    return item.choice is not None and item.choice.is_correct  # answered, not scored yet
