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


class OutlineForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = Outline
        fields: ClassVar[list[str]] = ["title", "key", "effective_from", "is_default", "note"]
        labels: ClassVar[dict[str, str]] = {"is_default": "default"}
        help_texts: ClassVar[dict[str, str]] = {
            "is_default": "New exams are drawn by it. Ticked here, it is unticked on the other."
        }

    def clean_is_default(self) -> bool:
        ticked: bool = self.cleaned_data["is_default"]
        others = Outline.objects.filter(is_default=True).exclude(pk=self.instance.pk)
        if not ticked and not others.exists():
            raise forms.ValidationError(
                "New exams are drawn by the default outline, so there is always one. To change "
                "it, tick the other outline; this one is then unticked by itself."
            )
        return ticked

    def _get_validation_exclusions(self) -> set[str]:
        """One default is no business of the form: saving unticks the other outline first."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in django-stubs
        return excluded | {"is_default"}


@admin.register(Outline)
class OutlineAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = OutlineForm
    list_display = ("title", "key", "effective_from", "is_default")
    inlines: ClassVar[list[Any]] = [DomainInline]
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Outline | None = None) -> bool:
        """Questions and attempts refer to it for ever."""
        return False

    def save_model(
        self, request: HttpRequest, obj: Outline, form: forms.Form, change: bool
    ) -> None:
        """In the page's own transaction: there is one default before it and one after."""
        if obj.is_default:
            # All rows, so that two people who tick different outlines go one after the other.
            outlines = Outline.objects.select_for_update().order_by("pk")
            earlier = [row.pk for row in outlines if row.is_default and row.pk != obj.pk]
            Outline.objects.filter(pk__in=earlier).update(is_default=False)
        super().save_model(request, obj, form, change)


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
