"""Adds up what members answered. Reads only, and too much for a request: Celery calls it.

Only first exposures that were answered count, in attempts whose result may be told by now
(attempts/access.py): until then a late answer may move a sum, and whoever watches it move can find
a key.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from django.db.models import Count, F, FloatField, Max, Q, QuerySet, Sum
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

from attempts.access import results_to_see
from attempts.models import Attempt, AttemptItem
from attempts.psychometrics.mastery import DomainCount, domain_mastery
from attempts.results import cut_of, people_mean
from cohorts.charts import latest_mondays, monday_of
from cohorts.disclosure import Source, is_crowd
from cohorts.figures import Activity, DomainFigure, QuestionFigure, Sources
from domains.models import Outline
from questions.models import QuestionVersion

EXAMS: Final = 12


def answered(people: Collection[int], now: datetime) -> dict[int, tuple[int, datetime]]:
    """user -> (how many answers count, when the last of them was scored)."""
    rows = (
        _counted(people, now)
        .values("attempt__user")
        .annotate(n=Count("pk"), last=Max("attempt__scored_at"))
    )
    return {row["attempt__user"]: (row["n"], row["last"]) for row in rows}


def domain_figures(
    pool: Mapping[int, Source], outline: Outline, fewest: int, now: datetime
) -> tuple[tuple[DomainFigure, ...], Sources]:
    """The group as one person who gave all these answers, placed by the given outline.

    pool: user -> their part in the whole. Only domains that are told have sources: one that no
    crowd of at least `fewest` has met counts as unanswered, for what is said of it, and what it
    lends to the others, would be about those few. The interval says how well these answers pin
    down this group's share; it does not say how much the members differ.
    """
    where = "version__question__placements"
    placed = _counted(pool, now).filter(**{f"{where}__outline": outline})
    tallies = _tallies(placed, f"{where}__objective__domain", pool, fewest)
    if not tallies:
        return (), {}
    counts = []
    for domain in outline.domains.all():
        weight = domain.weight / 100
        tally = tallies.get(domain.pk)
        counts.append(
            DomainCount(domain.pk, tally.correct, tally.n, tally.judged / tally.n, weight)
            if tally
            else DomainCount(domain.pk, correct=0, n=0, target=None, weight=weight)
        )
    answers = sum(tally.n for tally in tallies.values())
    judged = sum(tally.judged for tally in tallies.values()) / answers
    cut = cut_of(outline, otherwise=judged)
    mean = people_mean()
    results = domain_mastery(counts, group_rate=cut if mean is None else mean, fallback_target=cut)
    sources = {domain: tuple(tally.sources) for domain, tally in tallies.items()}
    figures = tuple(
        DomainFigure(
            domain=result.key,
            people=len(sources.get(result.key, ())),
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
    return figures, sources


def question_figures(
    pool: Mapping[int, Source], fewest: int, now: datetime
) -> tuple[tuple[QuestionFigure, ...], Sources]:
    """All published questions that a crowd of at least `fewest` has answered, in no order."""
    published = _counted(pool, now).filter(version__status=QuestionVersion.Status.PUBLISHED)
    tallies = _tallies(published, "version", pool, fewest)
    figures = tuple(
        QuestionFigure(version, len(tally.sources), tally.n, tally.correct)
        for version, tally in tallies.items()
    )
    return figures, {version: tuple(tally.sources) for version, tally in tallies.items()}


def activity(people: Collection[int], now: datetime) -> dict[int, Activity]:
    """user -> finished exams whose results may be told; people who have none are not in it."""
    exams: defaultdict[int, list[tuple[datetime, float]]] = defaultdict(list)
    rows = (
        Attempt.objects.filter(results_to_see(now), user__in=people)
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


def _counted(people: Collection[int], now: datetime) -> QuerySet[AttemptItem]:
    return AttemptItem.objects.filter(
        attempt__in=Attempt.objects.filter(results_to_see(now), user__in=people).order_by(),
        first_exposure=True,
        choice__isnull=False,
    ).order_by()


@dataclass(slots=True)
class _Tally:
    """A crowd's answers in one domain, or to one question."""

    n: int = 0
    correct: int = 0
    judged: float = 0.0
    """Sum of the judged difficulties."""
    sources: list[Source] = field(default_factory=list)


def _tallies(
    answers: QuerySet[AttemptItem], key: str, pool: Mapping[int, Source], fewest: int
) -> dict[int, _Tally]:
    """By whatever `key` leads to; without those that are not about a crowd of `fewest`."""
    tallies: defaultdict[int, _Tally] = defaultdict(_Tally)
    rows = answers.values("attempt__user", key=F(key)).annotate(
        n=Count("pk"),
        correct=Count("pk", filter=Q(is_correct=True)),
        judged=Sum(Cast("version__difficulty", FloatField())),
    )
    for row in rows.order_by("attempt__user"):
        tally = tallies[row["key"]]
        tally.n += row["n"]
        tally.correct += row["correct"]
        tally.judged += row["judged"]
        source = pool[row["attempt__user"]]
        tally.sources.append(
            replace(source, version=_seal(source.member, row["key"], row["n"], row["correct"]))
        )
    return {key: tally for key, tally in tallies.items() if is_crowd(tally.sources, fewest)}


def _seal(member: int, key: int, n: int, correct: int) -> str:
    """Tells whether a member's part in a sum has changed; the part cannot be read from it.

    It outlives the member's consent, so it must not hold their marks. A time would not do: scoring
    again moves it without changing a mark.
    """
    return salted_hmac("cohorts.answers", f"{member} {key} {n} {correct}").hexdigest()[:16]
