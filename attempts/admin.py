"""Exams to offer, and attempts to look at: nobody edits one here, its state has one writer."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from attempts.models import Attempt, AttemptItem, Exam


@admin.register(Exam)
class ExamAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ("title", "kind", "item_count", "minutes", "feedback", "is_offered", "position")
    fields = (
        "title",
        "key",
        "summary",
        "kind",
        "item_count",
        "minutes",
        "feedback",
        "position",
        "is_offered",
    )
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Exam | None = None) -> tuple[str, ...]:
        """Who sits or has sat it was promised when the key is shown, so that stays as it was."""
        if obj is None:
            return ()
        return ("key", "kind", "feedback") if obj.attempts.exists() else ("key",)

    def has_delete_permission(self, request: HttpRequest, obj: Exam | None = None) -> bool:
        """Attempts refer to it. An exam that is no longer wanted is no longer offered."""
        return False


class AttemptItemInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = AttemptItem
    verbose_name_plural = "items"
    fields = ("position", "version", "answered_at", "revision", "flagged", "visible_ms")
    readonly_fields = fields
    can_delete = False
    max_num = 0
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[AttemptItem]:
        return super().get_queryset(request).select_related("version__question")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("attempts.view_attempt")


@admin.register(Attempt)
class AttemptAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """To look at only, whoever looks."""

    list_display = ("started_at", "user", "exam", "state", "close_reason", "correct_count")
    list_filter = ("state", "exam", "outline")
    list_select_related = ("user", "exam")
    list_per_page = 50
    search_fields = ("user__email", "user__name", "public_id__iexact")
    search_help_text = "E-mail address, name, or the id in the attempt's address"
    show_full_result_count = False
    inlines: ClassVar[list[Any]] = [AttemptItemInline]
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        return False
