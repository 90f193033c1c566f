"""The shortest whole road through the services: start, answer, submit, score."""

from __future__ import annotations

import pytest

from attempts.models import DomainResult
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


@pytest.mark.parametrize("key", ["half", "quick"])
def test_results_cover_all_six_domains_in_both_scopes(world: World, key: str) -> None:
    attempt = world.sat(world.ada, key, sometimes(0.6))
    for scope in DomainResult.Scope:
        rows = attempt.domain_results.filter(scope=scope)
        assert [row.domain.number for row in rows] == [1, 2, 3, 4, 5, 6]
        assert sum(row.n for row in rows) == attempt.item_count
