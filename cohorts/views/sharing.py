"""What a member shares, and the ways out of a group."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import PersonRequest, person_required
from cohorts import access, services
from cohorts.forms import ConsentForm
from cohorts.services import LastLead


@require_POST
@person_required
def consent(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Two unticked boxes are a valid answer: share nothing."""
    membership = access.sharing_for_member(request.user, public_id)
    form = ConsentForm(request.POST)
    form.full_clean()
    with access.gone_is_404():
        services.set_consent(membership, now=timezone.now(), **form.cleaned_data)
    messages.success(request, _what_is_shared(**form.cleaned_data))
    return redirect("cohort-detail", public_id)


def _what_is_shared(*, shares_results: bool, shares_pooled: bool) -> str:
    if shares_results and shares_pooled:
        return "Saved. You share your results by name, and your answers count in the group’s."
    if shares_results:
        return "Saved. You share your results by name; your answers do not count in the group’s."
    if shares_pooled:
        return "Saved. Your answers count in the group’s figures, without your name."
    return "Saved. You share nothing; the lead sees your name and when you joined."


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def leave(request: PersonRequest, public_id: UUID) -> HttpResponse:
    membership = access.membership_of(request.user, public_id)
    if request.method == "POST":
        try:
            with access.gone_is_404():
                services.leave(membership, timezone.now())
        except LastLead:
            messages.error(
                request,
                "You are this group’s only lead, so you cannot leave it. Nothing has changed. "
                "You can close the group instead.",
            )
            return redirect("cohort-close", public_id)
        messages.success(
            request, f"You have left {membership.cohort.name}. It no longer sees anything of yours."
        )
        return redirect("cohort-list")
    if membership.is_lead:
        return redirect("cohort-close", public_id)
    return render(request, "cohorts/leave.html", {"cohort": membership.cohort})


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def remove(request: PersonRequest, public_id: UUID, membership_id: int) -> HttpResponse:
    member = access.member_for_lead(request.user, public_id, membership_id)
    if request.method == "POST":
        with access.gone_is_404():
            services.remove_member(member, timezone.now())
        messages.success(request, f"{member.user} is no longer in the group.")
        return redirect("cohort-people", public_id)
    return render(request, "cohorts/remove.html", {"cohort": member.cohort, "member": member})
