"""Who gets which items: fills a blueprint from the bank. Pure; same inputs, same form.

Hard: the quota of every domain, and no two enemies on one form. Soft: questions this person has
met least often come first. Items of one scenario stand together.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TRIES: Final = 40  # fresh shuffles before we believe that enemies make a quota impossible


@dataclass(frozen=True, slots=True)
class Candidate:
    """One published item as the assembler sees it."""

    version: int
    question: int
    domain: int  # its number in the attempt's outline
    enemies: frozenset[int] = frozenset()  # question ids
    scenario: int | None = None
    times_met: int = 0


class NotEnoughItems(Exception):
    """The bank cannot fill the form. `missing`: domain number -> how many items it is short by."""

    def __init__(self, missing: Mapping[int, int]) -> None:
        self.missing = dict(missing)
        listed = ", ".join(f"domain {d} by {n}" for d, n in sorted(missing.items()))
        super().__init__(f"The bank is short in {listed}.")

    @property
    def total(self) -> int:
        return sum(self.missing.values())


def missing_items(pool: Mapping[int, int], quotas: Mapping[int, int]) -> dict[int, int]:
    """domain -> shortfall, from counts alone (enemies aside); empty when the form can be filled."""
    return {
        domain: quota - pool.get(domain, 0)
        for domain, quota in quotas.items()
        if pool.get(domain, 0) < quota
    }


def assemble(
    pool: Sequence[Candidate], quotas: Mapping[int, int], seed: int
) -> tuple[Candidate, ...]:
    """Draw a form: `quotas[domain]` items of each domain, in the order they will be asked.

    Raises NotEnoughItems. `pool` may come in any order; the draw depends on ids and seed alone.
    """
    counts: dict[int, int] = {}
    for candidate in pool:
        counts[candidate.domain] = counts.get(candidate.domain, 0) + 1
    if missing := missing_items(counts, quotas):
        raise NotEnoughItems(missing)
    rng = random.Random(seed)
    ordered = sorted(pool, key=lambda candidate: candidate.question)
    best: dict[int, int] | None = None
    for number in range(TRIES):
        # A hard rule outweighs a soft one: when the least met are too hostile, forget history.
        chosen, missing = _draw(ordered, quotas, rng, prefer_unmet=number < TRIES // 2)
        if not missing:
            return _sequence(chosen, rng)
        if best is None or sum(missing.values()) < sum(best.values()):
            best = missing
    raise NotEnoughItems(best or {})


def _draw(
    pool: Sequence[Candidate],
    quotas: Mapping[int, int],
    rng: random.Random,
    *,
    prefer_unmet: bool,
) -> tuple[list[Candidate], dict[int, int]]:
    left = dict(quotas)
    chosen: list[Candidate] = []
    barred: set[int] = set()
    order = rng.sample(pool, len(pool))
    if prefer_unmet:
        order.sort(key=lambda candidate: candidate.times_met)  # stable: chance among equals
    for candidate in order:
        if left.get(candidate.domain, 0) and candidate.question not in barred:
            chosen.append(candidate)
            barred |= {candidate.question, *candidate.enemies}
            left[candidate.domain] -= 1
    return chosen, {domain: count for domain, count in left.items() if count}


def _sequence(chosen: Sequence[Candidate], rng: random.Random) -> tuple[Candidate, ...]:
    """Domains mixed as in the real exam, scenario sets kept together."""
    groups: dict[tuple[str, int], list[Candidate]] = {}
    for candidate in chosen:
        key = (
            ("question", candidate.question)
            if candidate.scenario is None
            else ("scenario", candidate.scenario)
        )
        groups.setdefault(key, []).append(candidate)
    blocks = [groups[key] for key in sorted(groups)]
    rng.shuffle(blocks)
    for block in blocks:
        rng.shuffle(block)
    return tuple(candidate for block in blocks for candidate in block)


def shuffled_choices(choice_ids: Sequence[int], seed: int, question: int) -> list[int]:
    """The order this attempt shows the options in; stored with the item."""
    order = sorted(choice_ids)
    random.Random(f"{seed}:{question}").shuffle(order)
    return order
