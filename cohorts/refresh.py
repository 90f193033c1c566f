"""Keeps CohortReport up to date: which groups are due, and what may replace what is shown.

The only writer of a report's figures; cohorts.services only marks it stale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from cohorts import answers, disclosure
from cohorts.disclosure import Source
from cohorts.figures import DomainFigure, Figure, QuestionFigure, Release
from cohorts.models import Cohort, CohortReport, Membership
from domains.models import Outline

# An attempt is stamped before its transaction commits, so one scored "before" the last look may
# become visible after it. Well above the time limit of a task.
_COMMIT_LAG: Final = timedelta(minutes=2)
# Heals what has no trigger: a retired question, another default outline.
_LOOK_ANYWAY_AFTER: Final = timedelta(days=1)


def due_cohorts(now: datetime) -> list[int]:
    """Groups to look at again: consent changed, an attempt was scored or voided, or it is time."""
    since = OuterRef("report__checked_at") - _COMMIT_LAG
    news = (
        Membership.objects.current()
        .members()
        .filter(
            Q(user__attempts__scored_at__gt=since) | Q(user__attempts__voided_at__gt=since),
            cohort=OuterRef("pk"),
        )
    )
    due = Cohort.objects.filter(
        Q(report__stale=True) | Q(report__checked_at__lt=now - _LOOK_ANYWAY_AFTER) | Exists(news)
    )
    return list(due.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def refresh_report(cohort_id: int, now: datetime) -> bool:
    """Work out one group's figures again; harmless however often and from however many workers.

    Takes the lock every change of consent takes, so what it writes agrees with what everyone agreed
    to. False if the group is gone or somebody is changing it just now: the next sweep comes back.
    """
    cohort = (
        Cohort.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=cohort_id).first()
    )
    if cohort is None:
        return False
    report = CohortReport.objects.get(cohort=cohort)
    members = list(cohort.memberships.current().members())
    _publish(report, members, now)
    sharing = {member.user_id: member.pk for member in members if member.shares_results}
    report.activity = {
        str(sharing[user]): activity.to_json()
        for user, activity in answers.activity(sharing, now).items()
    }
    report.checked_at, report.stale = now, False
    report.save()
    return True


def _publish(report: CohortReport, members: Sequence[Membership], now: datetime) -> None:
    crowd: int = settings.COHORT_MIN_MEMBERS
    pooling = {member.user_id: member for member in members if member.shares_pooled}
    enough = {
        user: (n, last)
        for user, (n, last) in answers.answered(pooling).items()
        if n >= settings.COHORT_MIN_ANSWERS
    }
    consenting = [
        Source(pooling[user].pk, f"{n} answers to {last.isoformat()}", pooling[user].shares_results)
        for user, (n, last) in sorted(enough.items())
    ]
    pool = disclosure.pool(consenting, crowd)
    counted = {source.member for source in pool}
    people = [user for user, member in pooling.items() if member.pk in counted]

    pooling_now = {member.pk for member in pooling.values()}
    named_now = {member.pk for member in members if member.shares_results}

    def next_release(
        stored: dict[str, Any] | None,
        kind: type[Figure],
        may_follow: Callable[[Sequence[Source], Sequence[Source], int], bool],
        work_out: Callable[[], tuple[Figure, ...]],
    ) -> dict[str, Any] | None:
        shown = None if stored is None else Release.from_json(stored, kind)
        if pool and may_follow(shown.sources if shown else (), pool, crowd):
            return Release(now, pool, work_out()).to_json()
        if shown is None:
            return None
        if pool and disclosure.still_covered(shown.sources, pooling_now, named_now, crowd):
            return stored
        return replace(shown, figures=None).to_json()

    report.contributors, report.counted = len(consenting), len(pool)
    report.domains = next_release(
        report.domains,
        DomainFigure,
        disclosure.domains_may_follow,
        lambda: answers.domain_figures(people, Outline.objects.default(), fewest=crowd),
    )
    report.questions = next_release(
        report.questions,
        QuestionFigure,
        disclosure.may_follow,
        lambda: answers.question_figures(people, fewest=crowd),
    )
