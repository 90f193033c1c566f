"""A person's own attempts, as plain data. A pure read in eight queries, whatever their number.

Whether an answer was right is told under the same rule as on the pages (access.may_see_key), and
so is the question's name, which is the author's and may hint at the principle that decides. A
result is told once its report has been opened: to download is not to open. What a forward-only
exam has put away, or not shown yet, is not shown here either. Everything else is the person's own
doing and gives no key away; who of the staff remedied an attempt is the staff's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Prefetch

from accounts.models import User
from attempts.access import may_open, may_see_key
from attempts.models import (
    AnswerEvent,
    Attempt,
    AttemptItem,
    DomainResult,
    EarlierResult,
    Exam,
    Marking,
    NotCounted,
    Remedy,
)
from attempts.options import LETTERS
from attempts.states import State, shows_key
from domains.models import Domain


class AnswerRecord(TypedDict):
    at: datetime
    revision: int
    chosen: str | None
    """None where the question may not be opened; its text would show it."""
    chosen_at: datetime | None
    late: bool


class NotCountedRecord(TypedDict):
    at: datetime
    chosen: str | None
    chosen_at: datetime | None
    reason: str


class ItemRecord(TypedDict):
    position: int
    question: str | None
    """None where its key may not be told yet."""
    version: int
    domain: int
    stem: str | None
    """None where the question may not be opened."""
    chosen: str | None
    correct: bool | None
    """None where it may not be told yet."""
    flagged: bool
    first_exposure: bool
    seen_at: datetime | None
    answered_at: datetime | None
    visible_ms: int
    answers: list[AnswerRecord]
    not_counted: NotCountedRecord | None
    struck: list[str]
    """Letters, as the person saw them."""
    highlights: list[list[int]]
    """[start, end] characters of the stem."""


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


class EarlierRecord(TypedDict):
    scored_at: datetime
    replaced_at: datetime
    reason: str
    result: ResultRecord
    domains: list[DomainRecord]


class RemedyRecord(TypedDict):
    at: datetime
    kind: str
    reason: str
    deadline_before: datetime
    deadline_after: datetime


class ContactRecord(TypedDict):
    device: str
    at: datetime


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
    navigation: str
    strict: bool
    departures: int
    away_ms: int
    report_opened_at: datetime | None
    notes: str
    remedies: list[RemedyRecord]
    contacts: list[ContactRecord]
    earlier_results: list[EarlierRecord]


def attempts_of(person: User) -> list[AttemptRecord]:
    """Oldest first. Holds the whole record in memory: some 200 kB for each full simulation."""
    items = AttemptItem.objects.select_related(
        "version__question", "domain", "choice", "not_counted__choice", "marking"
    ).order_by("position")
    events = AnswerEvent.objects.select_related("choice").order_by("revision")
    results = DomainResult.objects.select_related("domain").order_by("scope", "domain__number")
    attempts = (
        Attempt.objects.filter(user=person)
        .select_related("exam", "outline", "domain", "scratchpad")
        .prefetch_related(
            Prefetch("items", items),
            Prefetch("items__events", events),
            Prefetch("domain_results", results),
            "remedies",
            "contacts",
            "earlier_results",
        )
        .order_by("started_at", "pk")
    )
    domains = Domain.objects.in_bulk()
    return [_attempt(attempt, domains) for attempt in attempts]


def _attempt(attempt: Attempt, domains: Mapping[int, Domain]) -> AttemptRecord:
    opened = attempt.report_opened_at is not None
    told = opened and shows_key(attempt.status)
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
        "result": _result(vars(attempt)) if told else None,
        "domains": [_domain(result) for result in attempt.domain_results.all()] if told else [],
        "items": [_item(item, attempt) for item in attempt.items.all()],
        "navigation": attempt.navigation,
        "strict": attempt.strict,
        "departures": attempt.departures,
        "away_ms": attempt.away_ms,
        "report_opened_at": attempt.report_opened_at,
        "notes": _notes(attempt),
        "remedies": [_remedy(remedy) for remedy in attempt.remedies.all()],
        "contacts": [
            {"device": str(contact.device), "at": contact.at} for contact in attempt.contacts.all()
        ],
        "earlier_results": (
            [_earlier(result, domains) for result in attempt.earlier_results.all()]
            if opened
            else []
        ),
    }


def _notes(attempt: Attempt) -> str:
    try:
        return attempt.scratchpad.text
    except ObjectDoesNotExist:
        return ""


def _remedy(remedy: Remedy) -> RemedyRecord:
    return {
        "at": remedy.at,
        "kind": remedy.kind,
        "reason": remedy.reason,
        "deadline_before": remedy.deadline_before,
        "deadline_after": remedy.deadline_after,
    }


def _earlier(result: EarlierResult, domains: Mapping[int, Domain]) -> EarlierRecord:
    rows = [DomainResult(**row) for row in result.figures["domains"]]
    for row in rows:
        row.domain = domains[row.domain_id]
    return {
        "scored_at": result.scored_at,
        "replaced_at": result.replaced_at,
        "reason": result.reason,
        "result": _result(result.figures),
        "domains": [_domain(row) for row in rows],
    }


def _result(columns: Mapping[str, Any]) -> ResultRecord:
    """From the attempt's columns, or as they were kept when a result was replaced."""
    return {
        "answered": columns["answered_count"],
        "correct": columns["correct_count"],
        "first_exposures": columns["first_count"],
        "first_exposures_correct": columns["first_correct"],
        "share_low": columns["share_low"],
        "share_high": columns["share_high"],
        "pass_share": columns["pass_share"],
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
    readable = _readable(item, attempt)
    marking = _marking(item)
    return {
        "position": item.position,
        "question": item.version.question.key if may_see_key(attempt, item) else None,
        "version": item.version.number,
        "domain": item.domain.number,
        "stem": item.version.stem if readable else None,
        "chosen": item.choice.text if item.choice and readable else None,
        "correct": _correct(item, attempt),
        "flagged": item.flagged,
        "first_exposure": item.first_exposure,
        "seen_at": item.seen_at,
        "answered_at": item.answered_at,
        "visible_ms": item.visible_ms,
        "answers": [
            {
                "at": event.at,
                "revision": event.revision,
                "chosen": event.choice.text if readable else None,
                "chosen_at": event.chosen_at,
                "late": event.late,
            }
            for event in item.events.all()
        ],
        "not_counted": _not_counted(item, readable),
        "struck": [LETTERS[item.choice_order.index(pk)] for pk in marking.struck],
        "highlights": marking.highlights,
    }


def _readable(item: AttemptItem, attempt: Attempt) -> bool:
    """Whether its person may open this question. Until the report has been opened, staff may let
    them go on with an exam that is over, so its end alone shows nothing more."""
    if attempt.navigation != Exam.Navigation.FORWARD or attempt.report_opened_at is not None:
        return True
    if attempt.status is State.VOID:
        return item.seen_at is not None  # one they never came to is still unseen
    return may_open(attempt, item.position)


def _marking(item: AttemptItem) -> Marking:
    try:
        return item.marking
    except ObjectDoesNotExist:
        return Marking()


def _not_counted(item: AttemptItem, readable: bool) -> NotCountedRecord | None:
    try:
        refused: NotCounted = item.not_counted
    except ObjectDoesNotExist:
        return None
    return {
        "at": refused.at,
        "chosen": refused.choice.text if readable else None,
        "chosen_at": refused.chosen_at,
        "reason": refused.reason,
    }


def _correct(item: AttemptItem, attempt: Attempt) -> bool | None:
    if not may_see_key(attempt, item):
        return None
    if item.is_correct is not None:
        return item.is_correct
    return item.choice is not None and item.choice.is_correct  # answered, not scored yet
