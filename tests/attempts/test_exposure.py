"""First exposures: a question counts for measurement until its key was shown to the person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attempts import saving, services
from attempts.access import may_see_key
from attempts.blueprint import load_pool, revealed_questions
from attempts.models import Attempt, DomainResult, Exam
from attempts.results import score_attempt, tallies_to_date
from domains.models import Outline
from tests.world import NOON, World, right, wrong

pytestmark = pytest.mark.usefixtures("at_noon")

BEGIN = NOON - timedelta(days=2)
TO_DATE = DomainResult.Scope.TO_DATE


def questions(attempt: Attempt) -> set[int]:
    return set(attempt.items.values_list("version__question", flat=True))


def first_exposures(attempt: Attempt) -> set[int]:
    return set(
        attempt.items.filter(first_exposure=True).values_list("version__question", flat=True)
    )


def test_everything_is_new_to_a_new_person(world: World) -> None:
    world.sat(world.ben, now=BEGIN)  # what others were shown is not held against her
    attempt = world.start(world.ada)
    assert first_exposures(attempt) == questions(attempt)


def test_a_closed_exam_reveals_all_it_held_answered_or_not(world: World) -> None:
    attempt = world.sat(world.ada, "quick", lambda item: None, now=BEGIN)
    assert revealed_questions(world.ada) == questions(attempt)


def test_an_exam_waiting_for_its_score_counts_as_revealed(world: World) -> None:
    """Its report will be there by the time the next exam is sat."""
    attempt = world.start(world.ada, now=BEGIN)
    services.submit(attempt, BEGIN + timedelta(minutes=1))
    assert revealed_questions(world.ada) == questions(attempt)


def test_an_open_or_discarded_exam_reveals_nothing(world: World) -> None:
    attempt = world.start(world.ada, now=BEGIN)
    world.answer(attempt, now=BEGIN)
    assert revealed_questions(world.ada) == set()
    services.discard_attempt(attempt, BEGIN + timedelta(minutes=1))
    assert revealed_questions(world.ada) == set()


def test_a_discarded_drill_has_revealed_what_was_answered(world: World) -> None:
    drill = world.start(world.ada, "drill", domain=3, now=BEGIN)
    world.answer(drill, lambda item: wrong(item) if item.position <= 4 else None, now=BEGIN)
    services.discard_attempt(drill, BEGIN + timedelta(minutes=1))
    answered = drill.items.filter(position__lte=4).values_list("version__question", flat=True)
    assert revealed_questions(world.ada) == set(answered)


def test_the_next_attempt_knows_what_was_revealed(world: World) -> None:
    """Of 14 questions in the domain, a second drill of ten must bring six back."""
    world.shrink(3, leave=14)
    first = world.sat(world.ada, "drill", domain=3, now=BEGIN)
    second = world.start(world.ada, "drill", domain=3, now=BEGIN + timedelta(hours=1))
    assert first_exposures(second) == questions(second) - questions(first)
    assert len(first_exposures(second)) == 4


def test_a_discarded_exam_leaves_its_questions_new(world: World) -> None:
    world.shrink(3, leave=14)
    first = world.start(world.ada, "drill", domain=3, now=BEGIN)
    for item in first.items.all():
        saving.mark_seen(first, item.position, BEGIN)
    services.discard_attempt(first, BEGIN)
    second = world.start(world.ada, "drill", domain=3, now=BEGIN + timedelta(hours=1))
    assert first_exposures(second) == questions(second)
    # It has still seen their stems, so what it has not met comes first.
    assert questions(second) >= unmet(world, first)


def unmet(world: World, attempt: Attempt) -> set[int]:
    drawn = load_pool(world.outline, world.ada).candidates
    return {one.question for one in drawn if one.domain == 3} - questions(attempt)


def test_a_new_version_of_a_revealed_question_is_not_new(world: World) -> None:
    from questions.services import draft_from_published, publish

    first = world.sat(world.ada, "drill", domain=3, now=BEGIN)
    question = first.items.get(position=1).version.question
    publish(draft_from_published(question), now=BEGIN + timedelta(minutes=30))
    assert question.pk in revealed_questions(world.ada)


# --- What the tallies count -----------------------------------------------------------------


def to_date(attempt: Attempt) -> dict[int, tuple[int, int]]:
    rows = attempt.domain_results.filter(scope=TO_DATE).select_related("domain")
    return {row.domain.number: (row.n, row.correct) for row in rows}


def test_repeats_do_not_enter_the_tallies(world: World) -> None:
    world.shrink(3, leave=14)
    first = world.sat(world.ada, "drill", wrong, domain=3, now=BEGIN)
    second = world.sat(world.ada, "drill", right, domain=3, now=BEGIN + timedelta(hours=1))
    assert (first.first_count, second.first_count) == (10, 4)
    assert (second.correct_count, second.first_correct) == (10, 4)
    assert to_date(first)[3] == (10, 0)
    assert to_date(second)[3] == (14, 4)
    third = world.sat(world.ada, "drill", right, domain=3, now=BEGIN + timedelta(hours=2))
    assert to_date(third)[3] == (14, 4)  # nothing in it was new


def test_unanswered_questions_say_nothing_about_a_domain(world: World) -> None:
    attempt = world.sat(
        world.ada,
        "drill",
        lambda item: right(item) if item.position <= 3 else None,
        domain=3,
        now=BEGIN,
    )
    assert to_date(attempt)[3] == (3, 3)
    assert attempt.correct_count == 3
    assert attempt.share_high is not None
    assert attempt.share_high < 1  # but they cost points, as in the real exam


def test_a_tally_grows_across_exams_and_leaves_out_what_is_void_or_later(world: World) -> None:
    drill = world.sat(world.ada, "drill", right, domain=3, now=BEGIN)
    given_up = world.start(world.ada, "drill", domain=4, now=BEGIN + timedelta(hours=1))
    world.answer(given_up, wrong, now=BEGIN + timedelta(hours=1))
    services.discard_attempt(given_up, BEGIN + timedelta(hours=1, minutes=1))
    quick = world.sat(world.ada, "quick", right, now=BEGIN + timedelta(hours=2))
    in_domain = quick.items.filter(domain__number=3, first_exposure=True).count()
    assert to_date(quick)[3] == (10 + in_domain, 10 + in_domain)
    assert to_date(drill)[3] == (10, 10)
    # Asked again later, the first attempt still knows nothing of what came after it.
    assert tallies_to_date(drill)[world.domain(3).pk].n == 10


def test_another_persons_answers_stay_theirs(world: World) -> None:
    world.sat(world.ben, "quick", wrong, now=BEGIN)
    mine = world.sat(world.ada, "drill", right, domain=3, now=BEGIN)
    assert to_date(mine) == {1: (0, 0), 2: (0, 0), 3: (10, 10), 4: (0, 0), 5: (0, 0), 6: (0, 0)}


def test_answers_under_the_older_outline_count_where_their_questions_sit_now(
    world: World,
) -> None:
    older = Outline.objects.get(key="2022")
    attempt, _ = services.start_attempt(world.ada, world.exam("quick"), older, now=BEGIN, seed=3)
    world.answer(attempt, right, now=BEGIN)
    services.submit(attempt, BEGIN + timedelta(minutes=1))
    score_attempt(attempt.pk, BEGIN + timedelta(minutes=1))
    attempt.refresh_from_db()
    assert {row.domain.outline_id for row in attempt.domain_results.all()} == {older.pk}
    assert sum(n for n, _ in to_date(attempt).values()) == 24

    later = world.sat(world.ada, "drill", right, domain=6, now=BEGIN + timedelta(hours=1))
    new = later.items.filter(first_exposure=True).count()
    assert {row.domain.outline_id for row in later.domain_results.all()} == {world.outline.pk}
    assert set(tallies_to_date(later)) <= set(world.outline.domains.values_list("pk", flat=True))
    assert sum(n for n, _ in to_date(later).values()) == 24 + new


@pytest.mark.parametrize("key", ["quick", "drill"])
def test_attempt_scope_is_this_attempt_alone(world: World, key: str) -> None:
    world.sat(world.ada, "drill", wrong, domain=3, now=BEGIN)
    later = world.sat(
        world.ada, key, domain=3 if key == "drill" else None, now=BEGIN + timedelta(hours=1)
    )
    rows = later.domain_results.filter(scope=DomainResult.Scope.ATTEMPT)
    assert sum(row.n for row in rows) == later.first_count
    assert [row.domain.number for row in rows] == ([3] if key == "drill" else [1, 2, 3, 4, 5, 6])


def test_an_open_attempt_keeps_the_feedback_rule_it_started_with(world: World) -> None:
    """An instructor, or a new exams file, changes the exam; who is sitting it learns no key."""
    attempt = world.start(world.ada, "quick")
    Exam.objects.filter(key="quick").update(feedback=Exam.Feedback.AFTER_ANSWER)
    world.answer(attempt)
    attempt = Attempt.objects.select_related("exam").get(pk=attempt.pk)
    assert not any(may_see_key(attempt, item) for item in attempt.items.all())
