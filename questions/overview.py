"""The bank at a glance: how full each domain is, and which drafts wait for their author."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from domains.models import Domain
from questions.models import Placement, Question, QuestionVersion

_DRAFTS = 8


@dataclass(frozen=True, slots=True)
class DomainFill:
    domain: Domain
    published: int
    share: float  # of all published questions that have a place, in percent


@dataclass(frozen=True, slots=True)
class BankOverview:
    counts: dict[str, int]  # by status, see QuestionQuerySet.with_status
    domains: list[DomainFill]
    drafts: QuerySet[QuestionVersion]


def bank_overview() -> BankOverview:
    """By the default outline. Four statements."""
    counts = Question.objects.with_status().aggregate(
        **{
            status: Count("pk", filter=Q(status=status))
            for status in ("published", "draft", "retired")
        }
    )
    published = Exists(
        QuestionVersion.objects.filter(
            question=OuterRef("question"), status=QuestionVersion.Status.PUBLISHED
        )
    )
    placed = dict(
        Placement.objects.filter(published, outline__is_default=True)
        .values("objective__domain")
        .annotate(total=Count("pk"))
        .values_list("objective__domain", "total")
    )
    total = sum(placed.values()) or 1
    domains = [
        DomainFill(domain, placed.get(domain.pk, 0), 100 * placed.get(domain.pk, 0) / total)
        for domain in Domain.objects.filter(outline__is_default=True).order_by("number")
    ]
    drafts = (
        QuestionVersion.objects.filter(status=QuestionVersion.Status.DRAFT)
        .select_related("question", "created_by")
        .order_by("-created_at")[:_DRAFTS]
    )
    return BankOverview(counts, domains, drafts)
