"""Attempts, to look at: nobody edits one here. What staff may do to one is in remedies.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from attempts.admin import desk
from attempts.models import Attempt, Remedy
from attempts.states import State

Lookups = list[tuple[str, str]]

_FILTERS: Final = {"standing", "remedy", "exam", "outline"}


class StandingFilter(admin.SimpleListFilter):
    title = "Standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [
            ("running", "Running"),
            ("clock", "Closed by the clock"),
            ("submitted", "Submitted"),
            ("void", "Void"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        match self.value():
            case "running":
                return queryset.filter(state=State.IN_PROGRESS)
            case "void":
                return queryset.filter(state=State.VOID)
            case "clock" | "submitted" as reason:
                return queryset.filter(state__in=[State.CLOSED, State.SCORED], close_reason=reason)
        return queryset


class RemedyFilter(admin.SimpleListFilter):
    title = "Remedies"
    parameter_name = "remedy"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(kind.value, str(kind.label)) for kind in Remedy.Kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        if self.value() in Remedy.Kind.values:
            done = Remedy.objects.filter(attempt=OuterRef("pk"), kind=self.value())
            return queryset.filter(Exists(done))
        return queryset


@admin.register(Attempt)
class AttemptAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """What a person answered and when, never what was right or how they scored: results are
    theirs to share. Nor what a strict rehearsal told them alone."""

    list_display = ("person", "exam", "standing", "started_at", "deadline")
    list_filter = (StandingFilter, RemedyFilter, "exam", "outline")
    list_select_related = ("user", "exam")
    list_per_page = 50
    list_max_show_all = 0
    search_fields = ("user__email", "user__name", "public_id__iexact")
    search_help_text = "E-mail address, name, or the id in the attempt's address"
    show_full_result_count = False
    ordering = ("-started_at",)
    actions = None

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The filters' own, and nothing else of an address: Django lets one ask for any column, and
        asking for half of the scores, and half of those, would tell a person's."""
        asked = lookup.partition("__")[0]
        return asked in _FILTERS and bool(super().lookup_allowed(lookup, value, request))

    # --- Pages ---

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
            bound = update_wrapper(partial(view, self), view)
            return path(route, self.admin_site.admin_view(bound), name=f"attempts_attempt_{name}")

        return [
            page("outage/", "outage", desk.outage),
            page("<int:pk>/extend/", "extend", desk.extend),
            page("<int:pk>/reopen/", "reopen", desk.reopen),
            page("<int:pk>/void/", "void", desk.void),
            *super().get_urls(),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if object_id is None:
            raise PermissionDenied
        return desk.look(self, request, object_id)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An attempt's own page is its history."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:attempts_attempt_change", args=[object_id]))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_remedy = desk.may_remedy(request)
        return super().changelist_view(request, {**(extra_context or {}), "may_remedy": may_remedy})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        return False

    # --- The list ---

    @admin.display(description="Person", ordering="user__email")
    def person(self, attempt: Attempt) -> SafeString:
        return format_html("{}<br><small>{}</small>", attempt.user.display_name, attempt.user.email)

    @admin.display(description="Standing", ordering="state")
    def standing(self, attempt: Attempt) -> SafeString:
        if attempt.status is State.IN_PROGRESS:
            return format_html('<span class="tag">{}</span>', attempt.get_state_display())
        void = attempt.status is State.VOID
        how = attempt.void_reason if void else attempt.get_close_reason_display()
        return format_html("{}<br><small>{}</small>", attempt.get_state_display(), how)
