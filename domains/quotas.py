"""Weights to whole counts, by largest remainder (Hamilton's method). Pure."""

from __future__ import annotations

from collections.abc import Mapping


def largest_remainder(weights: Mapping[int, int], total: int) -> dict[int, int]:
    """Share `total` seats among the keys of `weights` in proportion.

    weights: domain number -> weight (any positive whole numbers; need not add up to 100).
    Returns domain number -> count; the counts add up to `total` exactly. Equal remainders go to
    the lower domain number (shared/EXAM.md: 125 items under the current outline hit such a tie).
    Whole-number arithmetic throughout: 22.5 and 17.5 must tie exactly.
    """
    if total < 0:
        raise ValueError("total must not be negative")
    if not weights or any(weight < 0 for weight in weights.values()):
        raise ValueError("weights must be given and not be negative")
    mass = sum(weights.values())
    if mass == 0:
        raise ValueError("weights must not all be zero")
    counts = {key: total * weight // mass for key, weight in weights.items()}
    remainders = {key: total * weight % mass for key, weight in weights.items()}
    left = total - sum(counts.values())
    for key in sorted(weights, key=lambda key: (-remainders[key], key))[:left]:
        counts[key] += 1
    return counts
