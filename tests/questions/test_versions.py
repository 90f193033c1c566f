"""Published text never changes: the services make a next version, and the database refuses the
rest, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from questions import services
from questions.bank import Option
from questions.models import Choice, Placement, Question, QuestionVersion
from questions.services import NotPublishable
from tests.world import NOON, World

pytestmark = pytest.mark.usefixtures("at_noon")

NOW = NOON
DRAFT, PUBLISHED, RETIRED = QuestionVersion.Status


@pytest.fixture
def question(world: World) -> Question:
    return Question.objects.get(key="d2-repository-retirement")


@pytest.fixture
def published(question: Question) -> QuestionVersion:
    return question.versions.get(status=PUBLISHED)


def four_options() -> list[Option]:
    return [
        Option("Name an owner", "Authority comes before action.", correct=True),
        Option("Buy a tool", "People come first.", misjudgement="technical-fix-first"),
        Option("Wait", "Nothing is decided by it.", misjudgement="wrong-order"),
        Option("Start at once", "Nobody has decided.", misjudgement="skips-risk-assessment"),
    ]


def write(question: Question, stem: str = "What comes FIRST?") -> QuestionVersion:
    return services.write_draft(
        question,
        stem=stem,
        difficulty=0.6,
        level="apply",
        references=["A public source"],
        options=four_options(),
    )


# --- The road of a version ------------------------------------------------------------------


def test_a_correction_is_the_next_version_and_the_old_one_retires(
    question: Question, published: QuestionVersion
) -> None:
    draft = write(question)
    assert (draft.number, draft.status) == (published.number + 1, DRAFT)
    published.refresh_from_db()
    assert published.status == PUBLISHED  # candidates still get it
    services.publish(draft, now=NOW)
    published.refresh_from_db()
    draft.refresh_from_db()
    assert (published.status, published.retired_at) == (RETIRED, NOW)
    assert (draft.status, draft.published_at) == (PUBLISHED, NOW)


def test_a_draft_from_the_published_text_is_its_copy(
    question: Question, published: QuestionVersion, world: World
) -> None:
    draft = services.draft_from_published(question, by=world.ines)
    assert services.content_of(draft) == services.content_of(published)
    assert (draft.status, draft.created_by) == (DRAFT, world.ines)
    published.refresh_from_db()
    assert published.choices.count() == draft.choices.count() == 4
    assert services.draft_from_published(question) == draft  # there is one draft at a time


def test_writing_again_replaces_the_draft(question: Question) -> None:
    first = write(question)
    second = write(question, "Who decides?")
    assert (second.pk, second.stem) == (first.pk, "Who decides?")
    assert second.choices.count() == 4
    assert second.content_hash != first.content_hash


def test_a_published_version_is_not_published_again(published: QuestionVersion) -> None:
    with pytest.raises(NotPublishable, match="already published"):
        services.publish(published, now=NOW)


def test_a_retired_version_does_not_come_back(
    question: Question, published: QuestionVersion
) -> None:
    assert services.retire(question, now=NOW)
    assert not services.retire(question, now=NOW)
    with pytest.raises(NotPublishable, match="already retired"):
        services.publish(published, now=NOW)
    again = services.draft_from_published(question)
    services.publish(again, now=NOW)
    assert question.versions.get(status=PUBLISHED) == again


def test_discarding_a_draft_leaves_the_published_text(
    question: Question, published: QuestionVersion
) -> None:
    assert not services.discard_draft(question)
    write(question)
    assert services.discard_draft(question)
    assert list(question.versions.all()) == [published]


def test_a_question_that_was_only_ever_a_draft_goes_with_it(world: World) -> None:
    question = Question.objects.create(key="never-published")
    write(question)
    assert services.discard_draft(question)
    assert not Question.objects.filter(key="never-published").exists()


def test_attempts_keep_the_text_they_were_given(
    world: World, question: Question, published: QuestionVersion
) -> None:
    for seed in range(20):  # until a form holds our question: ten of the domain's fourteen do
        attempt = world.start(world.person(f"p{seed}@example.org"), "drill", domain=2, seed=seed)
        if item := attempt.items.filter(version=published).first():
            break
    assert item is not None
    services.publish(write(question), now=NOW)
    item.refresh_from_db()
    assert item.version_id == published.pk
    assert set(item.choice_order) == set(published.choices.values_list("pk", flat=True))


def test_what_is_missing_is_said_in_sentences(world: World) -> None:
    question = Question.objects.create(key="half-written")
    options = four_options()
    options[0] = Option("Name an owner", "Authority comes before action.")
    options[1] = Option("", "")
    draft = services.write_draft(
        question, stem=" ", difficulty=0.6, level="apply", references=[], options=options[:3]
    )
    findings = [(finding.about, finding.text) for finding in services.publish_findings(draft)]
    assert findings == [
        ("objective", "Choose the objective this question belongs to."),
        ("stem", "The stem is empty."),
        ("options", "A question has four options; this one has 3."),
        ("option_2", "Option 2 has no text."),
        ("option_2", "Option 2 has no rationale."),
        ("options", "Exactly one option must be marked as the key; 0 are."),
        ("option_1", "Option 1 is a distractor and needs a misjudgement from the list."),
        ("option_2", "Option 2 is a distractor and needs a misjudgement from the list."),
        ("references", "Give at least one public, checkable reference."),
    ]
    with pytest.raises(NotPublishable) as refused:
        services.publish(draft, now=NOW)
    assert "The stem is empty." in refused.value.problems
    draft.refresh_from_db()
    assert draft.status == DRAFT


# --- Raw writes, past the services ----------------------------------------------------------

FROZEN_VERSION_COLUMNS = {
    "scenario_title": "another title",
    "scenario_text": "another situation",
    "stem": "another stem",
    "difficulty": Decimal("0.31"),
    "level": "recall",
    "references": ["another source"],
    "content_hash": "0",
    "number": 99,
}
FROZEN_CHOICE_COLUMNS = {
    "text": "another text",
    "rationale": "another reason",
    "position": 9,
    "misjudgement": "wrong-order-2",
}


@pytest.mark.parametrize("status", [PUBLISHED, RETIRED])
@pytest.mark.parametrize("column", FROZEN_VERSION_COLUMNS)
def test_the_database_refuses_to_change_a_versions_words(
    question: Question, published: QuestionVersion, status: str, column: str
) -> None:
    if status == RETIRED:
        services.retire(question, now=NOW)
    rows = QuestionVersion.objects.filter(pk=published.pk)
    with pytest.raises(IntegrityError, match="published_text_never_changes"):
        rows.update(**{column: FROZEN_VERSION_COLUMNS[column]})


@pytest.mark.parametrize("column", FROZEN_CHOICE_COLUMNS)
def test_the_database_refuses_to_change_a_published_choice(
    published: QuestionVersion, column: str
) -> None:
    rows = published.choices.filter(is_correct=False)[:1]
    with pytest.raises(IntegrityError, match="published_text_never_changes"):
        Choice.objects.filter(pk__in=rows.values("pk")).update(
            **{column: FROZEN_CHOICE_COLUMNS[column]}
        )


def other_version(published: QuestionVersion) -> int:
    return QuestionVersion.objects.exclude(pk=published.pk).order_by("pk")[0].pk


RAW: dict[str, str] = {
    "key moved": "UPDATE questions_choice SET is_correct = false WHERE id = {key}",
    "choice added": (
        "INSERT INTO questions_choice (version_id, position, text, text_html, rationale, "
        "rationale_html, is_correct, misjudgement) "
        "VALUES ({version}, 5, 'x', 'x', 'x', 'x', false, '')"
    ),
    "choice removed": "DELETE FROM questions_choice WHERE id = {key}",
    "choice moved in": "UPDATE questions_choice SET version_id = {version} WHERE id = {foreign}",
    "choice moved out": "UPDATE questions_choice SET version_id = {draft} WHERE id = {key}",
    "back to draft": (
        "UPDATE questions_questionversion SET status = 'draft', published_at = NULL "
        "WHERE id = {version}"
    ),
    "words": "UPDATE questions_questionversion SET stem = stem || '!' WHERE id = {version}",
    "another question's": (
        "UPDATE questions_questionversion SET question_id = {question} WHERE id = {version}"
    ),
    "version removed": "DELETE FROM questions_questionversion WHERE id = {version}",
}


def at_once(sql: str) -> None:
    """With foreign keys checked now, not at a commit that tests never reach."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)


