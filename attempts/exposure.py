"""How often each question has been shown: counted now and then, read at every start."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, Q

from attempts.models import AttemptItem, Exposure

# What a person has met: a question they opened, and every question of an attempt that was closed,
# for its review shows them all. One on a form discarded before they came to it is still unseen.
MET = Q(seen_at__isnull=False) | Q(attempt__closed_at__isnull=False)


def refresh_exposures() -> int:
    """Count anew for all questions; returns how many have been shown."""
    counts = (
        AttemptItem.objects.filter(MET)
        .values_list("version__question_id")
        .annotate(count=Count("pk"))
        .order_by("version__question_id")
    )
    with transaction.atomic():
        rows = [Exposure(question_id=question, count=count) for question, count in counts]
        Exposure.objects.exclude(pk__in=[row.pk for row in rows]).delete()
        Exposure.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["question"], update_fields=["count"]
        )
    return len(rows)
