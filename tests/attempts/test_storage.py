"""How attempts lie on the disk: what ten thousand people write at once touches little else."""

from __future__ import annotations

import pytest
from django.db import connection

from attempts import room, saving
from issmp_site import settings
from tests.world import World

TOUCHED = {"choice_id", "revision", "answered_at", "flagged", "seen_at", "visible_ms", "is_correct"}


def indexed(table: str) -> dict[str, set[str]]:
    """index -> its columns"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT index.indexrelid::regclass::text, array_agg(a.attname::text) "
            "FROM pg_index index JOIN pg_attribute a "
            "ON a.attrelid = index.indrelid AND a.attnum = ANY(index.indkey) "
            "WHERE index.indrelid = %s::regclass GROUP BY 1",
            [table],
        )
        return {name: set(columns) for name, columns in cursor.fetchall()}


def written(table: str) -> tuple[int, int]:
    """Rows updated in this transaction, and those of them for which no index was touched."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid) "
            "FROM pg_class WHERE oid = %s::regclass",
            [table],
        )
        updated, light = cursor.fetchone()
        return updated, light


def test_an_item_has_no_index_but_what_finds_it(world: World) -> None:
    indexes = indexed("attempts_attemptitem")
    assert sorted(map(sorted, indexes.values())) == [
        ["attempt_id", "position"],
        ["attempt_id", "version_id"],
        ["id"],
        ["version_id"],
    ]
    assert not TOUCHED & set().union(*indexes.values())


def test_an_event_is_found_by_its_item_alone(world: World) -> None:
    indexes = indexed("attempts_answerevent")
    assert sorted(map(sorted, indexes.values())) == [["id"], ["item_id", "revision"]]


def test_an_answer_touches_no_index_of_its_item(world: World) -> None:
    attempt = world.start(world.ada)
    before = written("attempts_attemptitem")
    for position in (1, 2, 3):
        choice = attempt.items.get(position=position).choice_order[0]
        now = attempt.started_at
        saving.save_answer(
            world.ada, attempt.public_id, position, choice=choice, revision=0, now=now
        )
    after = written("attempts_attemptitem")
    assert (after[0] - before[0], after[1] - before[1]) == (3, 3)


# --- Plans ----------------------------------------------------------------------------------


def prepared() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return {statement for (statement,) in cursor.fetchall()}


def test_what_is_asked_again_and_again_is_planned_once(world: World) -> None:
    attempt = world.start(world.ada)
    for _ in range(7):
        room.read_cells(attempt.pk)
    assert any("floor(extract(epoch FROM answered_at)" in statement for statement in prepared())


@pytest.mark.parametrize(("said", "threshold"), [("1", 5), ("0", None)])
def test_plans_are_kept_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: str, threshold: int | None
) -> None:
    monkeypatch.setenv("ISSMP_PREPARED_STATEMENTS", said)
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@127.0.0.1/touchstone")
    assert settings._database()["OPTIONS"]["prepare_threshold"] == threshold
