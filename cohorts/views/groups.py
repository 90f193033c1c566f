"""A person's groups, and the lead's pages of one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import PersonRequest, person_required
from cohorts import access, services
from cohorts.forms import CohortForm, ConsentForm
from cohorts.models import Cohort, Membership
from cohorts.progress_csv import progress_csv
from cohorts.reports import dashboard
from cohorts.services import INVITE_LIFE
from cohorts.sorting import columns
from domains.models import Outline


@require_safe
@person_required
def group_list(request: PersonRequest) -> HttpResponse:
    of_group = Q(cohort__memberships__ended_at__isnull=True, cohort__memberships__role="member")
    memberships = (
        Membership.objects.current()
        .filter(user=request.user)
        .select_related("cohort")
        .annotate(members=Count("cohort__memberships", filter=of_group))
        .order_by("cohort__name", "pk")
    )
    return render(request, "cohorts/list.html", {"memberships": memberships})


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def create(request: PersonRequest) -> HttpResponse:
    form = CohortForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        cohort = services.create_cohort(request.user, form.cleaned_data["name"], timezone.now())
        messages.success(request, f"{cohort.name} is there. Now invite the people you study with.")
        return redirect("cohort-people", cohort.public_id)
    return render(request, "cohorts/create.html", {"form": form})


@require_safe
@person_required
@never_cache
def detail(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The dashboard for the lead; for a member, what they share."""
    membership = access.membership_of(request.user, public_id)
    if membership.is_lead:
        return _dashboard(request, membership.cohort)
    form = ConsentForm(
        initial={
            "shares_results": membership.shares_results,
            "shares_pooled": membership.shares_pooled,
        }
    )
    return render(request, "cohorts/member.html", {"membership": membership, "form": form})


def _dashboard(request: PersonRequest, cohort: Cohort) -> HttpResponse:
    try:
        report = dashboard(cohort, timezone.now(), request.GET.get("sort", ""))
    except Outline.DoesNotExist:
        return render(request, "cohorts/no_outline.html", {"cohort": cohort})
    return render(
        request,
        "cohorts/dashboard.html",
        {
            "cohort": cohort,
            "report": report,
            "pooled": report.pooled,
            "columns": columns(report.order, report.domains),
        },
    )


@require_safe
@person_required
@never_cache
def people(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Who is in the group, and the links that let others in."""
    cohort = access.cohort_for_lead(request.user, public_id)
    return render(
        request,
        "cohorts/people.html",
        {
            "cohort": cohort,
            "members": cohort.memberships.current()
            .members()
            .select_related("user")
            .order_by("joined_at", "pk"),
            "invites": cohort.invites.open(timezone.now()),
            "invite_days": INVITE_LIFE.days,
        },
    )


@require_safe
@person_required
@never_cache
def progress(request: PersonRequest, public_id: UUID) -> HttpResponse:
    cohort = access.cohort_for_lead(request.user, public_id)
    now = timezone.now()
    try:
        content = progress_csv(dashboard(cohort, now, "name"))
    except Outline.DoesNotExist:
        return redirect("cohort-detail", public_id)  # it says why there is nothing to download
    name = f"{slugify(cohort.name) or 'group'}-{timezone.localdate(now).isoformat()}.csv"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def close(request: PersonRequest, public_id: UUID) -> HttpResponse:
    cohort = access.cohort_for_lead(request.user, public_id)
    if request.method == "POST":
        services.close(cohort)
        messages.success(request, f"{cohort.name} is closed. Everyone’s own results are untouched.")
        return redirect("cohort-list")
    members = cohort.memberships.current().members().count()
    return render(request, "cohorts/close.html", {"cohort": cohort, "members": members})
