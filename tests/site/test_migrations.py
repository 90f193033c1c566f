"""Migrations say what the models say, and the hand-written one can be taken back."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction

from questions.models import QuestionVersion
from tests.world import World


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_missing_migration_would_be_noticed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    field = QuestionVersion._meta.get_field("level")
    monkeypatch.setattr(field, "max_length", 11)
    with pytest.raises(SystemExit):
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    assert isinstance(field, models.CharField)


def test_every_migration_has_been_applied(db: None) -> None:
    call_command("migrate", check_unapplied=True, verbosity=0)


def rewrite_published_stems(stem: str) -> None:
    with transaction.atomic():
        QuestionVersion.objects.filter(status="published").update(stem=stem)


def test_the_guard_of_published_text_goes_and_comes_back(world: World) -> None:
    migration = import_module("questions.migrations.0002_published_text_never_changes")
    with connection.cursor() as cursor:
        cursor.execute(migration.BACKWARD)
        rewrite_published_stems("while it is away")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or the table counts as busy
        cursor.execute(migration.FORWARD)
    with pytest.raises(IntegrityError, match="published_text_never_changes"):
        rewrite_published_stems("and back")
