"""Adds up what members answered. Reads only, and too much for a request: Celery calls it.

Only first exposures that were answered count, in attempts that are scored.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db.models import Avg, Count, F, FloatField, Max, Q, QuerySet
from django.db.models.functions import Cast

from attempts.models import Attempt, AttemptItem
from attempts.psychometrics.mastery import DomainCount, domain_mastery
from attempts.results import cut_of, people_mean
from attempts.states import State
from cohorts.charts import latest_mondays, monday_of
from cohorts.figures import Activity, DomainFigure, QuestionFigure
from domains.models import Outline
from questions.models import QuestionVersion

EXAMS: Final = 12
QUESTIONS: Final = 10

_UNANSWERED: Final[dict[str, Any]] = {"people": 0, "n": 0, "correct": 0, "target": None}


def answered(people: Collection[int]) -> dict[int, tuple[int, datetime]]:
    """user -> (how many answers count, when the last of them was scored)."""
    rows = (
        _counted(people)
        .values("attempt__user")
        .annotate(n=Count("pk"), last=Max("attempt__scored_at"))
    )
    return {row["attempt__user"]: (row["n"], row["last"]) for row in rows}


def domain_figures(
    people: Collection[int], outline: Outline, fewest: int
) -> tuple[DomainFigure, ...]:
    """The group as one person who gave all these answers, placed by the given outline.

    A domain that fewer than `fewest` people have met counts as unanswered: what is said of it, and
    what it lends to the others, would be about those few. The interval says how well these answers
    pin down this group's share; it does not say how much the members differ.
    """
    where = "version__question__placements"
    rows = {
        row["placed_in"]: row
        for row in _counted(people)
        .filter(**{f"{where}__outline": outline})
        .values(placed_in=F(f"{where}__objective__domain"))
        .annotate(
            people=Count("attempt__user", distinct=True),
            n=Count("pk"),
            correct=Count("pk", filter=Q(is_correct=True)),
            target=Avg(Cast("version__difficulty", FloatField())),
        )
        .filter(people__gte=fewest)
    }
    if not rows:
        return ()
    counts = []
    for domain in outline.domains.all():
        row = rows.get(domain.pk, _UNANSWERED)
        counts.append(
            DomainCount(domain.pk, row["correct"], row["n"], row["target"], domain.weight / 100)
        )
    answers = sum(count.n for count in counts)
    judged = sum(row["target"] * row["n"] for row in rows.values()) / answers
    cut = cut_of(outline, otherwise=judged)
    mean = people_mean()
    results = domain_mastery(counts, group_rate=cut if mean is None else mean, fallback_target=cut)
    return tuple(
        DomainFigure(
            domain=result.key,
            people=rows.get(result.key, _UNANSWERED)["people"],
            n=result.n,
            correct=result.correct,
            target=result.target,
            estimate=result.estimate,
            low=result.low,
            high=result.high,
            band=result.band.value,
            study_first=result.study_first,
        )
        for result in results
    )


def question_figures(people: Collection[int], fewest: int) -> tuple[QuestionFigure, ...]:
    """The published questions missed most, of those at least `fewest` people have answered."""
    rows = (
        _counted(people)
        .filter(version__status=QuestionVersion.Status.PUBLISHED)
        .values("version")
        .annotate(
            people=Count("attempt__user", distinct=True),
            n=Count("pk"),
            correct=Count("pk", filter=Q(is_correct=True)),
        )
        .filter(people__gte=fewest, correct__lt=F("n"))
        .annotate(share=Cast("correct", FloatField()) / F("n"))
        .order_by("share", "-n", "version")[:QUESTIONS]
    )
    return tuple(
        QuestionFigure(row["version"], row["people"], row["n"], row["correct"]) for row in rows
    )


def activity(people: Collection[int], now: datetime) -> dict[int, Activity]:
    """user -> finished exams; people who have none are not in it."""
    exams: defaultdict[int, list[tuple[datetime, float]]] = defaultdict(list)
    rows = (
        Attempt.objects.filter(user__in=people, state=State.SCORED)
        .order_by("closed_at")
        .values_list("user", "closed_at", Cast("correct_count", FloatField()) / F("item_count"))
    )
    for user, closed_at, share in rows:
        exams[user].append((closed_at, share))
    shown = set(latest_mondays(now))
    return {
        user: Activity(
            exams=len(sat),
            last=sat[-1][0],
            weeks=Counter(monday for at, _ in sat if (monday := monday_of(at)) in shown),
            shares=tuple(share for _, share in sat[-EXAMS:]),
        )
        for user, sat in exams.items()
    }


def _counted(people: Collection[int]) -> QuerySet[AttemptItem]:
    return AttemptItem.objects.filter(
        attempt__user__in=people,
        attempt__state=State.SCORED,
        first_exposure=True,
        choice__isnull=False,
    ).order_by()
