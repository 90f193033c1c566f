"""The first page: for strangers what this is, for a person what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from attempts.access import may_see_result, standings_to_see
from attempts.models import Attempt, DomainResult, Exam
from attempts.psychometrics.mastery import FEWEST_ANSWERS
from attempts.readings import minutes_left
from attempts.services import close_if_due, open_attempt_of
from attempts.states import State
from cohorts.models import Membership

RECENT: Final = 3
REAL_EXAM_ITEMS: Final = 125
SCALE: Final = 1000  # expected gain is kept in points of it


@dataclass(frozen=True, slots=True)
class Open:
    public_id: UUID
    title: str
    position: int
    items: int
    left: str
    """How long there is, in words."""
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a scored attempt; all but `correct` in percent."""

    correct: int
    rate: int
    low: int
    high: int
    pass_mark: int | None
    """None for a drill, which is practice."""


@dataclass(frozen=True, slots=True)
class Recent:
    public_id: UUID
    title: str
    started_at: datetime
    items: int
    is_scored: bool
    figures: Figures | None
    """None while it is being scored, and while its report alone may tell them."""


@dataclass(frozen=True, slots=True)
class StudyFirst:
    """A domain that may be the weakest; shares in percent."""

    name: str
    answers: int
    low: int
    high: int
    target: int
    questions_to_gain: int
    """More right in the real exam's length, were the domain brought to the goal."""
    drill_url: str


@dataclass(frozen=True, slots=True)
class FirstExam:
    title: str
    items: int
    minutes: int
    url: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    open: Open | None
    recent: list[Recent]
    study_first: list[StudyFirst]
    first_exam: FirstExam | None
    groups: list[Membership]
    days_to_exam: int | None

    @property
    def few_answers(self) -> bool:
        return any(domain.answers < FEWEST_ANSWERS for domain in self.study_first)


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if not isinstance(request.user, User):
        return render(request, "home/landing.html")
    dashboard = dashboard_of(request.user, timezone.now())
    return render(request, "home/home.html", {"dashboard": dashboard})


def dashboard_of(person: User, now: datetime) -> Dashboard:
    """Five reads at most. Closes the open attempt if its time is up, as every view does."""
    attempt = open_attempt_of(person)
    if attempt is not None and close_if_due(attempt, now):
        attempt = None
    recent = _recent(person, now)
    groups = Membership.objects.current().filter(user=person).select_related("cohort")
    return Dashboard(
        open=_open(attempt, now) if attempt else None,
        recent=recent,
        study_first=_study_first(person, now),
        first_exam=None if attempt or recent else _first_exam(person),
        groups=list(groups.order_by("cohort__name")),
        days_to_exam=person.days_to_exam(timezone.localdate(now)),
    )


def _open(attempt: Attempt, now: datetime) -> Open:
    return Open(
        public_id=attempt.public_id,
        title=_title(attempt),
        position=attempt.last_position,
        items=attempt.item_count,
        left=minutes_left(attempt.deadline - now),
        ends_at=attempt.deadline,
    )


def _recent(person: User, now: datetime) -> list[Recent]:
    """The newest that are over, scored or still waiting for it."""
    attempts = (
        Attempt.objects.filter(user=person, state__in=[State.CLOSED, State.SCORED])
        .select_related("exam", "domain")
        .order_by("-started_at")
    )
    return [
        Recent(
            public_id=attempt.public_id,
            title=_title(attempt),
            started_at=attempt.started_at,
            items=attempt.item_count,
            is_scored=attempt.status is State.SCORED,
            figures=_figures(attempt) if may_see_result(attempt, now) else None,
        )
        for attempt in attempts[:RECENT]
    ]


def _figures(attempt: Attempt) -> Figures:
    correct, low, high = attempt.correct_count, attempt.share_low, attempt.share_high
    pass_mark = attempt.pass_share
    assert correct is not None
    assert low is not None
    assert high is not None
    assert pass_mark is not None
    return Figures(
        correct=correct,
        rate=_percent(correct / attempt.item_count),
        low=_percent(low),
        high=_percent(high),
        pass_mark=None if attempt.exam.is_drill else _percent(pass_mark),
    )


def _study_first(person: User, now: datetime) -> list[StudyFirst]:
    """From the newest scored attempt, which counts everything up to it; greatest gain first, as in
    its report. Empty while no domain has enough answers for anything to be said."""
    newest = Attempt.objects.filter(standings_to_see(now), user=person).order_by("-started_at")
    results = (
        DomainResult.objects.filter(
            attempt=newest.values("pk")[:1],
            scope=DomainResult.Scope.TO_DATE,
        )
        .select_related("domain__outline")
        .order_by("-expected_gain", "domain__number")
    )
    if all(result.band == DomainResult.Band.TOO_FEW for result in results):
        return []
    drill = reverse("exam-rules", kwargs={"key": "drill"})
    return [
        StudyFirst(
            name=result.domain.name,
            answers=result.n,
            low=_percent(result.low),
            high=_percent(result.high),
            target=_percent(result.target),
            questions_to_gain=round(result.expected_gain * REAL_EXAM_ITEMS / SCALE),
            drill_url=f"{drill}?"
            + urlencode({"outline": result.domain.outline.key, "domain": result.domain.number}),
        )
        for result in results
        if result.study_first
    ]


def _first_exam(person: User) -> FirstExam | None:
    """A short one over all domains; None if the operator has withdrawn it."""
    exam = Exam.objects.filter(kind=Exam.Kind.QUICK, is_offered=True).first()
    if exam is None:
        return None
    return FirstExam(
        title=exam.title,
        items=exam.item_count,
        minutes=round(exam.minutes * (100 + person.extra_time_percent) / 100),
        url=reverse("exam-rules", kwargs={"key": exam.key}),
    )


def _title(attempt: Attempt) -> str:
    return f"{attempt.exam}: {attempt.domain.name}" if attempt.domain else str(attempt.exam)


def _percent(share: float) -> int:
    return round(100 * share)
