"""Celery's part: one sweep from beat, one task a group. See refresh.py for what they do."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from cohorts import refresh


@shared_task(name="cohorts.refresh_stale_reports")
def refresh_stale_reports() -> None:
    for cohort_id in refresh.due_cohorts(timezone.now()):
        refresh_report.delay(cohort_id)


@shared_task(name="cohorts.refresh_report")
def refresh_report(cohort_id: int) -> None:
    refresh.refresh_report(cohort_id, timezone.now())
