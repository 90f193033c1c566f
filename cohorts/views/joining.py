"""How people get in: the lead's invite links, and the page behind one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import PersonRequest, person_required
from cohorts import access, services
from cohorts.forms import ConsentForm
from cohorts.models import Invite, Membership
from cohorts.services import InviteRefused, Refusal

# Gone for what once worked; forbidden for a link that works for others.
_STATUS = {Refusal.EXPIRED: 410, Refusal.REVOKED: 410, Refusal.REMOVED: 403}


@require_POST
@person_required
def invite_create(request: PersonRequest, public_id: UUID) -> HttpResponse:
    cohort = access.cohort_for_lead(request.user, public_id)
    with access.gone_is_404():
        services.create_invite(cohort, request.user, timezone.now())
    return redirect("cohort-people", public_id)


@require_POST
@person_required
def invite_revoke(request: PersonRequest, public_id: UUID, invite_id: int) -> HttpResponse:
    invite = access.invite_for_lead(request.user, public_id, invite_id)
    with access.gone_is_404():
        services.revoke_invite(invite, timezone.now())
    messages.success(
        request, "That link no longer lets anyone in. Those who have joined by it stay."
    )
    return redirect("cohort-people", public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
@never_cache
def join(request: PersonRequest, token: str) -> HttpResponse:
    """Someone who is not logged in goes by the log-in or sign-up page and comes back here."""
    person, now = request.user, timezone.now()
    invite = access.invite_for_holder(token)
    cohort = invite.cohort
    if Membership.objects.current().filter(cohort=cohort, user=person).exists():
        messages.info(request, f"You are in {cohort.name} already. Nothing has changed.")
        return redirect("cohort-detail", cohort.public_id)
    reason = services.refusal(invite, person, now)
    if reason is not None:
        return _refuse(request, invite, reason)
    form = ConsentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            with access.gone_is_404():
                services.accept_invite(person, invite, now=now, **form.cleaned_data)
        except InviteRefused as refused:  # revoked between our look and the lock
            return _refuse(request, invite, refused.reason)
        messages.success(request, f"You have joined {cohort.name}.")
        return redirect("cohort-detail", cohort.public_id)
    return render(
        request,
        "cohorts/join.html",
        {"cohort": cohort, "lead": invite.created_by, "form": form},
    )


def _refuse(request: PersonRequest, invite: Invite, reason: Refusal) -> HttpResponse:
    return render(
        request,
        "cohorts/refused.html",
        {"invite": invite, "reason": reason.value},
        status=_STATUS[reason],
    )
