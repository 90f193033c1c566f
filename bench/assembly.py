"""How long a form takes to draw: the shipped bank, and made-up ones of 1,000 and 2,000 items.

    .venv/bin/python -m bench.assembly [--draws 20] [--seed 1] [--json]

Seeded, one process. Each line is a person's history: nothing met, a third met, two thirds met. The
floor, in the same run, is a plain random draw of as many items, which keeps no rule at all; the
ratio is what the rules cost.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from attempts.assembly import Candidate, NotEnoughItems, assemble, own_reserve
from domains.quotas import largest_remainder
from questions.bank import mutual_enemies, read_bank

WEIGHTS = {1: 20, 2: 18, 3: 19, 4: 17, 5: 15, 6: 11}
QUOTAS = largest_remainder(WEIGHTS, 125)
BANK = Path(__file__).resolve().parent.parent / "fixtures" / "bank"


@dataclass(frozen=True, slots=True)
class Line:
    items: int
    met_share: float
    draws: int
    median_ms: float
    slowest_ms: float
    plain_draw_ms: float
    ratio: float


def shipped() -> list[Candidate]:
    bank = read_bank(BANK)
    numbers = {item.id: number for number, item in enumerate(bank.items)}
    scenarios = {scenario.id: number for number, scenario in enumerate(bank.scenarios)}
    enemies = mutual_enemies(bank)
    return [
        Candidate(
            version=numbers[item.id],
            question=numbers[item.id],
            domain=int(item.objectives["2022"].split(".")[0]),
            objective=item.objectives["2022"],
            difficulty=item.difficulty,
            enemies=frozenset(numbers[enemy] for enemy in enemies[item.id]),
            scenario=scenarios[item.scenario] if item.scenario else None,
        )
        for item in bank.items
    ]


def made_up(size: int, rng: random.Random) -> list[Candidate]:
    """As many sets and enemies as the shipped bank has, by share."""
    domains = rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=size)
    pool: list[Candidate] = []
    while len(pool) < size:
        first, domain = len(pool), domains[len(pool)]
        count = rng.randint(3, 5) if rng.random() < 0.09 else 1
        pool += [
            Candidate(
                version=number,
                question=number,
                domain=domain,
                objective=f"{domain}.{rng.randint(1, 5)}",
                difficulty=rng.uniform(0.35, 0.88),
                enemies=frozenset([rng.randrange(size)]) if rng.random() < 0.1 else frozenset(),
                scenario=first if count > 1 else None,
            )
            for number in range(first, first + count)
        ]
    return pool[:size]


def with_history(pool: Sequence[Candidate], share: float, rng: random.Random) -> list[Candidate]:
    return [
        replace(
            candidate,
            times_met=int(met := rng.random() < share),
            met_at=rng.random() if met else 0.0,
            exposure=rng.randint(0, 200),
        )
        for candidate in pool
    ]


def measure(pool: Sequence[Candidate], share: float, draws: int, seed: int) -> Line:
    rng = random.Random(seed)
    persons = [with_history(pool, share, rng) for _ in range(draws)]
    taken = []
    for number, person in enumerate(persons):
        began = time.perf_counter()
        try:
            assemble(person, QUOTAS, number, reserves=[own_reserve(person, QUOTAS)])
        except NotEnoughItems as short:
            raise SystemExit(f"{len(pool)} items cannot fill a form: {short}") from short
        taken.append(1000 * (time.perf_counter() - began))
    began = time.perf_counter()
    for person in persons:
        random.Random(seed).sample(person, sum(QUOTAS.values()))
    plain = 1000 * (time.perf_counter() - began) / draws
    median = statistics.median(taken)
    return Line(
        items=len(pool),
        met_share=share,
        draws=draws,
        median_ms=round(median, 1),
        slowest_ms=round(max(taken), 1),
        plain_draw_ms=round(plain, 3),
        ratio=round(median / plain),
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(argv)
    rng = random.Random(chosen.seed)
    pools = [shipped(), made_up(1_000, rng), made_up(2_000, rng)]
    lines = [
        measure(pool, share, chosen.draws, chosen.seed)
        for pool in pools
        for share in (0.0, 1 / 3, 2 / 3)
    ]
    if chosen.json:
        print(json.dumps([asdict(line) for line in lines], indent=2))
        return
    print(f"{'items':>6}{'met':>7}{'median ms':>11}{'slowest ms':>12}{'plain ms':>10}{'ratio':>7}")
    for line in lines:
        print(
            f"{line.items:>6}{100 * line.met_share:>6.0f}%{line.median_ms:>11}"
            f"{line.slowest_ms:>12}{line.plain_draw_ms:>10}{line.ratio:>7}"
        )


if __name__ == "__main__":
    main()
