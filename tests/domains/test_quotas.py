"""Weights to whole counts: the values of the exam facts, and brute force."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import pytest

from domains.quotas import largest_remainder
from tests.cases import for_each

OUTLINE_2022 = dict(enumerate([20, 18, 19, 17, 15, 11], 1))
CURRENT = dict(enumerate([21, 15, 20, 18, 12, 14], 1))


@pytest.mark.parametrize(
    ("weights", "total", "counts"),
    [
        (OUTLINE_2022, 125, [25, 22, 24, 21, 19, 14]),
        (CURRENT, 125, [26, 19, 25, 23, 15, 17]),  # 22.5 and 17.5 tie: the lower number wins
        (OUTLINE_2022, 60, [12, 11, 11, 10, 9, 7]),
        (CURRENT, 60, [13, 9, 12, 11, 7, 8]),
        (OUTLINE_2022, 24, [5, 4, 4, 4, 4, 3]),
        (CURRENT, 24, [5, 4, 5, 4, 3, 3]),
        (CURRENT, 0, [0] * 6),
        (CURRENT, 1, [1, 0, 0, 0, 0, 0]),
        (CURRENT, 100, [21, 15, 20, 18, 12, 14]),
    ],
)
def test_known_values(weights: dict[int, int], total: int, counts: list[int]) -> None:
    assert largest_remainder(weights, total) == dict(enumerate(counts, 1))


def by_brute_force(weights: dict[int, int], total: int) -> dict[int, int]:
    """Of all ways to round up or down that give the total, the one nearest to the exact shares;
    among equals the one that favours lower numbers."""
    mass = sum(weights.values())
    exact = {key: Fraction(total * weight, mass) for key, weight in weights.items()}
    keys = sorted(weights)
    ways = (
        tuple(int(exact[key]) + up for key, up in zip(keys, ups, strict=True))
        for ups in product((0, 1), repeat=len(keys))
    )
    best = min(
        (way for way in ways if sum(way) == total),
        key=lambda way: (
            sum((count - exact[key]) ** 2 for key, count in zip(keys, way, strict=True)),
            [-count for count in way],
        ),
    )
    return dict(zip(keys, best, strict=True))


@for_each("seed", range(150))
def test_it_is_the_nearest_whole_split(seed: int) -> None:
    rng = random.Random(seed)
    weights = {number: rng.randint(1, 30) for number in range(1, rng.randint(2, 7))}
    total = rng.randint(0, 130)
    counts = largest_remainder(weights, total)
    assert counts == by_brute_force(weights, total)
    assert sum(counts.values()) == total
    for key, count in counts.items():  # never off by a whole item
        assert abs(count - Fraction(total * weights[key], sum(weights.values()))) < 1


def test_the_order_of_the_weights_does_not_matter() -> None:
    backwards = dict(reversed(CURRENT.items()))
    assert largest_remainder(backwards, 125) == largest_remainder(CURRENT, 125)


@pytest.mark.parametrize(
    ("weights", "total"), [({}, 5), ({1: 0, 2: 0}, 5), ({1: -1, 2: 3}, 5), ({1: 1}, -1)]
)
def test_nonsense_is_refused(weights: dict[int, int], total: int) -> None:
    with pytest.raises(ValueError):
        largest_remainder(weights, total)
