"""A person's whole record, put together from every app: to take away, or to delete.

The file a person downloads has the shape of `Record`, named by `FORMAT`. Keys may be added under
the same name; whatever is renamed, removed or changes its meaning needs a new one. Moments are
ISO 8601 in UTC, shares are numbers from 0 to 1, a missing value is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from allauth.core import ratelimit
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.models import Session
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import PersonRequest, person_required
from accounts.export import Profile, profile_of
from accounts.forms import DeleteAccountForm
from accounts.models import User
from attempts.erasure import lock_attempts
from attempts.export import AttemptRecord, attempts_of
from attempts.models import AttemptItem
from cohorts.export import InviteRecord, MembershipRecord, invites_of, memberships_of
from cohorts.models import Membership
from cohorts.services import forget_person
from questions.export import AuthoredRecord, authored_by
from questions.models import QuestionVersion

FORMAT: Final = "touchstone-person/1"


# --- Taking it away -------------------------------------------------------------------------


class Record(TypedDict):
    format: str
    generated_at: datetime
    profile: Profile
    attempts: list[AttemptRecord]
    groups: list[MembershipRecord]
    invites: list[InviteRecord]
    authored: list[AuthoredRecord]


def record_of(person: User, now: datetime) -> Record:
    return {
        "format": FORMAT,
        "generated_at": now,
        "profile": profile_of(person),
        "attempts": attempts_of(person),
        "groups": memberships_of(person),
        "invites": invites_of(person),
        "authored": authored_by(person),
    }


@require_safe
@person_required
@never_cache
def download(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    response = JsonResponse(
        record_of(request.user, now), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    name = f"touchstone-my-data-{timezone.localdate(now):%Y-%m-%d}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# --- Deleting it ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    others: int
    """How many more people are in it."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What goes when this person goes, for the page that asks."""

    attempts: int
    answers: int
    authored: int
    groups_closed: list[Group]
    """Led by this person alone."""
    groups_left: list[Group]


def loss_of(person: User) -> Loss:
    others = Q(cohort__memberships__ended_at__isnull=True) & ~Q(cohort__memberships__user=person)
    leads = others & Q(cohort__memberships__role=Membership.Role.LEAD)
    rows = (
        Membership.objects.current()
        .filter(user=person)
        .order_by("cohort__name")
        .annotate(
            others=Count("cohort__memberships", filter=others),
            other_leads=Count("cohort__memberships", filter=leads),
        )
        .values_list("cohort__name", "role", "others", "other_leads")
    )
    closed: list[Group] = []
    left: list[Group] = []
    for name, role, count, other_leads in rows:
        goes = role == Membership.Role.LEAD and not other_leads
        (closed if goes else left).append(Group(name, count))
    return Loss(
        attempts=person.attempts.count(),
        answers=AttemptItem.objects.filter(attempt__user=person, choice__isnull=False).count(),
        authored=QuestionVersion.objects.filter(created_by=person).count(),
        groups_closed=closed,
        groups_left=left,
    )


def erase(person: User) -> None:
    """Delete the person and everything of theirs, at once or not at all; then tell them by mail.

    What they wrote for the bank stays, without their name.
    """
    address = person.email

    def say_goodbye() -> None:
        subject = "Your Touchstone account is deleted"
        send_mail(subject, render_to_string("accounts/email/deleted.txt"), None, [address])

    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        forget_person(person)
        lock_attempts(person)
        _end_sessions(person)
        person.delete()
        # Robust: with the mail server away the log has the error, and the account is gone as asked.
        transaction.on_commit(say_goodbye, robust=True)


def _end_sessions(person: User) -> None:
    """Log them out everywhere. A session has no foreign key to its person, but does hold the
    e-mail address they logged in with; hence the reading of every session there is."""
    sessions = Session.objects.iterator(chunk_size=1_000)
    theirs = [s.pk for s in sessions if s.get_decoded().get(SESSION_KEY) == str(person.pk)]
    Session.objects.filter(pk__in=theirs).delete()


@sensitive_post_parameters("proof")
@require_http_methods(["GET", "HEAD", "POST"])
@person_required
@never_cache
def delete(request: PersonRequest) -> HttpResponse:
    form = DeleteAccountForm(request.POST or None, person=request.user)
    if request.method == "POST":
        # A stolen session must not be a way to try passwords: the same limit as asking for it.
        refusal: HttpResponse | None = ratelimit.consume_or_429(
            request, action="reauthenticate", user=request.user
        )
        if refusal is not None:
            return refusal
        if form.is_valid():
            erase(request.user)
            logout(request)
            return redirect("profile-deleted")
    context = {"form": form, "loss": loss_of(request.user)}
    return render(request, "accounts/delete.html", context)
