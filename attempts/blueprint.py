"""What the assembler needs, read from the database: quotas, the pool, what a person has met."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q

from accounts.models import User
from attempts.assembly import Candidate, missing_items
from attempts.models import AttemptItem, Exam
from domains.models import Domain, Outline
from domains.quotas import largest_remainder
from questions.models import Choice, Placement, Question, QuestionVersion

PUBLISHED = QuestionVersion.Status.PUBLISHED


@dataclass(frozen=True, slots=True)
class Pool:
    candidates: list[Candidate]
    choices: dict[int, list[int]]  # version id -> choice ids
    domains: dict[int, int]  # domain number -> domain id, in this outline
    revealed: frozenset[int]  # question ids whose key this person has been shown


def quotas_for(exam: Exam, outline: Outline, domain: Domain | None) -> dict[int, int]:
    """domain number -> item count. A drill takes all of its items from its one domain."""
    if domain is not None:
        return {domain.number: exam.item_count}
    weights = {d.number: d.weight for d in outline.domains.all()}
    return largest_remainder(weights, exam.item_count)


def published_counts(outline: Outline) -> dict[int, int]:
    """domain number -> published questions, including domains that have none."""
    counts = dict.fromkeys((domain.number for domain in outline.domains.all()), 0)
    rows = (
        Placement.objects.filter(outline=outline, question__versions__status=PUBLISHED)
        .values_list("objective__domain__number")
        .annotate(count=Count("question", distinct=True))
    )
    return counts | dict(rows)


def shortfall(
    exam: Exam, outline: Outline, domain: Domain | None, counts: dict[int, int]
) -> dict[int, int]:
    """domain number -> missing items, before the bank can fill this exam without repeats."""
    return missing_items(counts, quotas_for(exam, outline, domain))


def load_pool(outline: Outline, user: User) -> Pool:
    """Everything published under the outline, with this person's history. Five statements."""
    placed = (
        QuestionVersion.objects.filter(status=PUBLISHED, question__placements__outline=outline)
        .order_by("pk")
        .values_list(
            "pk",
            "question_id",
            "question__scenario_id",
            "question__placements__objective__domain__number",
        )
    )
    enemies: defaultdict[int, set[int]] = defaultdict(set)
    for one, other in Question.enemies.through.objects.values_list(
        "from_question_id", "to_question_id"
    ):
        enemies[one].add(other)
    met = dict(
        AttemptItem.objects.filter(attempt__user=user)
        .values_list("version__question_id")
        .annotate(count=Count("pk"))
    )
    choices: defaultdict[int, list[int]] = defaultdict(list)
    for choice, version in Choice.objects.filter(version__status=PUBLISHED).values_list(
        "pk", "version_id"
    ):
        choices[version].append(choice)
    return Pool(
        candidates=[
            Candidate(
                version=version,
                question=question,
                domain=number,
                enemies=frozenset(enemies[question]),
                scenario=scenario,
                times_met=met.get(question, 0),
            )
            for version, question, scenario, number in placed
        ],
        choices=choices,
        domains={domain.number: domain.pk for domain in outline.domains.all()},
        revealed=revealed_questions(user),
    )


def revealed_questions(user: User) -> frozenset[int]:
    """Questions whose key this person has been, or is about to be, shown: every item of an attempt
    that was closed, and answered items of exams that explain at once (even if discarded later)."""
    return frozenset(
        AttemptItem.objects.filter(attempt__user=user)
        .filter(
            Q(attempt__closed_at__isnull=False)
            | Q(attempt__feedback=Exam.Feedback.AFTER_ANSWER, choice__isnull=False)
        )
        .values_list("version__question_id", flat=True)
    )
