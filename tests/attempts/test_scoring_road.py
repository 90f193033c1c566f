"""The shortest whole road through the services: start, answer, submit, score."""

from __future__ import annotations

import pytest
from django.utils import timezone

from attempts import services
from attempts.models import Attempt, DomainResult
from attempts.results import score_attempt
from tests.world import World, right, sometimes, wrong


def test_all_right_scores_all(world: World) -> None:
    attempt = world.sat(world.ada, "quick", right)
    assert attempt.state == "scored"
    assert (attempt.correct_count, attempt.item_count) == (24, 24)
    assert attempt.share_high == 1


def test_all_wrong_scores_nothing(world: World) -> None:
    attempt = world.sat(world.ada, "quick", wrong)
    assert attempt.correct_count == 0
    assert attempt.share_low == 0


def test_a_question_without_a_key_is_not_left_out_in_silence(world: World) -> None:
    attempt = world.start(world.ada, "quick")
    services.submit(attempt, timezone.now())
    Attempt.objects.filter(pk=attempt.pk).update(item_count=25)
    with pytest.raises(KeyError, match="24 keys, 25 questions"):
        score_attempt(attempt.pk, timezone.now())
    assert Attempt.objects.get(pk=attempt.pk).state == "closed"


@pytest.mark.parametrize("key", ["half", "quick"])
def test_results_cover_all_six_domains_in_both_scopes(world: World, key: str) -> None:
    attempt = world.sat(world.ada, key, sometimes(0.6))
    for scope in DomainResult.Scope:
        rows = attempt.domain_results.filter(scope=scope)
        assert [row.domain.number for row in rows] == [1, 2, 3, 4, 5, 6]
        assert sum(row.n for row in rows) == attempt.item_count
