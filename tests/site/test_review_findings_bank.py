"""Found in review: what a load of the bank's files undid."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError
from django.utils import timezone

from questions import services
from questions.bank import Bank, read_bank
from questions.loading import load_bank
from questions.models import Choice, Question
from tests.world import ROOT


def test_a_changed_file_does_not_bring_back_what_an_instructor_retired(db: None) -> None:
    bank = read_bank(ROOT / "fixtures" / "bank")
    first, *others = bank.items
    question = Question.objects.get(key=first.id)
    services.retire(question, now=timezone.now())
    edited = Bank((replace(first, stem=f"{first.stem} Mended."), *others), bank.scenarios)
    (conflict,) = load_bank(edited, now=timezone.now()).conflicts
    assert conflict.startswith(f"{first.id} was retired here and changed in {first.file}:")
    assert [version.status for version in question.versions.all()] == ["retired"]


def test_a_published_choice_cannot_be_moved_to_a_draft(db: None) -> None:
    choice = Choice.objects.filter(version__status="published", is_correct=False)[0]
    draft = services.draft_from_published(choice.version.question)
    with pytest.raises(IntegrityError, match="published_text_never_changes"):
        Choice.objects.filter(pk=choice.pk).update(version=draft, position=9)
