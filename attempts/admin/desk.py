"""The pages of one attempt: what there is to see, and the three remedies; and an outage's page.

Each remedy is a page of its own that says what will happen and asks for the reason, and a POST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from attempts import remedies, services
from attempts.admin.forms import MinutesForm, OutageForm, VoidForm
from attempts.models import Attempt, Remedy
from attempts.receipts import log_of
from attempts.states import State

if TYPE_CHECKING:
    from attempts.admin.attempts import AttemptAdmin

_PER_PAGE: Final = 100
_DIGITS: Final = 18  # what fits the database's whole numbers
_NAMED: Final = 10  # people named in a message


def may_remedy(request: HttpRequest) -> bool:
    return request.user.has_perm("attempts.remedy_attempt")


# --- Seeing ---------------------------------------------------------------------------------


def look(desk: AttemptAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Everything about an attempt that helps to help; no key, no result, no strict departure."""
    if not desk.has_view_permission(request) or request.method not in {"GET", "HEAD"}:
        raise PermissionDenied
    if not (object_id.isascii() and object_id.isdecimal() and len(object_id) <= _DIGITS):
        raise Http404
    attempt = _attempt(int(object_id))
    services.close_if_due(attempt, timezone.now())
    asked = request.GET.get("question", "")
    question = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 4 else None
    log = log_of(attempt, question=question, texts=False)
    pages = Paginator(log.entries, _PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "log": log,
        "page": page,
        "page_numbers": list(pages.get_elided_page_range(page.number)),
        "gap": pages.ELLIPSIS,
        "answered": attempt.items.filter(choice__isnull=False).count(),
        "remedies": attempt.remedies.select_related("by").order_by("-at", "-pk"),
        "contacts": attempt.contacts.order_by("-at"),
        "remedies_offered": _offered(attempt) if may_remedy(request) else (),
    }
    return _page(desk, request, "look", str(attempt), {"attempt": attempt, **context})


def _offered(attempt: Attempt) -> tuple[str, ...]:
    """The remedies that make sense now, as the pages are named."""
    match attempt.status:
        case State.IN_PROGRESS:
            return ("extend", "void")
        case State.VOID:
            return ()
        case _:
            return ("reopen", "void") if attempt.report_opened_at is None else ("void",)


# --- One attempt ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Remedy:
    """How one remedy is put to staff."""

    name: str
    title: str
    reading: str
    action: str
    done: str
    form: type[VoidForm]
    apply: Callable[[Attempt, dict[str, Any], User, datetime], Remedy]
    danger: bool = False


_EXTEND: Final = _Remedy(
    name="extend",
    title="Extend this exam",
    reading="Its deadline moves on by as many minutes. The exam room shows the new time at its "
    "next contact; the person’s log gives your reason.",
    action="Extend the exam",
    done="The exam is extended.",
    form=MinutesForm,
    apply=lambda attempt, asked, by, now: remedies.extend(
        attempt, asked["minutes"], asked["reason"], by, now, seen=asked["seen"]
    ),
)
_REOPEN: Final = _Remedy(
    name="reopen",
    title="Reopen this exam",
    reading="The person can go on with it for as many minutes, which count from the moment you "
    "press. Tell them first. Their answers stand; a result that was worked out already is kept "
    "as history, and worked out anew when the exam ends.",
    action="Reopen the exam",
    done="The exam is open again, and its clock is running.",
    form=MinutesForm,
    apply=lambda attempt, asked, by, now: remedies.reopen(
        attempt, asked["minutes"], asked["reason"], by, now, seen=asked["seen"]
    ),
)
_VOID: Final = _Remedy(
    name="void",
    title="Make this attempt void",
    reading="It stays on record and counts nowhere: not in the person’s results, not in their "
    "group’s. Its questions stay among those they have met. This cannot be undone.",
    action="Make it void",
    done="The attempt is void.",
    form=VoidForm,
    apply=lambda attempt, asked, by, now: remedies.void(
        attempt, asked["reason"], by, now, seen=asked["seen"]
    ),
    danger=True,
)


