"""Scenarios: texts that several questions share."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from questions.forms import ProseField
from questions.markdown import to_html
from questions.models import QuestionVersion, Scenario


class ScenarioForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    text = ProseField(
        label="Text",
        rows=14,
        help_text="Markdown. Shown above the stem of each question that belongs to it.",
    )

    class Meta:
        model = Scenario
        fields: ClassVar[list[str]] = ["title", "key", "text"]

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if not text:
            raise forms.ValidationError("A scenario needs a text.")
        return text


@admin.register(Scenario)
class ScenarioAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = ScenarioForm
    list_display = ("title", "key", "question_count")
    search_fields = ("title", "key", "text")
    search_help_text = "Words in the title, the key or the text"
    show_full_result_count = False
    ordering = ("title",)
    actions = None
    change_form_template = "admin/questions/scenario/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        scenarios: QuerySet[Any] = (
            super().get_queryset(request).annotate(question_count=Count("questions"))
        )
        return scenarios

    def get_readonly_fields(
        self, request: HttpRequest, obj: Scenario | None = None
    ) -> tuple[str, ...]:
        return ("key",) if obj else ()

    @admin.display(description="Questions", ordering="question_count")
    def question_count(self, scenario: Any) -> int:
        count: int = scenario.question_count
        return count

    def save_model(
        self, request: HttpRequest, obj: Scenario, form: forms.Form, change: bool
    ) -> None:
        obj.text_html = to_html(obj.text)
        super().save_model(request, obj, form, change)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        scenario = kwargs.get("obj")
        if scenario:
            members = scenario.questions.with_status().order_by("key")
            context["members"] = members
            context["in_use"] = sum(
                member.status == QuestionVersion.Status.PUBLISHED for member in members
            )
        return super().render_change_form(request, context, *args, **kwargs)
