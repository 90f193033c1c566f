"""What a result was before it was replaced: figures of a scored attempt, kept as history."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attempts.models import Attempt, DomainResult, EarlierResult

RESULT_COLUMNS: Final = (
    "answered_count",
    "correct_count",
    "first_count",
    "first_correct",
    "share_low",
    "share_high",
    "pass_share",
    "group_rate",
)
_DOMAIN_COLUMNS: Final = tuple(
    field.attname
    for field in DomainResult._meta.concrete_fields
    if field.attname not in {"id", "attempt_id"}
)


def set_result_aside(locked: Attempt, reason: str, now: datetime) -> None:
    """Move the result of a locked, scored attempt into its history: only what is scored carries a
    result. The attempt itself is the caller's to save, with RESULT_COLUMNS and `scored_at`."""
    figures: dict[str, object] = {name: getattr(locked, name) for name in RESULT_COLUMNS}
    figures["domains"] = list(locked.domain_results.values(*_DOMAIN_COLUMNS))
    assert locked.scored_at is not None  # by the database's own rule for a scored attempt
    EarlierResult.objects.create(
        attempt=locked,
        scored_at=locked.scored_at,
        replaced_at=now,
        reason=reason,
        figures=figures,
    )
    locked.domain_results.all().delete()
    locked.items.filter(is_correct__isnull=False).update(is_correct=None)
    for name in RESULT_COLUMNS:
        setattr(locked, name, None)
    locked.scored_at = None
