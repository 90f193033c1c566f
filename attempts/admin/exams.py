"""The exams on offer."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from attempts.models import Exam


@admin.register(Exam)
class ExamAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = (
        "title",
        "kind",
        "item_count",
        "minutes",
        "feedback",
        "navigation",
        "is_offered",
        "position",
    )
    fields = (
        "title",
        "key",
        "summary",
        "kind",
        "item_count",
        "minutes",
        "feedback",
        "navigation",
        "position",
        "is_offered",
    )
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Exam | None = None) -> tuple[str, ...]:
        """Who sits or has sat it was promised when the key is shown and which questions can be
        gone back to, so that stays as it was."""
        if obj is None:
            return ()
        return ("key", "kind", "feedback", "navigation") if obj.attempts.exists() else ("key",)

    def has_delete_permission(self, request: HttpRequest, obj: Exam | None = None) -> bool:
        """Attempts refer to it. An exam that is no longer wanted is no longer offered."""
        return False
