"""What the assembler needs, read from the database: quotas, the pool, what a person has met."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from django.contrib.postgres.aggregates import BoolOr
from django.db.models import Count, Max, Q, QuerySet, prefetch_related_objects

from accounts.models import User
from attempts.assembly import (
    Candidate,
    Kept,
    NotEnoughItems,
    Reserve,
    ReserveInTheWay,
    foresee,
    missing_items,
)
from attempts.exposure import MET
from attempts.models import AttemptItem, Exam, Exposure
from attempts.programme import SolverGaveUp
from domains.models import Domain, Outline
from domains.quotas import largest_remainder
from questions.models import Choice, Placement, Question, QuestionVersion

PUBLISHED = QuestionVersion.Status.PUBLISHED
NOWHERE: Final = 0  # no domain has this number, so no quota asks for it


@dataclass(frozen=True, slots=True)
class Pool:
    candidates: list[Candidate]  # in domain NOWHERE: of other outlines only
    places: Mapping[int, Mapping[int, int]]  # outline id -> question id -> domain number
    domains: dict[int, int]  # domain number -> domain id, in this outline


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


@dataclass(frozen=True, slots=True)
class Order:
    """What the assembler is asked for, for one person, besides seed and policy."""

    pool: Pool
    quotas: dict[int, int]
    reserves: list[Kept]
    simulation: bool


def order_for(user: User | None, exam: Exam, outline: Outline, domain: Domain | None) -> Order:
    """user: None for anybody who has met nothing yet. Seven statements, one more where the
    outline's domains are not at hand."""
    prefetch_related_objects([outline], "domains")
    pool = load_pool(outline, user)
    return Order(
        pool=pool,
        quotas=quotas_for(exam, outline, domain),
        reserves=_reserves(pool),
        simulation=exam.kind == Exam.Kind.SIMULATION,
    )


def _reserves(pool: Pool) -> list[Kept]:
    """A full simulation under each outline, while one is offered."""
    exam = Exam.objects.filter(kind=Exam.Kind.SIMULATION, is_offered=True).first()
    if exam is None:
        return []
    weights: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for domain in Domain.objects.all():
        weights[domain.outline_id][domain.number] = domain.weight
    return [
        Kept(largest_remainder(weights[outline], exam.item_count), domains)
        for outline, domains in pool.places.items()
    ]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a person should know before they start.

    missing: domain number -> how many items the bank is short by. repeats: questions they have met
    that the form will hold. choice: set where the unseen full form kept for them is in the way.
    """

    missing: Mapping[int, int]
    repeats: int = 0
    choice: ReserveInTheWay | None = None

    @property
    def total_missing(self) -> int:
        return sum(self.missing.values())


def outlook(user: User, exam: Exam, outline: Outline, domain: Domain | None) -> Outlook:
    order = order_for(user, exam, outline, domain)
    try:
        repeats = foresee(
            order.pool.candidates,
            order.quotas,
            reserves=order.reserves,
            policy=Reserve.BREAK if order.simulation else Reserve.ASK,
            simulation=order.simulation,
        )
    except NotEnoughItems as short:
        return Outlook(missing=short.missing)
    except ReserveInTheWay as choice:
        return Outlook(missing={}, choice=choice)
    except SolverGaveUp:  # the page need not fail for a forecast; the start will say so
        return Outlook(missing={})
    return Outlook(missing={}, repeats=repeats)


def load_pool(outline: Outline, user: User | None) -> Pool:
    """Everything published, with its place under each outline and this person's history. Five
    statements; four where the outline's domains are at hand."""
    rows = (
        QuestionVersion.objects.filter(status=PUBLISHED)
        .order_by("pk")
        .values_list(
            "pk",
            "question_id",
            "question__scenario_id",
            "difficulty",
            "question__placements__outline_id",
            "question__placements__objective__domain__number",
            "question__placements__objective__code",
        )
    )
    enemies: defaultdict[int, set[int]] = defaultdict(set)
    for one, other in Question.enemies.through.objects.values_list(
        "from_question_id", "to_question_id"
    ):
        enemies[one].add(other)
    met = _met_by(user) if user else {}
    exposures = dict(Exposure.objects.values_list("question_id", "count"))
    candidates: dict[int, Candidate] = {}
    places: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for version, question, scenario, difficulty, placed, number, code in rows:
        if placed is not None:
            places[placed][question] = number
        if placed == outline.pk or question not in candidates:
            here = placed == outline.pk
            candidates[question] = Candidate(
                version=version,
                question=question,
                domain=number if here else NOWHERE,
                objective=code if here else "",
                difficulty=float(difficulty),
                enemies=frozenset(enemies[question]),
                scenario=scenario,
                exposure=exposures.get(question, 0),
                **met.get(question, _NEVER),
            )
    return Pool(
        candidates=list(candidates.values()),
        places=places,
        domains={domain.number: domain.pk for domain in outline.domains.all()},
    )


class _History(TypedDict):
    times_met: int
    met_at: float
    met_in_simulation: bool


_NEVER: Final[_History] = {"times_met": 0, "met_at": 0.0, "met_in_simulation": False}


def _met_by(user: User) -> dict[int, _History]:
    """question id -> when and how this person met it."""
    rows = (
        AttemptItem.objects.filter(MET, attempt__user=user)
        .values_list("version__question_id")
        .annotate(
            count=Count("pk"),
            last=Max("attempt__started_at"),
            in_simulation=BoolOr(Q(attempt__exam__kind=Exam.Kind.SIMULATION)),
        )
        .order_by()
    )
    return {
        question: {
            "times_met": count,
            "met_at": last.timestamp(),
            "met_in_simulation": in_simulation,
        }
        for question, count, last, in_simulation in rows
    }


def choice_ids(versions: Collection[int]) -> dict[int, list[int]]:
    """version id -> the ids of its options."""
    choices: defaultdict[int, list[int]] = defaultdict(list)
    for choice, version in Choice.objects.filter(version__in=versions).values_list(
        "pk", "version_id"
    ):
        choices[version].append(choice)
    return choices


def explained_since(attempt_pk: int, since: datetime) -> QuerySet[AttemptItem, int]:
    """Questions whose key other attempts of its person have shown from then on, for use in a
    query: those of reports that were opened, and what drills have explained."""
    shown = Q(attempt__report_opened_at__gte=since) | Q(
        attempt__feedback=Exam.Feedback.AFTER_ANSWER, choice__isnull=False, answered_at__gte=since
    )
    others = AttemptItem.objects.filter(attempt__user__attempts=attempt_pk)
    return (
        others.exclude(attempt=attempt_pk).filter(shown).values_list("version__question", flat=True)
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
