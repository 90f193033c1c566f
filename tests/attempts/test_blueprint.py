"""What the assembler is given: quotas, the pool, and a person's history, from the real bank."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from attempts.blueprint import load_pool, published_counts, quotas_for, shortfall
from attempts.models import Exam
from domains.models import Outline
from questions import services
from questions.models import Placement, Question
from tests.world import World


@pytest.mark.parametrize(
    ("outline", "key", "counts"),
    [
        ("2022", "simulation", [25, 22, 24, 21, 19, 14]),
        ("current", "simulation", [26, 19, 25, 23, 15, 17]),
        ("2022", "half", [12, 11, 11, 10, 9, 7]),
        ("current", "half", [13, 9, 12, 11, 7, 8]),
        ("2022", "quick", [5, 4, 4, 4, 4, 3]),
        ("current", "quick", [5, 4, 5, 4, 3, 3]),
    ],
)
def test_quotas_of_each_exam(world: World, outline: str, key: str, counts: list[int]) -> None:
    quotas = quotas_for(world.exam(key), Outline.objects.get(key=outline), None)
    assert quotas == dict(enumerate(counts, 1))


def test_a_drill_has_one_quota(world: World) -> None:
    assert quotas_for(world.exam("drill"), world.outline, world.domain(5)) == {5: 10}


@pytest.mark.parametrize("outline", ["2022", "current"])
@pytest.mark.parametrize("key", ["half", "quick"])
def test_the_bank_fills_the_half_exam_under_either_outline(
    world: World, outline: str, key: str
) -> None:
    chosen = Outline.objects.get(key=outline)
    counts = published_counts(chosen)
    assert all(count >= 14 for count in counts.values())
    assert shortfall(world.exam(key), chosen, None, counts) == {}


def test_every_published_question_sits_in_both_outlines(world: World) -> None:
    for outline in Outline.objects.all():
        assert sum(published_counts(outline).values()) == Question.objects.count()


def test_a_shortfall_is_told_by_domain(world: World) -> None:
    simulation = Exam.objects.get(key="simulation")
    counts = published_counts(world.outline)
    missing = shortfall(simulation, world.outline, None, counts)
    quotas = quotas_for(simulation, world.outline, None)
    assert missing == {d: quotas[d] - counts[d] for d in quotas if counts[d] < quotas[d]}


def test_drafts_and_retired_questions_are_not_drawn(world: World) -> None:
    question = Question.objects.order_by("pk")[0]
    number = question.placements.get(outline=world.outline).objective.domain.number
    before = published_counts(world.outline)[number]
    services.draft_from_published(question)
    assert published_counts(world.outline)[number] == before  # its published version still counts
    services.retire(question, now=timezone.now())
    assert published_counts(world.outline)[number] == before - 1
    pool = load_pool(world.outline, world.ada)
    assert question.pk not in {candidate.question for candidate in pool.candidates}


def test_a_question_without_a_place_in_the_outline_is_not_drawn(world: World) -> None:
    question = Question.objects.order_by("pk")[0]
    Placement.objects.filter(question=question, outline=world.outline).delete()
    assert question.pk not in {c.question for c in load_pool(world.outline, world.ada).candidates}
    older = Outline.objects.get(key="2022")
    assert question.pk in {c.question for c in load_pool(older, world.ada).candidates}


def test_the_pool_carries_what_the_assembler_needs(world: World) -> None:
    pool = load_pool(world.outline, world.ada)
    questions = [candidate.question for candidate in pool.candidates]
    assert len(set(questions)) == len(questions) == Question.objects.count()
    assert all(len(pool.choices[candidate.version]) == 4 for candidate in pool.candidates)
    assert set(pool.domains) == set(range(1, 7))
    by_question = {candidate.question: candidate for candidate in pool.candidates}
    for question in Question.objects.prefetch_related("enemies"):
        candidate = by_question[question.pk]
        assert candidate.enemies == {enemy.pk for enemy in question.enemies.all()}
        assert candidate.scenario == question.scenario_id
    enemies = {c.question: c.enemies for c in pool.candidates if c.enemies}
    assert enemies
    assert all(one in enemies[other] for one, others in enemies.items() for other in others)


def test_times_met_counts_every_attempt_even_a_discarded_one(world: World) -> None:
    first = world.sat(world.ada, "drill", domain=2)
    pool = load_pool(world.outline, world.ada)
    met = {candidate.question: candidate.times_met for candidate in pool.candidates}
    held = set(first.items.values_list("version__question", flat=True))
    assert {question for question, times in met.items() if times} == held
    assert Counter(met.values())[1] == 10
    assert all(c.times_met == 0 for c in load_pool(world.outline, world.ben).candidates)


def test_the_pool_is_six_statements_however_large_the_bank(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    outline, ada = world.outline, world.ada
    with django_assert_num_queries(6):
        load_pool(outline, ada)
