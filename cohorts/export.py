"""A person's own data, as far as this app holds it. A pure read."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from accounts.models import User
from cohorts.models import Invite, Membership


class MembershipRecord(TypedDict):
    group: str
    role: str
    joined_at: datetime
    shares_results_since: datetime | None
    shares_pooled_since: datetime | None
    ended_at: datetime | None
    end_reason: str


class InviteRecord(TypedDict):
    group: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def memberships_of(person: User) -> list[MembershipRecord]:
    """Oldest first, ended ones included."""
    memberships = Membership.objects.filter(user=person).select_related("cohort")
    return [
        {
            "group": membership.cohort.name,
            "role": membership.role,
            "joined_at": membership.joined_at,
            "shares_results_since": membership.shares_results_since,
            "shares_pooled_since": membership.shares_pooled_since,
            "ended_at": membership.ended_at,
            "end_reason": membership.end_reason,
        }
        for membership in memberships.order_by("joined_at", "pk")
    ]


def invites_of(person: User) -> list[InviteRecord]:
    """Invites this person made; not their tokens, for a file passed on must let nobody in."""
    invites = Invite.objects.filter(created_by=person).select_related("cohort")
    return [
        {
            "group": invite.cohort.name,
            "created_at": invite.created_at,
            "expires_at": invite.expires_at,
            "revoked_at": invite.revoked_at,
        }
        for invite in invites.order_by("created_at", "pk")
    ]
