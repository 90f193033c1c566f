"""The only writer of groups, memberships, consent and invites.

Everything that changes who is in a group, or what they share, takes the group's row lock first, so
that two of them never interleave: neither with each other nor with the refresh of its figures.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import transaction

from accounts.models import User
from cohorts.models import Cohort, CohortReport, Invite, Membership

INVITE_LIFE: Final = timedelta(days=14)


class Refusal(StrEnum):
    """Why an invite does not let this person in."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    REMOVED = "removed"


class InviteRefused(Exception):
    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


class LastLead(Exception):
    """The last lead wanted to leave. A group without one can only be closed."""


@transaction.atomic
def create_cohort(lead: User, name: str, now: datetime) -> Cohort:
    cohort = Cohort.objects.create(name=name, created_at=now)
    Membership.objects.create(cohort=cohort, user=lead, role=Membership.Role.LEAD, joined_at=now)
    CohortReport.objects.create(cohort=cohort, checked_at=now, stale=False)
    return cohort


@transaction.atomic
def close(cohort: Cohort) -> None:
    """Delete the group with its memberships, invites and figures. Attempts stay: they are their
    owners'. Nothing happens if it is closed already."""
    # The full lock: it also keeps out rows that would point at the group while it goes.
    Cohort.objects.select_for_update().filter(pk=cohort.pk).first()
    Cohort.objects.filter(pk=cohort.pk).delete()


@transaction.atomic
def create_invite(cohort: Cohort, by: User, now: datetime) -> Invite:
    _lock(cohort.pk)
    return Invite.objects.create(
        cohort=cohort,
        token=secrets.token_urlsafe(24),
        created_by=by,
        created_at=now,
        expires_at=now + INVITE_LIFE,
    )


@transaction.atomic
def revoke_invite(invite: Invite, now: datetime) -> None:
    """From the commit on nobody gets in by it. Revoking twice keeps the first time."""
    _lock(invite.cohort_id)
    Invite.objects.filter(pk=invite.pk, revoked_at__isnull=True).update(revoked_at=now)


def refusal(invite: Invite, user: User, now: datetime) -> Refusal | None:
    """Why this invite does not let this person in, or None if it does.

    Whoever was removed needs an invite made after that: the old link is in their mail still.
    """
    if invite.revoked_at is not None:
        return Refusal.REVOKED
    if invite.expires_at <= now:
        return Refusal.EXPIRED
    removed_since = Membership.objects.filter(
        cohort=invite.cohort_id,
        user=user,
        end_reason=Membership.EndReason.REMOVED,
        ended_at__gte=invite.created_at,
    )
    return Refusal.REMOVED if removed_since.exists() else None


@transaction.atomic
def accept_invite(
    user: User, invite: Invite, *, shares_results: bool, shares_pooled: bool, now: datetime
) -> Membership:
    """Join by an invite. Someone who is in already stays as they are, consent included.

    Raises InviteRefused.
    """
    _lock(invite.cohort_id)
    existing = Membership.objects.current().filter(cohort=invite.cohort_id, user=user).first()
    if existing is not None:
        return existing
    invite.refresh_from_db()  # it may have been revoked while we waited for the lock
    reason = refusal(invite, user, now)
    if reason is not None:
        raise InviteRefused(reason)
    membership = Membership.objects.create(
        cohort_id=invite.cohort_id,
        user=user,
        joined_at=now,
        shares_results_since=now if shares_results else None,
        shares_pooled_since=now if shares_pooled else None,
    )
    _mark_stale(invite.cohort_id)
    return membership


@transaction.atomic
def set_consent(
    membership: Membership, *, shares_results: bool, shares_pooled: bool, now: datetime
) -> Membership:
    """What this member shares from now on. Withdrawing takes effect with the commit: named rows are
    read by the consent of the moment, and pooled figures with this person in them are not shown.

    Raises Membership.DoesNotExist if the membership has ended meanwhile.
    """
    current = _locked(membership)
    current.shares_results_since = (current.shares_results_since or now) if shares_results else None
    current.shares_pooled_since = (current.shares_pooled_since or now) if shares_pooled else None
    current.save(update_fields=["shares_results_since", "shares_pooled_since"])
    _mark_stale(current.cohort_id)
    return current


def leave(membership: Membership, now: datetime) -> None:
    """Raises LastLead, and Membership.DoesNotExist if the membership has ended meanwhile."""
    _end(membership, Membership.EndReason.LEFT, now)


def remove_member(membership: Membership, now: datetime) -> None:
    """The lead's side of leaving. Raises Membership.DoesNotExist if it has ended meanwhile."""
    _end(membership, Membership.EndReason.REMOVED, now)


@transaction.atomic
def forget_person(user: User) -> None:
    """Before an account is deleted: close the groups nobody else leads, and have the figures of the
    others worked out again without this person."""
    memberships = Membership.objects.current().filter(user=user).order_by("cohort")
    for membership in memberships.select_related("cohort"):
        _lock(membership.cohort_id)
        if _is_last_lead(membership):
            close(membership.cohort)
        else:
            _mark_stale(membership.cohort_id)


@transaction.atomic
def _end(membership: Membership, reason: Membership.EndReason, now: datetime) -> None:
    current = _locked(membership)
    if _is_last_lead(current):
        raise LastLead
    current.ended_at, current.end_reason = now, reason
    current.shares_results_since = current.shares_pooled_since = None
    current.save()
    _mark_stale(current.cohort_id)


def _lock(cohort_id: int) -> None:
    """Raises Cohort.DoesNotExist if the group was closed meanwhile."""
    Cohort.objects.select_for_update(no_key=True).get(pk=cohort_id)


def _locked(membership: Membership) -> Membership:
    """The membership as it is once the group is ours; it must still be current."""
    _lock(membership.cohort_id)
    return Membership.objects.current().get(pk=membership.pk)


def _is_last_lead(membership: Membership) -> bool:
    others = Membership.objects.current().leads().filter(cohort=membership.cohort_id)
    return membership.is_lead and not others.exclude(pk=membership.pk).exists()


def _mark_stale(cohort_id: int) -> None:
    CohortReport.objects.filter(cohort=cohort_id).update(stale=True)
