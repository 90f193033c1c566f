"""The rows with a name. They go by what each member agrees to at the moment of reading."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from attempts.access import standings_to_see
from attempts.models import Attempt, DomainResult
from cohorts.charts import Spark
from cohorts.figures import Activity
from cohorts.models import CohortReport, Membership
from cohorts.readings import Reading, percent
from domains.models import Domain, Outline

AWAY_AFTER: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Overall:
    """One member's first answers in all domains together, as plain marks."""

    correct: int
    n: int

    @property
    def percent(self) -> int:
        return percent(self.correct / self.n)


@dataclass(frozen=True, slots=True)
class Row:
    """One member. Without consent there is a name and a date, and everything else is empty."""

    membership: Membership
    cells: tuple[Reading | None, ...]
    """One for each domain of the outline; None where there is no result."""
    overall: Overall | None
    activity: Activity | None
    last: datetime | None
    days_away: int | None

    @property
    def name(self) -> str:
        return self.membership.user.display_name

    @property
    def shares(self) -> bool:
        return self.membership.shares_results

    @property
    def is_away(self) -> bool:
        return self.days_away is not None and self.days_away >= AWAY_AFTER.days

    @property
    def spark(self) -> Spark | None:
        return Spark.of(self.activity.shares) if self.activity else None

    @property
    def trend(self) -> str:
        """The sparkline in words."""
        shares = self.activity.shares if self.activity else ()
        return "Latest exams: " + ", ".join(f"{percent(share)} %" for share in shares)


def rows_of(
    members: Sequence[Membership],
    report: CohortReport,
    outline: Outline,
    domains: Sequence[Domain],
    now: datetime,
) -> list[Row]:
    """A row for every member, filled for those who share. Two queries."""
    latest = _latest_attempts([m.user_id for m in members if m.shares_results], outline, now)
    results = _results_to_date([attempt.pk for attempt in latest.values()])
    rows = []
    for member in members:
        if not member.shares_results:
            rows.append(Row(member, (None,) * len(domains), None, None, None, None))
            continue
        attempt = latest.get(member.user_id)
        by_domain = results.get(attempt.pk, {}) if attempt else {}
        stored = report.activity.get(str(member.pk))
        activity = Activity.from_json(stored) if stored else None
        # The attempt may be newer than Celery's last look, and the activity knows all outlines.
        seen = [activity.last if activity else None, attempt.closed_at if attempt else None]
        last = max((at for at in seen if at is not None), default=None)
        rows.append(
            Row(
                membership=member,
                cells=tuple(
                    Reading.of(by_domain[domain.pk]) if domain.pk in by_domain else None
                    for domain in domains
                ),
                overall=_overall(by_domain.values()),
                activity=activity,
                last=last,
                days_away=_days_between(last, now) if last else None,
            )
        )
    return rows


def _latest_attempts(users: Collection[int], outline: Outline, now: datetime) -> dict[int, Attempt]:
    """Of those whose standing may be told by now; the lead learns of none before its person."""
    attempts = (
        Attempt.objects.filter(standings_to_see(now), user__in=users, outline=outline)
        .order_by("user", "-closed_at")
        .distinct("user")
    )
    return {attempt.user_id: attempt for attempt in attempts}


def _results_to_date(attempts: Collection[int]) -> dict[int, dict[int, DomainResult]]:
    """attempt -> domain -> what was known of its person after it."""
    found: dict[int, dict[int, DomainResult]] = {}
    to_date = DomainResult.objects.filter(
        attempt__in=attempts, scope=DomainResult.Scope.TO_DATE
    ).order_by()
    for result in to_date:
        found.setdefault(result.attempt_id, {})[result.domain_id] = result
    return found


def _overall(results: Collection[DomainResult]) -> Overall | None:
    n = sum(result.n for result in results)
    return Overall(sum(result.correct for result in results), n) if n else None


def _days_between(then: datetime, now: datetime) -> int:
    """Calendar days in the reader's time zone: an exam of last night was yesterday."""
    return (timezone.localdate(now) - timezone.localdate(then)).days
