"""The bank as a list: what is in it, where it sits, and in which state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.views.main import ChangeList
from django.db.models import (
    Case,
    Exists,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, smart_split, unescape_string_literal
from django.utils.timezone import localtime

from domains.models import Domain, Objective
from questions.admin import desk
from questions.models import Choice, Placement, Question, QuestionQuerySet, QuestionVersion

Lookups = list[tuple[str, str]]


class DomainFilter(admin.SimpleListFilter):
    title = "Domain"
    parameter_name = "domain"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        domains = Domain.objects.filter(outline__is_default=True).order_by("number")
        return [(str(domain.pk), str(domain)) for domain in domains]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Question]) -> QuerySet[Question]:
        return _placed(queryset, "objective__domain", self)


class ObjectiveFilter(admin.SimpleListFilter):
    """The objectives of the chosen domain; all of them while none is chosen."""

    title = "Objective"
    parameter_name = "objective"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        objectives = list(
            Objective.objects.filter(domain__outline__is_default=True).order_by(
                "domain__number", "pk"
            )
        )
        domain = request.GET.get("domain", "")
        chosen = [objective for objective in objectives if str(objective.domain_id) == domain]
        return [(str(objective.pk), str(objective)) for objective in chosen or objectives]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Question]) -> QuerySet[Question]:
        return _placed(queryset, "objective", self)


class StatusFilter(admin.SimpleListFilter):
    title = "Status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [
            ("published", "Published"),
            ("waiting", "Draft waiting"),
            ("draft", "Draft, never published"),
            ("retired", "Retired"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Question]) -> QuerySet[Question]:
        match self.value():
            case "waiting":
                drafts = QuestionVersion.objects.filter(
                    question=OuterRef("pk"), status=QuestionVersion.Status.DRAFT
                )
                return queryset.filter(Exists(drafts))
            case "published" | "draft" | "retired" as status:
                return queryset.filter(Q(status=status))
        return queryset


class LevelFilter(admin.SimpleListFilter):
    title = "Level"
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(level.value, str(level.label)) for level in QuestionVersion.Level]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Question]) -> QuerySet[Question]:
        if self.value() in QuestionVersion.Level.values:
            return queryset.filter(Q(level=self.value()))
        return queryset


def _placed(
    queryset: QuerySet[Question], field: str, asked: admin.SimpleListFilter
) -> QuerySet[Question]:
    """What the filter does not offer counts as not asked for: an objective of the domain that was
    chosen before, for example."""
    pk = asked.value()
    if pk not in {offered for offered, _ in asked.lookup_choices}:
        return queryset
    places = Placement.objects.filter(question=OuterRef("pk"), **{field: pk})
    return queryset.filter(Exists(places))


class BankList(ChangeList):
    """Says of each row on the page who changed it last: one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        entries = (
            LogEntry.objects.filter(
                content_type=get_content_type_for_model(Question),
                object_id__in=[str(question.pk) for question in self.result_list],
            )
            .select_related("user")
            .order_by("object_id", "-action_time", "-pk")
            .distinct("object_id")
        )
        last = {entry.object_id: entry for entry in entries}
        for question in self.result_list:
            question.last_entry = last.get(str(question.pk))


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ("question", "place", "standing", "difficulty", "level", "number", "changed")
    list_filter = (DomainFilter, ObjectiveFilter, StatusFilter, LevelFilter)
    search_fields: ClassVar[tuple[str, ...]] = ("key",)  # get_search_results says the rest
    search_help_text = "Words in the key, the tags, the stem or an option"
    list_per_page = 40
    list_max_show_all = 0
    show_full_result_count = False
    ordering = ("key",)
    actions = None

    # --- Pages ---

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
            bound = update_wrapper(partial(view, self), view)
            return path(route, self.admin_site.admin_view(bound), name=f"questions_question_{name}")

        return [
            page("suggest/", "suggest", desk.suggest),
            page("quality/", "quality", desk.quality),
            page("<int:pk>/preview/", "preview", desk.preview),
            page("<int:pk>/new-version/", "new_version", desk.new_version),
            page("<int:pk>/publish/", "publish", desk.publish),
            page("<int:pk>/retire/", "retire", desk.retire),
            page("<int:pk>/discard/", "discard", desk.discard),
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
            return desk.add(self, request)
        return desk.change(self, request, object_id)

    def has_delete_permission(self, request: HttpRequest, obj: Question | None = None) -> bool:
        """A question is retired, and its draft discarded; attempts may hold its versions."""
        return False

    # --- The list ---

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BankList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        """With the facts of the version shown: published, else draft, else the newest."""
        shown = (
            QuestionVersion.objects.filter(question=OuterRef("pk"))
            .annotate(
                rank=Case(
                    When(status=QuestionVersion.Status.PUBLISHED, then=Value(0)),
                    When(status=QuestionVersion.Status.DRAFT, then=Value(1)),
                    default=Value(2),
                    output_field=IntegerField(),
                )
            )
            .order_by("rank", "-number")
        )
        placements = Placement.objects.filter(outline__is_default=True).select_related(
            "objective__domain"
        )
        drafts = QuestionVersion.objects.filter(
            question=OuterRef("pk"), status=QuestionVersion.Status.DRAFT
        )
        queryset = super().get_queryset(request)
        assert isinstance(queryset, QuestionQuerySet)
        return (
            queryset.with_status()
            .annotate(
                stem=Subquery(shown.values("stem")[:1]),
                difficulty=Subquery(shown.values("difficulty")[:1]),
                level=Subquery(shown.values("level")[:1]),
                number=Subquery(shown.values("number")[:1]),
                made_at=Subquery(shown.values("created_at")[:1]),
                draft_number=Subquery(drafts.values("number")[:1]),
            )
            .prefetch_related(Prefetch("placements", placements, to_attr="default_placements"))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Question], search_term: str
    ) -> tuple[QuerySet[Question], bool]:
        """Every word must occur somewhere in the question; retired versions are not searched."""
        live = ~Q(status=QuestionVersion.Status.RETIRED)
        for bit in smart_split(search_term):
            word = unescape_string_literal(bit) if bit[0] == bit[-1] and bit[0] in "\"'" else bit
            stems = QuestionVersion.objects.filter(
                live, question=OuterRef("pk"), stem__icontains=word
            )
            options = Choice.objects.filter(
                ~Q(version__status=QuestionVersion.Status.RETIRED),
                version__question=OuterRef("pk"),
                text__icontains=word,
            )
            queryset = queryset.filter(
                Q(key__icontains=word)
                | Q(tags__contains=[word.lower()])
                | Exists(stems)
                | Exists(options)
            )
        return queryset, False

    @admin.display(description="Question", ordering="key")
    def question(self, question: Any) -> SafeString:
        excerpt = Truncator(" ".join((question.stem or "").split())).chars(110)
        return format_html(
            '<span class="bank-stem">{}</span><span class="bank-key">{}</span>',
            excerpt or "No text yet",
            question.key,
        )

    @admin.display(description="Objective")
    def place(self, question: Any) -> SafeString | str:
        if not question.default_placements:
            return "None yet"
        objective = question.default_placements[0].objective
        return format_html("{}<br><small>{}</small>", objective, objective.domain)

    @admin.display(description="Status", ordering="status")
    def standing(self, question: Any) -> SafeString:
        word = QuestionVersion.Status(question.status).label
        waiting = (
            format_html("<small>version {} in draft</small>", question.draft_number)
            if question.draft_number and question.status != "draft"
            else ""
        )
        return format_html(
            '<span class="status status-{}">{}</span>{}', question.status, word, waiting
        )

    @admin.display(description="Difficulty", ordering="difficulty")
    def difficulty(self, question: Any) -> str:
        return f"{question.difficulty:.2f}" if question.difficulty is not None else ""

    @admin.display(description="Level", ordering="level")
    def level(self, question: Any) -> str:
        return str(QuestionVersion.Level(question.level).label) if question.level else ""

    @admin.display(description="Version", ordering="number")
    def number(self, question: Any) -> str:
        return str(question.number or "")

    @admin.display(description="Last changed", ordering="made_at")
    def changed(self, question: Any) -> SafeString | str:
        entry: LogEntry | None = question.last_entry
        if entry is None:
            made = question.made_at or question.created_at
            return date_format(localtime(made), "DATE_FORMAT")
        return format_html(
            "{}<br><small>{}</small>",
            date_format(localtime(entry.action_time), "DATE_FORMAT"),
            entry.user,
        )
