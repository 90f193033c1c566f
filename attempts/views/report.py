"""The report of one attempt, and the wait for it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from accounts.access import PersonRequest, person_required
from attempts import services
from attempts.access import attempt_of
from attempts.earlier import RESULT_COLUMNS
from attempts.models import Attempt
from attempts.psychometrics.mastery import FEWEST_ANSWERS, GOAL, IMAGINARY_ITEMS
from attempts.readings import percent
from attempts.reports import REAL_EXAM_ITEMS, report_of
from attempts.review import Show, neighbours_of, reasons_of, review_of
from attempts.review_lines import folded_list
from attempts.states import State, shows_key

# Seconds before each look, and before all later ones. When thousands end at once and scoring falls
# behind, those who wait must not be what it waits for.
PAUSES: Final = (1, 1, 2, 3, 4, 5, 6, 8, 10)
SELDOM: Final = 15
SLOW_AFTER: Final = 5  # looks, eleven seconds, before we say that scoring waits
_SETTLED: Final = (
    *("state", "closed_at", "close_reason", "report_opened_at", "scored_at"),
    *RESULT_COLUMNS,
)
_MOST_LOOKS: Final = 1000  # the count travels in the address; more digits are nobody's honest ones


@never_cache
@person_required
@require_safe
def report(request: PersonRequest, public_id: UUID) -> HttpResponse:
    attempt = _settled(request, public_id, "exam", "outline", "domain")
    if shows_key(attempt.status) and attempt.report_opened_at is None:
        if request.method == "HEAD":
            return HttpResponse()  # it opens nothing, and a length would tell of the figures
        services.open_report(attempt, timezone.now())
        attempt.refresh_from_db(fields=_SETTLED)  # with its result as it stands from now on
    if attempt.status is State.IN_PROGRESS:
        return redirect("attempt-resume", public_id=public_id)
    if attempt.status is State.VOID:
        messages.info(request, f"That {attempt.exam.title.lower()} is void, so it has no report.")
        return redirect("attempt-list")
    figures = report_of(attempt)
    if figures is None:
        return render(request, "attempts/report_pending.html", _waiting(attempt, looks=0))
    review = review_of(
        attempt,
        _show(request),
        unfolded=request.GET.get("open") == "all",
    )
    context = {
        "attempt": attempt,
        "report": figures,
        "review": review,
        "folded": "" if review.unfolded else folded_list(review, request.path),
        "real_exam_items": REAL_EXAM_ITEMS,
        "goal": percent(GOAL),
        "fewest": FEWEST_ANSWERS,
        "imaginary": IMAGINARY_ITEMS,
        "minutes_used": _minutes(attempt.started_at, attempt.closed_at),
        "minutes_given": _minutes(attempt.started_at, attempt.deadline),
    }
    return render(request, "attempts/report.html", context)


@never_cache
@person_required
@require_safe
def question(request: PersonRequest, public_id: UUID, position: int) -> HttpResponse:
    """One question with its reasons: alone for the list that opens it, otherwise a page."""
    attempt = attempt_of(request.user, public_id, "exam", "outline", "domain")
    if not shows_key(attempt.status) or attempt.report_opened_at is None:
        # Opening the report ends the time for late answers; that is done there, and nowhere else.
        there = reverse("attempt-report", args=(public_id,))
        return HttpResponseClientRedirect(there) if request.htmx else redirect(there)
    reasons = reasons_of(attempt, position)
    if reasons is None:
        raise Http404
    if request.htmx:
        return render(request, "attempts/_report_reasons.html", {"reasons": reasons})
    show = _show(request)
    previous, following = neighbours_of(attempt, position, show)
    context = {
        "attempt": attempt,
        "item": reasons.item,
        "reasons": reasons,
        "previous": previous,
        "next": following,
        "query": show.query,
    }
    return render(request, "attempts/report_question.html", context)


@never_cache
@person_required
@require_safe
def status(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """What the waiting page asks again and again; once there is something to see, it reloads."""
    attempt = _settled(request, public_id)
    if not request.htmx:
        return redirect("attempt-report", public_id=public_id)
    if attempt.status is not State.CLOSED:
        return HttpResponseClientRefresh()
    return render(
        request, "attempts/_report_status.html", _waiting(attempt, looks=_looks(request) + 1)
    )


def _settled(request: PersonRequest, public_id: UUID, *along: str) -> Attempt:
    """The person's attempt, closed if its time is up."""
    attempt = attempt_of(request.user, public_id, *along)
    if services.close_if_due(attempt, timezone.now()):
        # Somebody else may have closed it, and it may be scored by now: read its results too.
        attempt.refresh_from_db(fields=_SETTLED)
    return attempt


def _waiting(attempt: Attempt, *, looks: int) -> dict[str, object]:
    return {
        "attempt": attempt,
        "looks": looks,
        "seconds": PAUSES[looks] if looks < len(PAUSES) else SELDOM,
        "slow": looks >= SLOW_AFTER,
        "newly_slow": looks == SLOW_AFTER,
    }


def _show(request: PersonRequest) -> Show:
    return Show.parse(request.GET.get("show", ""))


def _looks(request: PersonRequest) -> int:
    text = request.GET.get("looks", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        return 0
    return min(int(text), _MOST_LOOKS)


def _minutes(start: datetime, end: datetime | None) -> int:
    """Whole minutes, rounded up and at least one; 0 without an end. Used and given are rounded
    alike, or an exam of 52:30 that ran out of time would have used 53 of 52."""
    if end is None:
        return 0
    return max(1, -(-int((end - start).total_seconds()) // 60))
