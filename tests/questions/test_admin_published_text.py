"""What was published does not change, whichever door somebody tries."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from questions.models import Choice, Question, QuestionVersion
from tests.questions.desk import WHOLE, enter, page_of
from tests.world import World


@pytest.fixture
def question(world: World) -> Question:
    return Question.objects.get(key="d3-sum-of-acceptances")


def test_the_form_cannot_write_over_a_published_version(world: World, question: Question) -> None:
    version = question.versions.get()
    reply = enter(world.ines).post(page_of(question), WHOLE | {"_save": "1"})
    assert reply.status_code == 409
    assert "Not saved" in reply.content.decode()
    assert WHOLE["option_3-rationale"] in reply.content.decode()
    assert [v.content_hash for v in question.versions.all()] == [version.content_hash]


def test_there_is_nothing_to_publish_without_a_draft(world: World, question: Question) -> None:
    reply = enter(world.ines).post(page_of(question, "publish"), {"revision": ""}, follow=True)
    assert "Nothing was published" in reply.content.decode()


@pytest.mark.parametrize("leaf", ["new_version", "publish"])
def test_what_changes_something_is_a_post(world: World, question: Question, leaf: str) -> None:
    assert enter(world.ines).get(page_of(question, leaf)).status_code == 405
    assert question.versions.count() == 1


@pytest.mark.parametrize("leaf", ["retire", "discard"])
def test_asking_first_changes_nothing(world: World, question: Question, leaf: str) -> None:
    assert enter(world.ines).get(page_of(question, leaf)).status_code == 200
    assert question.versions.get().status == QuestionVersion.Status.PUBLISHED


def test_the_delete_page_is_closed(world: World, question: Question) -> None:
    reply = enter(world.ines).post(page_of(question, "delete"), {"post": "yes"})
    assert reply.status_code == 403
    assert Question.objects.filter(pk=question.pk).exists()


def test_the_database_refuses_whoever_goes_round_the_pages(question: Question) -> None:
    versions = QuestionVersion.objects.filter(question=question)
    choices = Choice.objects.filter(version__question=question)
    for go_round in (
        lambda: versions.update(stem="Another situation"),
        lambda: versions.update(difficulty="0.31"),
        lambda: versions.update(status="draft", published_at=None),
        lambda: choices.update(rationale="Because"),
        lambda: choices.filter(is_correct=True).delete(),
    ):
        with (
            pytest.raises(DatabaseError, match="published_text_never_changes"),
            transaction.atomic(),
        ):
            go_round()
