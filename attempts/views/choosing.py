"""Choosing an exam, reading its rules, starting it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import PersonRequest, person_required
from accounts.models import User
from attempts import services, shelf
from attempts.assembly import NotEnoughItems, Reserve, ReserveInTheWay
from attempts.blueprint import Outlook, outlook, published_counts, shortfall
from attempts.forms import StartForm
from attempts.models import Attempt, Exam
from attempts.programme import SolverGaveUp
from attempts.states import State
from domains.models import Domain, Outline

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """An exam as the choosing page shows it. missing: domain -> items the bank is short by."""

    exam: Exam
    missing: list[tuple[Domain, int]]

    @property
    def total_missing(self) -> int:
        return sum(count for _, count in self.missing)


def _chosen_outline(request: PersonRequest) -> Outline:
    key = request.POST.get("outline") or request.GET.get("outline")
    return get_object_or_404(Outline, key=key) if key else Outline.objects.default()


def _offer(exam: Exam, outline: Outline, domains: list[Domain], counts: dict[int, int]) -> Offer:
    by_number = {domain.number: domain for domain in domains}
    if exam.is_drill:
        # Each domain is a drill of its own; the ones too small for it say so.
        short = {
            number: exam.item_count - counts[number]
            for number in by_number
            if counts[number] < exam.item_count
        }
    else:
        short = shortfall(exam, outline, None, counts)
    return Offer(exam, [(by_number[number], count) for number, count in sorted(short.items())])


@never_cache
@person_required
@require_safe
def exam_list(request: PersonRequest) -> HttpResponse:
    outline = _chosen_outline(request)
    prefetch_related_objects([outline], "domains")  # each exam's quotas ask for them
    domains = list(outline.domains.all())
    counts = published_counts(outline)
    offers = [
        _offer(exam, outline, domains, counts) for exam in Exam.objects.filter(is_offered=True)
    ]
    context = {
        "outline": outline,
        "outlines": Outline.objects.all(),
        "offers": offers,
        "domains": domains,
        "published": sum(counts.values()),
        "open_attempt": _open_attempt(request),
    }
    return render(request, "attempts/exams.html", context)


def _open_attempt(request: PersonRequest) -> Attempt | None:
    attempt = services.open_attempt_of(request.user)
    if attempt is not None and services.close_if_due(attempt, timezone.now()):
        return None
    return attempt


@never_cache
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: PersonRequest, key: str) -> HttpResponse:
    """GET: the rules of this exam, before any clock runs. POST: start it."""
    exam = get_object_or_404(Exam, key=key, is_offered=True)
    outline = _chosen_outline(request)
    domain = _chosen_domain(request, exam, outline)
    if exam.is_drill and domain is None:
        return redirect("exam-list")
    if request.method != "POST":
        form = StartForm(initial={"strict": request.GET.get("strict") == "on"})
        return _show_rules(request, exam, outline, domain, form)
    form = StartForm(request.POST)
    if _asks_for_terms(exam) and not form.is_valid():
        form.fields["agree"].widget.attrs["autofocus"] = True
        return _show_rules(request, exam, outline, domain, form)
    strict = _asks_for_terms(exam) and form.cleaned_data["strict"]
    return _start(request, exam, outline, domain, strict=strict)


def _asks_for_terms(exam: Exam) -> bool:
    """A drill is one press away: it explains as it goes, so it rehearses nothing."""
    return exam.feedback == Exam.Feedback.AT_END


def _show_rules(
    request: PersonRequest, exam: Exam, outline: Outline, domain: Domain | None, form: StartForm
) -> HttpResponse:
    allowed = services.time_allowed(exam, request.user)
    expected = _outlook(request.user, exam, outline, domain)
    mine = Attempt.objects.filter(user=request.user).order_by()
    states = set(mine.values_list("state", flat=True).distinct())
    open_attempt = _open_attempt(request) if State.IN_PROGRESS in states else None
    context = {
        "exam": exam,
        "outline": outline,
        "domain": domain,
        "minutes": allowed // timedelta(minutes=1),
        "seconds": allowed.seconds % 60,
        "outlook": expected,
        "missing": _by_name(outline, expected.missing),
        "open_attempt": open_attempt,
        "form": form if _asks_for_terms(exam) else None,
        "late_minutes": settings.LATE_ANSWER_MINUTES,
        "is_first": not states,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "attempts/rules.html", context, status=status)


def _outlook(user: User, exam: Exam, outline: Outline, domain: Domain | None) -> Outlook:
    if domain is None and shelf.has_form_for(user, exam, outline):
        return Outlook(missing={})  # one that repeats nothing lies ready
    return outlook(user, exam, outline, domain)


def _by_name(outline: Outline, missing: Mapping[int, int]) -> list[tuple[Domain, int]]:
    if not missing:
        return []
    return [
        (domain, missing[domain.number])
        for domain in outline.domains.all()
        if domain.number in missing
    ]


def _chosen_reserve(request: PersonRequest) -> Reserve:
    """What the person answered when the page asked; until they have, it asks."""
    try:
        return Reserve(request.POST.get("reserve", ""))
    except ValueError:
        return Reserve.ASK


def _promised(request: PersonRequest) -> int:
    """The repeats the page spoke of when the person agreed; a page that says nothing promised
    none, and asks again."""
    said = request.POST.get("promised", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 4 else 0


def _chosen_domain(request: PersonRequest, exam: Exam, outline: Outline) -> Domain | None:
    if not exam.is_drill:
        return None
    number = request.POST.get("domain") or request.GET.get("domain") or ""
    if not number:
        return None
    if not number.isascii() or not number.isdigit() or len(number) > 3:
        number = "0"
    return get_object_or_404(Domain, outline=outline, number=int(number))


def _start(
    request: PersonRequest, exam: Exam, outline: Outline, domain: Domain | None, *, strict: bool
) -> HttpResponse:
    try:
        reserve = _chosen_reserve(request)
        attempt, is_new = services.start_attempt(
            request.user,
            exam,
            outline,
            domain=domain,
            reserve=reserve,
            promised=_promised(request) if reserve is Reserve.KEEP else None,
            strict=strict,
            now=timezone.now(),
            seed=secrets.randbits(62),
        )
    except services.AnotherAttemptOpen as other:
        messages.warning(
            request,
            f"Your {other.attempt.exam.title.lower()} is still open. "
            "Finish or discard it before you start another; its clock is running.",
        )
        return redirect("attempt-resume", public_id=other.attempt.public_id)
    except NotEnoughItems as short:
        listed = "; ".join(
            f"{count} in {part.name}" for part, count in _by_name(outline, short.missing)
        )
        messages.error(
            request,
            f"This exam cannot be filled yet. The bank is short of {short.total} "
            f"question{'' if short.total == 1 else 's'}: {listed}. Nothing was started.",
        )
        return redirect("exam-list")
    except ReserveInTheWay:  # not asked yet, or what the page promised is not to be had any more
        query: dict[str, str | int] = {"outline": outline.key}
        if domain:
            query["domain"] = domain.number
        if strict:
            query["strict"] = "on"
        return redirect(f"{reverse('exam-rules', args=(exam.key,))}?{urlencode(query)}")
    except SolverGaveUp:
        logger.error("no form of %s found for user %s in time", exam.key, request.user.pk)
        messages.error(
            request, "The questions could not be drawn in time. Nothing was started; try again."
        )
        return redirect("exam-list")
    if not is_new and (reserve is not Reserve.ASK or strict != attempt.strict):
        messages.info(
            request, "This exam is already under way. It keeps the choice it was started with."
        )
    return redirect("attempt-item", public_id=attempt.public_id, position=1)
