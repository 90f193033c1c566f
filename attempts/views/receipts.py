"""A person's own log of an attempt: what reached us, and when."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import PersonRequest, person_required
from attempts import services
from attempts.access import attempt_of
from attempts.models import Attempt
from attempts.readings import departures_sentence
from attempts.receipts import log_of

PER_PAGE: Final = 100


@never_cache
@person_required
@require_safe
def log(request: PersonRequest, public_id: UUID) -> HttpResponse:
    attempt = attempt_of(request.user, public_id, "exam")
    services.close_if_due(attempt, timezone.now())
    record = log_of(attempt, question=asked_question(request.GET.get("question", ""), attempt))
    pages = Paginator(record.entries, PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    left = departures_sentence(attempt.departures, attempt.away_ms)
    context = {
        "attempt": attempt,
        "log": record,
        "page": page,
        "page_numbers": list(pages.get_elided_page_range(page.number)),
        "gap": pages.ELLIPSIS,
        "departures": left if attempt.strict else "",
    }
    return render(request, "attempts/log.html", context)


def asked_question(text: str, attempt: Attempt) -> int | None:
    """The question's number; None for whatever is not one of this attempt's."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        return None
    return int(text) if 1 <= int(text) <= attempt.item_count else None
