"""Keeps CohortReport up to date: which groups are due, and what may replace what is shown.

The only writer of a report's figures; cohorts.services only marks it stale.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from attempts.access import results_to_see
from attempts.models import Attempt
from cohorts import answers, disclosure
from cohorts.disclosure import Source
from cohorts.figures import DomainFigure, Figure, QuestionFigure, Release, Sources
from cohorts.models import Cohort, CohortReport, Membership
from domains.models import Outline

# An attempt is stamped before its transaction commits, so one scored "before" the last look may
# become visible after it. Well above the time limit of a task.
_COMMIT_LAG: Final = timedelta(minutes=2)
# Heals what has no trigger: a retired question, another default outline.
_LOOK_ANYWAY_AFTER: Final = timedelta(days=1)

QUESTIONS: Final = 10

_News: TypeAlias = tuple[tuple[Figure, ...], Sources]
"""Figures, and for each that tells anything whose answers are in it."""

logger = logging.getLogger(__name__)


def due_cohorts(now: datetime) -> list[int]:
    """Groups to look at again: consent changed, a result came to be told or was voided, or it is
    time."""
    checked = OuterRef("report__checked_at")
    since = checked - _COMMIT_LAG
    allowance = timedelta(minutes=settings.LATE_ANSWER_MINUTES)
    told = (
        Q(scored_at__gt=since)
        | Q(report_opened_at__gt=since)
        # Late answers were not over then, and are now.
        | Q(closed_at__gte=checked - allowance, closed_at__lt=now - allowance)
    )
    news = Attempt.objects.filter(
        (results_to_see(now) & told) | Q(voided_at__gt=since),
        user__memberships__cohort=OuterRef("pk"),
        user__memberships__role=Membership.Role.MEMBER,
        user__memberships__ended_at__isnull=True,
    )
    due = Cohort.objects.filter(
        Q(report__stale=True) | Q(report__checked_at__lt=now - _LOOK_ANYWAY_AFTER) | Exists(news)
    )
    return list(due.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def refresh_report(cohort_id: int, now: datetime) -> bool:
    """Work out one group's figures again; harmless however often and from however many workers.

    Takes the lock every change of consent takes, so what it writes agrees with what everyone agreed
    to. False if the group is gone, somebody is changing it just now, or no outline is in use: the
    next sweep comes back.
    """
    outline = Outline.objects.filter(is_default=True).first()
    if outline is None:
        logger.warning("No outline is in use: the report of group %s is left as it is.", cohort_id)
        return False
    cohort = (
        Cohort.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=cohort_id).first()
    )
    if cohort is None:
        return False
    report = CohortReport.objects.get(cohort=cohort)
    members = list(cohort.memberships.current().members())
    _publish(report, members, outline, now)
    sharing = {member.user_id: member.pk for member in members if member.shares_results}
    report.activity = {
        str(sharing[user]): activity.to_json()
        for user, activity in answers.activity(sharing, now).items()
    }
    report.checked_at, report.stale = now, False
    report.save()
    return True


def _publish(
    report: CohortReport, members: Sequence[Membership], outline: Outline, now: datetime
) -> None:
    crowd: int = settings.COHORT_MIN_MEMBERS
    pooling = {member.user_id: member for member in members if member.shares_pooled}
    enough = {
        user: (n, last)
        for user, (n, last) in answers.answered(pooling, now).items()
        if n >= settings.COHORT_MIN_ANSWERS
    }
    consenting = [
        Source(pooling[user].pk, f"{n} answers to {last.isoformat()}", pooling[user].shares_results)
        for user, (n, last) in sorted(enough.items())
    ]
    counted = disclosure.pool(consenting, crowd)
    user_of = {member.pk: user for user, member in pooling.items()}
    pool = {user_of[source.member]: source for source in counted}

    pooling_now = {member.pk for member in pooling.values()}
    named_now = {member.pk for member in members if member.shares_results}

    def next_release(
        stored: dict[str, Any] | None,
        kind: type[Figure],
        may_follow: Callable[[Sequence[Source], Sequence[Source], int], bool],
        work_out: Callable[[tuple[Figure, ...], Sources], _News[Figure] | None],
    ) -> dict[str, Any] | None:
        """`work_out` gets the figures that may stay on show, and what the lead has ever seen."""
        shown = None if stored is None else Release.from_json(stored, kind)
        covered = bool(pool and shown and shown.covered(pooling_now, named_now, crowd))
        if pool and may_follow(shown.sources if shown else (), counted, crowd):
            on_show = shown.figures if shown and covered else None
            seen = shown.seen if shown else {}
            news = work_out(on_show or (), seen)
            if news is not None:
                figures, sources = news
                return Release(now, counted, figures, {**seen, **sources}).to_json()
        if shown is None:
            return None
        return stored if covered else replace(shown, figures=None).to_json()

    report.contributors, report.counted = len(consenting), len(counted)
    report.domains = next_release(
        report.domains,
        DomainFigure,
        disclosure.domains_may_follow,
        lambda _, seen: _domains(pool, outline, seen, now),
    )
    report.questions = next_release(
        report.questions,
        QuestionFigure,
        disclosure.may_follow,
        lambda on_show, seen: _questions(pool, on_show, seen, now),
    )


def _domains(
    pool: Mapping[int, Source], outline: Outline, seen: Sources, now: datetime
) -> _News[DomainFigure] | None:
    """None while a single domain has to wait: the others would give it away."""
    crowd: int = settings.COHORT_MIN_MEMBERS
    figures, sources = answers.domain_figures(pool, outline, fewest=crowd, now=now)
    if all(
        disclosure.domains_may_follow(seen[domain], sources[domain], crowd)
        for domain in seen.keys() & sources.keys()
    ):
        return figures, sources
    return None


def _questions(
    pool: Mapping[int, Source], on_show: Sequence[QuestionFigure], seen: Sources, now: datetime
) -> _News[QuestionFigure]:
    """Those missed most. One that has to wait stays as it is on show, or away if it is not."""
    crowd: int = settings.COHORT_MIN_MEMBERS
    figures, sources = answers.question_figures(pool, fewest=crowd, now=now)
    earlier = {figure.version: figure for figure in on_show}
    told: list[tuple[QuestionFigure, tuple[Source, ...]]] = []
    for figure in figures:
        version = figure.version
        if version not in seen or disclosure.may_follow(seen[version], sources[version], crowd):
            told.append((figure, sources[version]))
        elif version in earlier:
            told.append((earlier[version], seen[version]))
    missed = [pair for pair in told if pair[0].correct < pair[0].n]
    missed.sort(key=lambda pair: pair[0].rank)
    top = missed[:QUESTIONS]
    return tuple(figure for figure, _ in top), {figure.key: whose for figure, whose in top}
