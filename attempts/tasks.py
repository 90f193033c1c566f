"""Thin Celery tasks: they take ids, and the services do the work."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from attempts import services, shelf
from attempts.exposure import refresh_exposures
from attempts.results import score_attempt as score


@shared_task(
    name="attempts.score_attempt",
    autoretry_for=(Exception,),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=5,
)
def score_attempt(pk: int) -> None:
    """Score one closed attempt. Safe to run any number of times; what still fails after the
    retries stays closed and the sweep asks again."""
    score(pk, timezone.now())


@shared_task(name="attempts.close_due_attempts")
def close_due_attempts() -> None:
    """Beat's sweep: close what ran out unattended, and queue again what was never scored."""
    now = timezone.now()
    services.requeue_lost_scoring(now)  # first: what is closed below is queued by its own commit
    services.close_all_due(now)


@shared_task(name="attempts.refresh_exposures")
def count_exposures() -> None:
    """Beat's hourly count of how often each question was shown; the assembler prefers the rarer."""
    refresh_exposures()


@shared_task(name="attempts.restock_forms")
def restock_forms() -> None:
    """Beat's look at the forms drawn ahead. One at a time: in a surge the processor has better to
    do, and what is there serves again."""
    shelf.restock(timezone.now())
