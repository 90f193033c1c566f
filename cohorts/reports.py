"""What a lead sees of a group: a pure read, in a number of queries that does not grow with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cohorts.charts import Bar, bars, latest_mondays
from cohorts.models import Cohort, CohortReport
from cohorts.named import Row, rows_of
from cohorts.pooled import Pooled, pooled_of
from cohorts.sorting import Order
from domains.models import Domain, Outline


@dataclass(frozen=True, slots=True)
class Dashboard:
    domains: tuple[Domain, ...]
    order: Order
    rows: tuple[Row, ...]
    weeks: tuple[Bar, ...]
    pooled: Pooled

    @property
    def sharing(self) -> list[Row]:
        return [row for row in self.rows if row.shares]

    @property
    def anyone_sat(self) -> bool:
        return any(row.last for row in self.rows)

    @property
    def away(self) -> list[Row]:
        """Longest first."""
        return sorted(
            (row for row in self.rows if row.is_away), key=lambda row: -(row.days_away or 0)
        )

    @property
    def others_away(self) -> int:
        """Beside the one who has been away longest."""
        return max(0, len(self.away) - 1)

    @property
    def exams(self) -> int:
        return sum(bar.exams for bar in self.weeks)

    @property
    def exams_lately(self) -> int:
        """In the running week and the one before it."""
        return sum(bar.exams for bar in self.weeks[-2:])

    @property
    def lately_since(self) -> date:
        return self.weeks[-2].monday


def dashboard(cohort: Cohort, now: datetime, sort: str = "") -> Dashboard:
    """Everything on the lead's page, in eight queries. `sort` is whatever the address says.

    Outline.DoesNotExist while no outline is in use.
    """
    outline = Outline.objects.default()
    domains = tuple(outline.domains.order_by("number"))
    members = list(cohort.memberships.current().members().select_related("user"))
    report = CohortReport.objects.get(cohort=cohort)
    rows = rows_of(members, report, outline, domains, now)
    mondays = latest_mondays(now)
    exams = [
        sum(row.activity.weeks.get(monday, 0) for row in rows if row.activity) for monday in mondays
    ]
    order = Order.parse(sort, domains)
    return Dashboard(
        domains=domains,
        order=order,
        rows=order.apply(rows, domains),
        weeks=bars(exams, mondays),
        pooled=pooled_of(members, report, outline, domains),
    )