@pytest.mark.parametrize("attack", RAW)
def test_raw_sql_gets_no_further(published: QuestionVersion, attack: str) -> None:
    other = QuestionVersion.objects.get(pk=other_version(published))
    draft = services.draft_from_published(other.question)
    names = {
        "version": published.pk,
        "key": published.choices.get(is_correct=True).pk,
        "foreign": draft.choices.order_by("pk")[0].pk,
        "draft": draft.pk,
        "question": other.question_id,
    }
    with pytest.raises(IntegrityError):
        at_once(RAW[attack].format(**names))


def test_a_retired_version_cannot_be_republished_by_hand(
    question: Question, published: QuestionVersion
) -> None:
    services.retire(question, now=NOW)
    with pytest.raises(IntegrityError, match="published_text_never_changes"):
        QuestionVersion.objects.filter(pk=published.pk).update(status=PUBLISHED, retired_at=None)


def test_html_may_be_rendered_anew(published: QuestionVersion) -> None:
    QuestionVersion.objects.filter(pk=published.pk).update(
        stem_html="<p>better</p>", scenario_html="<p>better</p>"
    )
    published.choices.update(text_html="<p>better</p>", rationale_html="<p>better</p>")
    published.refresh_from_db()
    assert published.stem_html == "<p>better</p>"


