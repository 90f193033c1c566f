"""Outlines: one page each, with its six domains; a domain's page holds its objectives."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from domains.models import Domain, Objective, Outline

_DOMAINS = 6


class DomainFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    def clean(self) -> None:
        """The weights of an outline are shares of one exam."""
        super().clean()
        if any(self.errors):
            return
        weights = [
            form.cleaned_data["weight"]
            for form in self.forms
            if form.cleaned_data and not form.cleaned_data.get("DELETE")
        ]
        if weights and sum(weights) != 100:
            written = " + ".join(map(str, weights))
            raise forms.ValidationError(
                f"The weights are shares of one exam and have to add up to 100. "
                f"These add up to {sum(weights)} ({written}). Nothing was saved."
            )


class DomainInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = Domain
    formset = DomainFormSet
    fields = ("number", "name", "weight")
    show_change_link = True
    can_delete = False

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else _DOMAINS


class ObjectiveInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = Objective
    fields = ("code", "title", "verified", "successor")
    can_delete = False
    extra = 0

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Codes are the same in every outline, so an objective to choose names its own."""
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "successor":
            field.queryset = Objective.objects.select_related("domain__outline").order_by(
                "domain__outline", "domain__number", "pk"
            )
            field.label_from_instance = lambda row: f"{row.domain.outline.key}: {row}"
        return field


@admin.register(Outline)
class OutlineAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ("title", "key", "effective_from", "is_default")
    fields = ("title", "key", "effective_from", "is_default", "note")
    inlines: ClassVar[list[Any]] = [DomainInline]
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Outline | None = None) -> bool:
        """Questions and attempts refer to it for ever."""
        return False


@admin.register(Domain)
class DomainAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Reached from its outline. The weight is changed there, where the sum can be seen."""

    fields = ("outline", "number", "name", "weight")
    readonly_fields = ("outline", "number", "weight")
    inlines: ClassVar[list[Any]] = [ObjectiveInline]
    actions = None

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        return {}  # not in the index

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Domain | None = None) -> bool:
        return False
