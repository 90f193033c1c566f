"""Scenarios: texts that several questions share."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from questions import services
from questions.forms import ProseField, as_key
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

    def clean_key(self) -> str:
        return as_key(self.cleaned_data["key"])

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
        """Drafts follow; the author is told which published questions do not."""
        renewed = services.save_scenario(obj)
        for question in renewed:
            self.log_change(request, question, f"The text of its scenario changed: {obj.title}.")
        if len(renewed) == 1:
            messages.info(request, "1 draft now has the new text.")
        elif renewed:
            messages.info(request, f"{len(renewed)} drafts now have the new text.")
        if form.changed_data and (behind := services.questions_behind(obj)):
            keys = ", ".join(question.key for question in behind)
            one = len(behind) == 1
            messages.warning(
                request,
                f"{len(behind)} published question{'' if one else 's'} "
                f"keep{'s' if one else ''} the earlier text until {'its' if one else 'their'} "
                f"next version is published: {keys}.",
            )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        scenario = kwargs.get("obj")
        if scenario:
            members = scenario.questions.with_status().order_by("key")
            context["members"] = members
            context["behind"] = services.questions_behind(scenario)
            context["in_use"] = sum(
                member.status == QuestionVersion.Status.PUBLISHED for member in members
            )
        return super().render_change_form(request, context, *args, **kwargs)