# --- The named rules ------------------------------------------------------------------------


def copy_of(version: QuestionVersion, **changed: object) -> None:
    version.pk, version._state.adding = None, True
    for name, value in changed.items():
        setattr(version, name, value)
    version.save()


def choice(draft: QuestionVersion, position: int, **changed: object) -> None:
    fields: dict[str, object] = {"text": "x", "rationale": "x", **changed}
    Choice.objects.create(version=draft, position=position, **fields)


def place_twice(published: QuestionVersion) -> None:
    placement = published.question.placements.order_by("pk")[0]
    placement.pk, placement._state.adding = None, True
    placement.save()


def draft_of(published: QuestionVersion) -> QuestionVersion:
    return services.draft_from_published(published.question)


TRIES: dict[str, Callable[[QuestionVersion], object]] = {
    "version_number_once_per_question": lambda v: copy_of(v, status=RETIRED, retired_at=NOW),
    "one_published_version_per_question": lambda v: copy_of(v, number=50),
    "one_draft_version_per_question": lambda v: copy_of(draft_of(v), number=50),
    "difficulty_between_30_and_90": lambda v: QuestionVersion.objects.filter(
        pk=draft_of(v).pk
    ).update(difficulty=Decimal("0.95")),
    "version_status_matches_its_dates": lambda v: QuestionVersion.objects.filter(pk=v.pk).update(
        published_at=None
    ),
    "choice_position_once_per_version": lambda v: choice(draft_of(v), 1),
    "one_key_per_version": lambda v: choice(draft_of(v), 5, is_correct=True),
    "key_has_no_misjudgement": lambda v: Choice.objects.filter(
        version=draft_of(v), is_correct=True
    ).update(misjudgement="wrong-order"),
    "one_objective_per_question_and_outline": place_twice,
}


def test_every_named_rule_is_tried_below() -> None:
    declared = {
        constraint.name
        for model in apps.get_app_config("questions").get_models()
        for constraint in model._meta.constraints
    }
    assert declared == set(TRIES)


@pytest.mark.parametrize("name", TRIES)
def test_the_database_keeps_the_rule(published: QuestionVersion, name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        TRIES[name](published)


# --- Placement ------------------------------------------------------------------------------


def test_a_place_in_one_outline_is_a_place_in_the_next(world: World) -> None:
    question = Question.objects.create(key="newly-written")
    older = Placement.objects.filter(outline__key="2022").order_by("pk")[0].objective
    assert older.successor is not None
    services.place(question, older)
    assert {p.objective for p in question.placements.all()} == {older, older.successor}


def test_moving_takes_along_what_followed_and_leaves_what_a_person_chose(world: World) -> None:
    question = Question.objects.create(key="newly-written")
    first, second = (
        world.outline.domains.get(number=n).objectives.order_by("pk")[0] for n in (2, 3)
    )
    services.place(question, first)
    followed = question.placements.get(outline__key="2022").objective
    assert followed in services.relatives(first)
    services.move(question, second)
    assert question.placements.get(outline=world.outline).objective == second
    assert question.placements.get(outline__key="2022").objective in services.relatives(second)
