"""Groups in the admin: to look at. What a member shares is theirs to change, so nobody edits it
here; a superuser can delete a group whose lead has gone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from cohorts.models import Cohort, Membership


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = Membership
    extra = 0
    can_delete = False
    fields = (
        "user",
        "role",
        "joined_at",
        "shares_results_since",
        "shares_pooled_since",
        "ended_at",
        "end_reason",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "cohort")


@admin.register(Cohort)
class CohortAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ("name", "created_at", "people")
    search_fields = ("name",)
    fields = ("name", "created_at", "public_id")
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cohort]:
        cohorts: QuerySet[Cohort] = super().get_queryset(request)
        return cohorts.annotate(
            people=Count("memberships", filter=Q(memberships__ended_at__isnull=True))
        )

    @admin.display(ordering="people")
    def people(self, cohort: Any) -> int:
        count: int = cohort.people
        return count

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
