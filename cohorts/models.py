"""A study group: who belongs to it, what each member agreed to share, how people get in."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse


class Cohort(models.Model):
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "study group"
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self) -> MembershipQuerySet:
        return self.filter(ended_at__isnull=True)

    def leads(self) -> MembershipQuerySet:
        return self.filter(role=Membership.Role.LEAD)

    def members(self) -> MembershipQuerySet:
        """Everyone but the leads. Only members can share, so only they appear in figures."""
        return self.filter(role=Membership.Role.MEMBER)


class Membership(models.Model):
    """One person's time in a group. Leaving or removal ends it; coming back starts another."""

    class Role(models.TextChoices):
        LEAD = "lead", "Lead"
        MEMBER = "member", "Member"

    class EndReason(models.TextChoices):
        LEFT = "left", "Left"
        REMOVED = "removed", "Removed by the lead"

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField()
    # Consent is two separate answers, each with the time it was given; withdrawing empties it.
    shares_results_since = models.DateTimeField(
        null=True, blank=True, help_text="Domain results and activity are shown to the lead."
    )
    shares_pooled_since = models.DateTimeField(
        null=True, blank=True, help_text="Answers count, without a name, in the group's figures."
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=8, choices=EndReason.choices, blank=True)

    objects: ClassVar[MembershipQuerySet] = MembershipQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs types managers, not querysets as managers

    class Meta:
        ordering: ClassVar[list[str]] = ["cohort", "joined_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["cohort", "user"],
                condition=Q(ended_at__isnull=True),
                name="one_current_membership_per_person",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_reason="")
                | (
                    Q(ended_at__isnull=False)
                    & ~Q(end_reason="")
                    & Q(shares_results_since__isnull=True, shares_pooled_since__isnull=True)
                ),
                name="ended_membership_shares_nothing",
            ),
            # A lead who counted among the five could subtract their own answers.
            models.CheckConstraint(
                condition=Q(role="member")
                | Q(shares_results_since__isnull=True, shares_pooled_since__isnull=True),
                name="lead_shares_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.cohort}"

    @property
    def is_lead(self) -> bool:
        return self.role == self.Role.LEAD

    @property
    def shares_results(self) -> bool:
        return self.shares_results_since is not None

    @property
    def shares_pooled(self) -> bool:
        return self.shares_pooled_since is not None


class InviteQuerySet(models.QuerySet["Invite"]):
    def open(self, now: datetime) -> InviteQuerySet:
        return self.filter(revoked_at__isnull=True, expires_at__gt=now)


class Invite(models.Model):
    """A link that lets people in until it expires or is revoked."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="invites")
    token = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[InviteQuerySet] = InviteQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs types managers, not querysets as managers

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="invite_expires_later"
            ),
        ]

    def __str__(self) -> str:
        return f"invite to {self.cohort} until {self.expires_at:%Y-%m-%d}"

    @property
    def address(self) -> str:
        """The link to send; absolute, for it leaves our pages."""
        return settings.SITE_URL + reverse("cohort-join", args=[self.token])


class CohortReport(models.Model):
    """What Celery worked out for a group. Pages only read it; it holds ids and counts, no names.

    `activity` is keyed by membership and shown only for those who share their results now.
    `domains` and `questions` are pooled figures, each a `figures.Release`: it remembers whose
    answers are in it, and pages show it only while all of them still agree (see disclosure.py).
    """

    cohort = models.OneToOneField(Cohort, on_delete=models.CASCADE, related_name="report")
    checked_at = models.DateTimeField(help_text="When Celery last looked at the group.")
    stale = models.BooleanField(
        default=True, help_text="Somebody joined, left or changed what they share since then."
    )
    contributors = models.PositiveIntegerField(
        default=0, help_text="Members with enough answers who share them for group figures."
    )
    counted = models.PositiveIntegerField(
        default=0, help_text="Those of them whose answers may be added up without giving one away."
    )
    activity = models.JSONField(default=dict)
    domains = models.JSONField(null=True)
    questions = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"report of {self.cohort}"
