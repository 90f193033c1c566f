"""What the assembler is given: quotas, the pool, and a person's history, from the real bank."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from attempts.assembly import Candidate, Reserve
from attempts.blueprint import (
    NOWHERE,
    Outlook,
    choice_ids,
    load_pool,
    outlook,
    published_counts,
    quotas_for,
    shortfall,
)
from attempts.exposure import refresh_exposures
from attempts.models import Attempt, AttemptItem, Exam, Exposure
from attempts.saving import mark_seen
from attempts.services import discard_attempt
from domains.models import Outline
from questions import services
from questions.models import Placement, Question
from tests.world import NOON, World

pytestmark = pytest.mark.usefixtures("at_noon")

NOW = NOON - timedelta(days=1)


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
@pytest.mark.parametrize("key", ["simulation", "half", "quick"])
def test_the_bank_fills_every_exam_under_either_outline(
    world: World, outline: str, key: str
) -> None:
    chosen = Outline.objects.get(key=outline)
    assert shortfall(world.exam(key), chosen, None, published_counts(chosen)) == {}
    assert outlook(world.ada, world.exam(key), chosen, None) == Outlook(missing={})


def test_every_published_question_sits_in_both_outlines(world: World) -> None:
    for outline in Outline.objects.all():
        assert sum(published_counts(outline).values()) == Question.objects.count()


def test_a_shortfall_is_told_by_domain(world: World) -> None:
    world.shrink(3, leave=20)
    world.shrink(6, leave=10)
    simulation = Exam.objects.get(key="simulation")
    counts = published_counts(world.outline)
    assert shortfall(simulation, world.outline, None, counts) == {3: 5, 6: 7}
    seen = outlook(world.ada, simulation, world.outline, None)
    assert (seen.missing, seen.total_missing, seen.repeats) == ({3: 5, 6: 7}, 12, 0)


def test_enemies_and_sets_can_make_a_shortfall_that_counts_do_not_show(world: World) -> None:
    world.shrink(6, leave=17)
    one, other = Question.objects.filter(
        versions__status="published",
        placements__outline=world.outline,
        placements__objective__domain__number=6,
    )[:2]
    simulation = Exam.objects.get(key="simulation")
    assert outlook(world.ada, simulation, world.outline, None).missing == {}
    one.enemies.add(other)
    assert shortfall(simulation, world.outline, None, published_counts(world.outline)) == {}
    assert outlook(world.ada, simulation, world.outline, None).missing == {6: 1}


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


def test_a_question_without_a_place_in_the_outline_is_in_no_domain_of_it(world: World) -> None:
    question = Question.objects.order_by("pk")[0]
    Placement.objects.filter(question=question, outline=world.outline).delete()
    pool = load_pool(world.outline, world.ada)
    (here,) = [c for c in pool.candidates if c.question == question.pk]
    assert (here.domain, here.objective) == (NOWHERE, "")
    assert question.pk not in pool.places[world.outline.pk]
    older = Outline.objects.get(key="2022")
    number = question.placements.get().objective.domain.number
    (there,) = [c for c in load_pool(older, world.ada).candidates if c.question == question.pk]
    assert there.domain == pool.places[older.pk][question.pk] == number


def test_a_question_without_any_place_is_drawn_by_nobody(world: World) -> None:
    question = Question.objects.order_by("pk")[0]
    question.placements.all().delete()
    pool = load_pool(world.outline, world.ada)
    assert all(question.pk not in places for places in pool.places.values())
    assert {c.domain for c in pool.candidates if c.question == question.pk} <= {NOWHERE}


def test_the_pool_carries_what_the_assembler_needs(world: World) -> None:
    pool = load_pool(world.outline, world.ada)
    questions = [candidate.question for candidate in pool.candidates]
    assert len(set(questions)) == len(questions) == Question.objects.count()
    assert set(pool.domains) == set(range(1, 7))
    by_question = {candidate.question: candidate for candidate in pool.candidates}
    for question in Question.objects.prefetch_related("enemies", "versions"):
        candidate = by_question[question.pk]
        assert candidate.enemies == {enemy.pk for enemy in question.enemies.all()}
        assert candidate.scenario == question.scenario_id
        (version,) = question.versions.all()
        assert (candidate.version, candidate.difficulty) == (version.pk, float(version.difficulty))
        placement = question.placements.get(outline=world.outline)
        assert candidate.objective == placement.objective.code
        assert candidate.domain == placement.objective.domain.number
    enemies = {c.question: c.enemies for c in pool.candidates if c.enemies}
    assert enemies
    assert all(one in enemies[other] for one, others in enemies.items() for other in others)
    choices = choice_ids([candidate.version for candidate in pool.candidates[:9]])
    assert [len(ids) for ids in choices.values()] == [4] * 9


# --- What a person has met ------------------------------------------------------------------


def met(world: World, user: User) -> dict[int, Candidate]:
    pool = load_pool(world.outline, user)
    return {c.question: c for c in pool.candidates if c.times_met}


def test_every_question_of_a_closed_exam_is_met(world: World) -> None:
    first = world.sat(world.ada, "drill", lambda item: None, domain=2, now=NOW)
    held = set(first.items.values_list("version__question", flat=True))
    seen = met(world, world.ada)
    assert set(seen) == held
    assert {c.times_met for c in seen.values()} == {1}
    assert {c.met_at for c in seen.values()} == {NOW.timestamp()}
    assert met(world, world.ben) == {}


def test_of_a_discarded_exam_only_what_was_opened_is_met(world: World) -> None:
    attempt = world.start(world.ada, "half")
    opened = attempt.items.get(position=7)
    mark_seen(attempt, opened.position, timezone.now())
    discard_attempt(attempt, timezone.now())
    assert set(met(world, world.ada)) == {opened.version.question_id}


def test_the_last_meeting_counts_and_simulations_are_told_apart(world: World) -> None:
    simulation = world.sat(world.ada, "simulation", now=NOW - timedelta(days=9))
    drill = world.sat(world.ada, "drill", domain=1, now=NOW, reserve=Reserve.BREAK)
    in_drill = set(drill.items.values_list("version__question", flat=True))
    in_simulation = set(simulation.items.values_list("version__question", flat=True))
    seen = met(world, world.ada)
    assert set(seen) == in_drill | in_simulation
    for question, candidate in seen.items():
        assert candidate.met_in_simulation == (question in in_simulation)
        assert (
            candidate.met_at
            == (NOW if question in in_drill else NOW - timedelta(days=9)).timestamp()
        )


def test_exposures_are_counted_for_everybody_and_anew_each_time(world: World) -> None:
    world.sat(world.ada, "quick", seed=1)
    world.sat(world.ben, "quick", seed=1)
    waiting = world.start(world.lena, "drill", domain=4)
    refresh_exposures()
    stored = dict(Exposure.objects.values_list("question_id", "count"))
    shown = Counter(
        AttemptItem.objects.exclude(attempt=waiting).values_list("version__question", flat=True)
    )
    assert stored == shown
    pool = load_pool(world.outline, world.lena)
    assert {c.question: c.exposure for c in pool.candidates if c.exposure} == shown
    Attempt.objects.filter(user=world.ben).delete()
    assert refresh_exposures() == 24
    assert set(Exposure.objects.values_list("count", flat=True)) == {1}


def test_the_pool_is_five_statements_however_large_the_bank(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    outline, ada = world.outline, world.ada
    with django_assert_num_queries(5):
        load_pool(outline, ada)
