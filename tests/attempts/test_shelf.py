"""Forms drawn ahead: as good as one drawn for the person, and given only where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import cast

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from attempts import fingerprint, saving, services, shelf
from attempts.assembly import Reserve
from attempts.blueprint import Outlook, outlook, quotas_for
from attempts.models import Attempt, AttemptItem, Exam, Exposure, ReadyForm
from domains.models import Domain, Outline
from questions.models import Placement, Question, QuestionVersion
from tests.world import World

NOW = timezone.now()

Commit = Callable[[], AbstractContextManager[object]]


@pytest.fixture
def stocked(world: World) -> World:
    """Two forms of the quick check by each outline."""
    Exam.objects.exclude(key="quick").update(is_offered=False)
    assert shelf.restock(NOW, seconds=60, kept=2) == 4
    return world


@pytest.fixture
def commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Commit:
    """What happens in it is committed, and counted."""
    return partial(django_capture_on_commit_callbacks, execute=True)


def questions_of(attempt: Attempt) -> list[int]:
    return list(attempt.items.order_by("position").values_list("version__question_id", flat=True))


def uses(world: World, key: str = "quick") -> list[int]:
    forms = ReadyForm.objects.filter(exam__key=key, outline=world.outline)
    return list(forms.order_by("uses").values_list("uses", flat=True))


# --- What is on it --------------------------------------------------------------------------


def test_a_start_from_the_shelf_is_a_form_of_the_blueprint(world: World, commit: Commit) -> None:
    shelf.restock(NOW, seconds=120, kept=1)
    forms = list(ReadyForm.objects.select_related("exam", "outline"))
    assert {(form.exam.key, form.outline.key) for form in forms} >= {
        (key, outline) for key in ("simulation", "half", "quick") for outline in ("2022", "current")
    }
    for number, form in enumerate(forms):
        person = world.person(f"number{number}@example.org")
        with commit():
            attempt, new = services.start_attempt(
                person, form.exam, form.outline, now=NOW, seed=number
            )
        assert new
        form.refresh_from_db()
        assert form.uses == 1
        _is_of_the_blueprint(attempt)


def _is_of_the_blueprint(attempt: Attempt) -> None:
    exam, chosen = attempt.exam, attempt.outline
    items = list(attempt.items.select_related("version__question", "domain"))
    assert [item.position for item in items] == list(range(1, exam.item_count + 1))
    assert Counter(item.domain.number for item in items) == quotas_for(exam, chosen, None)
    assert all(item.first_exposure for item in items)
    assert all(item.version.status == QuestionVersion.Status.PUBLISHED for item in items)
    questions = {item.version.question_id for item in items}
    assert len(questions) == exam.item_count
    for item in items:
        placed = Placement.objects.get(question=item.version.question, outline=chosen)
        assert placed.objective.domain_id == item.domain_id
        own = set(item.version.choices.values_list("pk", flat=True))
        assert set(item.choice_order) == own
        assert not questions & set(item.version.question.enemies.values_list("pk", flat=True))
    sets = Counter(item.version.question.scenario_id for item in items)
    for scenario, count in sets.items():
        if scenario is not None:
            published = QuestionVersion.objects.filter(
                question__scenario=scenario, status=QuestionVersion.Status.PUBLISHED
            )
            assert count == published.count()


def test_what_two_people_share_they_see_in_an_order_of_their_own(stocked: World) -> None:
    forms = ReadyForm.objects.filter(outline=stocked.outline)
    forms.exclude(pk=forms[0].pk).delete()
    first = stocked.start(stocked.ada, seed=1)
    second = stocked.start(stocked.ben, seed=2)
    assert set(questions_of(first)) == set(questions_of(second))
    assert questions_of(first) != questions_of(second)
    orders = [
        dict(attempt.items.values_list("version_id", "choice_order")) for attempt in (first, second)
    ]
    assert any(orders[0][version] != orders[1][version] for version in orders[0])
    sets = [
        scenario
        for scenario in second.items.order_by("position").values_list(
            "version__question__scenario_id", flat=True
        )
        if scenario
    ]
    assert sets == sorted(sets, key=sets.index)  # a set stays together


def test_a_form_leaves_a_full_unseen_simulation_for_everybody(world: World, commit: Commit) -> None:
    Exam.objects.exclude(key__in=["half", "simulation"]).update(is_offered=False)
    shelf.restock(NOW, seconds=60, kept=1)
    with commit():
        world.sat(world.ada, "half", now=NOW)
    assert ReadyForm.objects.get(exam__key="half", uses=1)
    for chosen in Outline.objects.all():
        assert outlook(world.ada, world.exam("simulation"), chosen, None) == Outlook(missing={})


def test_the_second_simulation_shares_nothing_with_one_from_the_shelf(
    world: World, commit: Commit
) -> None:
    Exam.objects.exclude(key="simulation").update(is_offered=False)
    shelf.restock(NOW, seconds=60, kept=1)
    with commit():
        first = world.sat(world.ada, "simulation", now=NOW)
    assert ReadyForm.objects.get(outline=world.outline).uses == 1
    second = world.start(world.ada, "simulation", now=NOW + timedelta(days=1))
    assert not set(questions_of(first)) & set(questions_of(second))


# --- To whom --------------------------------------------------------------------------------


def test_the_least_used_goes_first(stocked: World, commit: Commit) -> None:
    for number in range(5):
        with commit():
            stocked.start(stocked.person(f"number{number}@example.org"))
    assert uses(stocked) == [2, 3]


def _has_seen_one(world: World) -> None:
    attempt = world.start(world.ada, "drill", domain=1)
    item = attempt.items.get(position=1)
    AttemptItem.objects.filter(pk=item.pk).update(seen_at=NOW)
    services.discard_attempt(attempt, NOW)


def _has_answered_one_unseen(world: World) -> None:
    """From a script of their own: a page tells what it shows."""
    attempt = world.start(world.ada, "drill", domain=1)
    choice = attempt.items.get(position=1).choice_order[0]
    saving.save_answer(world.ada, attempt.public_id, 1, choice=choice, revision=0, now=NOW)
    assert attempt.items.get(position=1).seen_at is None
    services.discard_attempt(attempt, NOW)


def _has_sat_one(world: World) -> None:
    world.sat(world.ada, "drill", domain=1)


@pytest.mark.parametrize("history", [_has_seen_one, _has_answered_one_unseen, _has_sat_one])
def test_whoever_has_met_something_gets_a_form_of_their_own(
    stocked: World, commit: Commit, history: Callable[[World], None]
) -> None:
    history(stocked)
    assert not shelf.has_form_for(stocked.ada, stocked.exam(), stocked.outline)
    with commit():
        attempt = stocked.start(stocked.ada)
    assert attempt.item_count == 24
    assert uses(stocked) == [0, 0]
    met = Attempt.objects.exclude(pk=attempt.pk).get()
    assert not set(questions_of(attempt)) & set(questions_of(met)[:1])


def test_an_exam_discarded_unseen_is_no_history(stocked: World) -> None:
    services.discard_attempt(stocked.start(stocked.ada), NOW)
    assert shelf.has_form_for(stocked.ada, stocked.exam(), stocked.outline)


def test_whoever_was_asked_and_answered_gets_what_they_chose(
    stocked: World, commit: Commit
) -> None:
    with commit():
        stocked.start(stocked.ada, reserve=Reserve.BREAK)
    assert uses(stocked) == [0, 0]


def test_a_drill_is_drawn_as_it_comes(stocked: World) -> None:
    attempt = stocked.start(stocked.ada, "drill", domain=2)
    assert attempt.item_count == 10
    assert not ReadyForm.objects.filter(exam__kind=Exam.Kind.DRILL).exists()


# --- What makes it useless ------------------------------------------------------------------


def _retire(world: World) -> None:
    form = ReadyForm.objects.filter(exam__key="quick", outline=world.outline).first()
    version = cast(ReadyForm, form).items[0][0]
    QuestionVersion.objects.filter(pk=version).update(
        status=QuestionVersion.Status.RETIRED, retired_at=NOW
    )


def _move(world: World) -> None:
    placement = Placement.objects.filter(outline=world.outline).first()
    assert placement is not None
    placement.objective = type(placement.objective).objects.exclude(
        domain=placement.objective.domain_id
    )[0]
    placement.save()


def _make_enemies(world: World) -> None:
    one, other = Question.objects.filter(enemies=None)[:2]
    one.enemies.add(other)


def _shorten(world: World) -> None:
    Exam.objects.filter(key="quick").update(item_count=20)


def _weigh(world: World) -> None:
    heavy, light = Domain.objects.filter(outline=world.outline).order_by("number")[:2]
    heavy.weight, light.weight = heavy.weight - 1, light.weight + 1
    heavy.save()
    light.save()


def _leave_set(world: World) -> None:
    Question.objects.filter(scenario__isnull=False).update(scenario=None)


@pytest.mark.parametrize("change", [_retire, _move, _make_enemies, _shorten, _weigh, _leave_set])
def test_a_change_of_bank_or_exam_clears_the_shelf_at_once(
    stocked: World, commit: Commit, change: Callable[[World], None]
) -> None:
    before = fingerprint.of_bank()
    change(stocked)
    assert fingerprint.of_bank() != before
    assert not shelf.has_form_for(stocked.ada, stocked.exam(), stocked.outline)
    with commit():
        attempt = stocked.start(stocked.ada)
    assert uses(stocked) == [0, 0]
    assert attempt.item_count == stocked.exam().item_count
    assert not attempt.items.exclude(version__status="published").exists()
    shelf.restock(NOW, seconds=0)
    assert not ReadyForm.objects.exists()


def test_what_is_known_of_the_bank_is_believed_for_a_moment(
    stocked: World,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    exam, chosen = stocked.exam(), stocked.outline
    assert shelf.has_form_for(stocked.ada, exam, chosen)
    monkeypatch.setattr(fingerprint, "BELIEVED_FOR", 3600.0)
    Domain.objects.filter(outline=chosen, number=1).update(number=9)
    with django_assert_num_queries(1):
        assert shelf.has_form_for(stocked.ada, exam, chosen)
    monkeypatch.setattr(fingerprint, "BELIEVED_FOR", 0.0)
    assert not shelf.has_form_for(stocked.ada, exam, chosen)


def test_what_has_been_shown_how_often_is_heard_of_within_a_day(stocked: World) -> None:
    before = fingerprint.of_bank()
    Exposure.objects.update_or_create(
        question=cast(Question, Question.objects.first()), defaults={"count": 50}
    )
    assert fingerprint.of_bank() == before
    shelf.restock(NOW + timedelta(hours=23), seconds=0)
    assert uses(stocked) == [0, 0]
    shelf.restock(NOW + timedelta(hours=25), seconds=0)
    assert uses(stocked) == []


def test_a_start_from_the_shelf_reads_no_bank(
    stocked: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    exam, chosen, ada = stocked.exam(), stocked.outline, stocked.ada
    with django_assert_max_num_queries(8):
        services.start_attempt(ada, exam, chosen, now=NOW, seed=1)


# --- Filling it -----------------------------------------------------------------------------


def test_what_was_used_is_replaced(stocked: World, commit: Commit) -> None:
    for number in range(5):
        with commit():
            stocked.start(stocked.person(f"number{number}@example.org"))
    assert shelf.restock(NOW, seconds=60, kept=2) == 2
    assert uses(stocked) == [0, 0]
    assert shelf.restock(NOW, seconds=60, kept=2) == 0


def test_where_least_is_left_comes_first(world: World) -> None:
    Exam.objects.exclude(key__in=["half", "quick"]).update(is_offered=False)
    assert shelf.restock(NOW, seconds=60, kept=1) == ReadyForm.objects.count()
    places = Counter(ReadyForm.objects.values_list("exam__key", "outline__key"))
    assert set(places.values()) == {1}
    ReadyForm.objects.filter(exam__key="half").delete()
    assert shelf.restock(NOW, seconds=60, kept=1) == 2
    assert Counter(ReadyForm.objects.values_list("exam__key", "outline__key")) == places


def test_an_exam_that_cannot_be_filled_has_none(world: World) -> None:
    Exam.objects.exclude(key__in=["simulation", "quick"]).update(is_offered=False)
    world.shrink(6, 3)
    shelf.restock(NOW, seconds=60, kept=1)
    stocked = set(ReadyForm.objects.filter(outline=world.outline).values_list("exam__key"))
    assert ("simulation",) not in stocked
    assert ("quick",) in stocked


def test_an_exam_no_longer_offered_leaves_the_shelf(stocked: World) -> None:
    Exam.objects.update(is_offered=False)
    shelf.restock(NOW, seconds=60, kept=1)
    assert not ReadyForm.objects.exists()
