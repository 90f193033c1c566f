"""Who may see what of a group. Every view asks one of these; a refusal is always a 404, so that an
outsider cannot tell a group they may not see from one that does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404

from accounts.models import User
from cohorts.models import Cohort, Invite, Membership


@contextmanager
def gone_is_404() -> Iterator[None]:
    """Around a service: what was there when we looked may have ended before the lock was ours."""
    try:
        yield
    except ObjectDoesNotExist as error:
        raise Http404 from error


def membership_of(user: User, public_id: UUID) -> Membership:
    """This person's current place in the group, in whichever role."""
    try:
        return (
            Membership.objects.current()
            .select_related("cohort")
            .get(user=user, cohort__public_id=public_id)
        )
    except Membership.DoesNotExist:
        raise Http404 from None


def cohort_for_lead(user: User, public_id: UUID) -> Cohort:
    membership = membership_of(user, public_id)
    if not membership.is_lead:
        raise Http404
    return membership.cohort


def sharing_for_member(user: User, public_id: UUID) -> Membership:
    """The place whose consent this person may change. Leads share nothing, so they have none."""
    membership = membership_of(user, public_id)
    if membership.is_lead:
        raise Http404
    return membership


def member_for_lead(user: User, public_id: UUID, membership_id: int) -> Membership:
    """A current member the lead may remove."""
    cohort = cohort_for_lead(user, public_id)
    try:
        return (
            cohort.memberships.current()
            .members()
            .select_related("user", "cohort")
            .get(pk=membership_id)
        )
    except Membership.DoesNotExist:
        raise Http404 from None


def invite_for_lead(user: User, public_id: UUID, invite_id: int) -> Invite:
    cohort = cohort_for_lead(user, public_id)
    try:
        return cohort.invites.get(pk=invite_id)
    except Invite.DoesNotExist:
        raise Http404 from None


def invite_for_holder(token: str) -> Invite:
    """Whoever holds the link may look at it; whether it lets them in is for the service to say."""
    try:
        return Invite.objects.select_related("cohort", "created_by").get(token=token)
    except Invite.DoesNotExist:
        raise Http404 from None