def extend(desk: AttemptAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    return _remedy(desk, request, pk, _EXTEND)


def reopen(desk: AttemptAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    return _remedy(desk, request, pk, _REOPEN)


def void(desk: AttemptAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    return _remedy(desk, request, pk, _VOID)


def _remedy(desk: AttemptAdmin, request: HttpRequest, pk: int, remedy: _Remedy) -> HttpResponse:
    _require_remedies(desk, request)
    attempt = _attempt(pk)
    now = timezone.now()
    if request.method != "POST":
        return _remedy_page(desk, request, attempt, remedy, remedy.form(initial=_seen(attempt)))
    form = remedy.form(request.POST)
    if not form.is_valid():
        return _remedy_page(desk, request, attempt, remedy, form, status=422)
    try:
        remedy.apply(attempt, form.cleaned_data, _staff(request), now)
    except remedies.Refused as refusal:
        again = remedy.form(initial={**form.cleaned_data, **_seen(attempt)})
        return _remedy_page(
            desk, request, _attempt(pk), remedy, again, refusal=str(refusal), status=409
        )
    messages.success(request, remedy.done)
    return HttpResponseRedirect(reverse("admin:attempts_attempt_change", args=[pk]))


def _seen(attempt: Attempt) -> dict[str, int]:
    return {"seen": remedies.newest(attempt.remedies.all())}


def _remedy_page(
    desk: AttemptAdmin,
    request: HttpRequest,
    attempt: Attempt,
    remedy: _Remedy,
    form: VoidForm,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "attempt": attempt,
        "remedy": remedy,
        "form": form,
        "refusal": refusal,
        "remedies": attempt.remedies.select_related("by").order_by("-at", "-pk"),
        "now": timezone.now(),
    }
    return _page(desk, request, "remedy", remedy.title, context, status)


# --- An outage ------------------------------------------------------------------------------


def outage(desk: AttemptAdmin, request: HttpRequest) -> HttpResponse:
    """Extend all running exams: asks, says how many that are, and does it when told so again."""
    _require_remedies(desk, request)
    now = timezone.now()
    if request.method != "POST":
        seen = remedies.newest(Remedy.objects.all())
        return _outage_page(desk, request, OutageForm(initial={"seen": seen}), now)
    form = OutageForm(request.POST)
    if not form.is_valid():
        return _outage_page(desk, request, form, now, status=422)
    asked = form.cleaned_data
    since = asked["closed_since"]
    try:
        if "change" in request.POST:
            return _outage_page(desk, request, form, now)
        if "confirmed" not in request.POST:
            remedies.check_outage(since, now)
            return _outage_page(desk, request, form, now, confirm=True)
        done = remedies.extend_all_running(
            asked["minutes"],
            asked["reason"],
            _staff(request),
            now,
            closed_since=since,
            seen=asked["seen"],
        )
    except remedies.Refused as refusal:
        again = OutageForm(initial={**asked, "seen": remedies.newest(Remedy.objects.all())})
        return _outage_page(desk, request, again, now, refusal=str(refusal), status=409)
    _tell(request, done, asked["minutes"])
    return HttpResponseRedirect(reverse("admin:attempts_attempt_changelist"))


def _tell(request: HttpRequest, done: remedies.Outage, minutes: int) -> None:
    words = f"{_exams(done.extended)} extended by {_count(minutes, 'minute')}."
    if done.reopened:
        words += f" {_exams(done.reopened)} reopened for as long from now."
    messages.success(request, words)
    if done.left_out:
        named = [f"{attempt.user.email}: {why}" for attempt, why in done.left_out[:_NAMED]]
        more = len(done.left_out) - len(named)
        rest = f" And {more} more." if more else ""
        messages.warning(
            request, f"{_count(len(done.left_out), 'exam')} stayed closed. {' '.join(named)}{rest}"
        )


def _exams(count: int) -> str:
    return f"{_count(count, 'exam')} {'was' if count == 1 else 'were'}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _outage_page(
    desk: AttemptAdmin,
    request: HttpRequest,
    form: OutageForm,
    now: datetime,
    *,
    confirm: bool = False,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    since = form.cleaned_data["closed_since"] if confirm else None
    context: dict[str, Any] = {
        "form": form,
        "confirm": confirm,
        "refusal": refusal,
        "running": remedies.running(now).count(),
        "since": since,
        "closed": remedies.closed_by_the_clock(since, now).count() if since else 0,
        "closed_lately": remedies.closed_by_the_clock(now - timedelta(hours=1), now).count(),
    }
    return _page(desk, request, "outage", "Extend all running exams", context, status)


# --- What they share ------------------------------------------------------------------------


def _require_remedies(desk: AttemptAdmin, request: HttpRequest) -> None:
    if not (desk.has_view_permission(request) and may_remedy(request)):
        raise PermissionDenied


def _attempt(pk: int) -> Attempt:
    related = ("user", "exam", "outline", "domain")
    return get_object_or_404(Attempt.objects.select_related(*related), pk=pk)


def _staff(request: HttpRequest) -> User:
    return cast(User, request.user)


def _page(
    desk: AttemptAdmin,
    request: HttpRequest,
    name: str,
    title: str,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    return TemplateResponse(
        request,
        f"admin/attempts/attempt/{name}.html",
        {
            **desk.admin_site.each_context(request),
            "opts": desk.opts,
            "title": title,
            **context,
        },
        status=status,
    )
