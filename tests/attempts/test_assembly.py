"""Drawing a form: properties that hold for any bank, tried on many small random ones."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations, product

import pytest

from attempts.assembly import (
    Candidate,
    NotEnoughItems,
    assemble,
    missing_items,
    shuffled_choices,
)

SEEDS = range(150)


def random_bank(rng: random.Random, *, enemies: float = 0.15) -> list[Candidate]:
    """Three domains of four to nine items, some enemies (always mutual), some scenario sets."""
    size = {domain: rng.randint(4, 9) for domain in (1, 2, 3)}
    domains = [domain for domain, count in size.items() for _ in range(count)]
    pairs = {pair for pair in combinations(range(len(domains)), 2) if rng.random() < enemies / 3}
    return [
        Candidate(
            version=1000 + question,
            question=question,
            domain=domain,
            enemies=frozenset(
                one if other == question else other
                for one, other in pairs
                if question in (one, other)
            ),
            scenario=rng.choice([None, None, None, 7, 8]),
            times_met=rng.choice([0, 0, 1, 2]),
        )
        for question, domain in enumerate(domains)
    ]


def random_quotas(rng: random.Random) -> dict[int, int]:
    return {domain: rng.randint(0, 3) for domain in (1, 2, 3)}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_form_keeps_every_hard_rule(seed: int) -> None:
    rng = random.Random(seed)
    pool, quotas = random_bank(rng), random_quotas(rng)
    form = assemble(pool, quotas, seed)
    assert Counter(item.domain for item in form) == {d: n for d, n in quotas.items() if n}
    questions = [item.question for item in form]
    assert len(set(questions)) == len(questions)
    assert not any(item.enemies & set(questions) for item in form)
    assert set(form) <= set(pool)


@pytest.mark.parametrize("seed", SEEDS[:50])
def test_a_form_depends_on_bank_and_seed_alone(seed: int) -> None:
    rng = random.Random(seed)
    pool, quotas = random_bank(rng), random_quotas(rng)
    form = assemble(pool, quotas, seed)
    rng.shuffle(pool)
    assert assemble(pool, quotas, seed) == form
    assert assemble(pool[::-1], dict(reversed(quotas.items())), seed) == form


def test_another_seed_draws_another_form() -> None:
    pool = [Candidate(question, question, 1) for question in range(40)]
    assert len({assemble(pool, {1: 10}, seed) for seed in range(20)}) == 20


@pytest.mark.parametrize("seed", SEEDS[:50])
def test_what_was_met_least_comes_first(seed: int) -> None:
    rng = random.Random(seed)
    pool, quotas = random_bank(rng, enemies=0), random_quotas(rng)
    form = assemble(pool, quotas, seed)
    for domain in quotas:
        taken = [item.times_met for item in form if item.domain == domain]
        left = [c.times_met for c in pool if c.domain == domain and c not in form]
        assert not taken or not left or max(taken) <= min(left)


def test_among_equals_chance_decides() -> None:
    pool = [Candidate(question, question, 1) for question in range(8)]
    drawn = Counter(item.question for seed in range(400) for item in assemble(pool, {1: 2}, seed))
    assert set(drawn) == set(range(8))
    assert all(60 < count < 140 for count in drawn.values())  # 100 expected


@pytest.mark.parametrize("seed", SEEDS[:50])
def test_items_of_a_scenario_stand_together(seed: int) -> None:
    rng = random.Random(seed)
    form = assemble(random_bank(rng), random_quotas(rng), seed)
    for scenario in (7, 8):
        places = [place for place, item in enumerate(form) if item.scenario == scenario]
        assert places == list(range(min(places, default=0), max(places, default=-1) + 1))


def test_domains_are_mixed() -> None:
    pool = [Candidate(question, question, question % 3) for question in range(60)]
    orders = [
        [item.domain for item in assemble(pool, {0: 8, 1: 8, 2: 8}, seed)] for seed in range(10)
    ]
    assert all(order != sorted(order) for order in orders)


# --- When the bank is too small -------------------------------------------------------------


def test_each_short_domain_is_named_with_its_number() -> None:
    pool = [Candidate(question, question, question % 2 + 1) for question in range(6)]
    with pytest.raises(NotEnoughItems) as short:
        assemble(pool, {1: 5, 2: 3, 4: 2}, 1)
    assert short.value.missing == {1: 2, 4: 2}
    assert short.value.total == 4
    assert str(short.value) == "The bank is short in domain 1 by 2, domain 4 by 2."


def test_enemies_alone_can_make_a_bank_too_small() -> None:
    everyone = frozenset({1, 2, 3})
    pool = [Candidate(q, q, 1, enemies=everyone - {q}) for q in everyone]
    assert len(assemble(pool, {1: 1}, 1)) == 1
    with pytest.raises(NotEnoughItems) as short:
        assemble(pool, {1: 3}, 1)
    assert short.value.missing == {1: 2}


def test_missing_items_counts_only_shortfalls() -> None:
    assert missing_items({1: 3, 2: 9}, {1: 3, 2: 4}) == {}
    assert missing_items({1: 2}, {1: 3, 2: 4}) == {1: 1, 2: 4}


def can_be_filled(pool: list[Candidate], quotas: dict[int, int]) -> bool:
    """By trying every combination."""
    by_domain = [
        list(combinations([c for c in pool if c.domain == domain], quota))
        for domain, quota in quotas.items()
    ]
    for parts in product(*by_domain):
        chosen = [candidate for part in parts for candidate in part]
        questions = {candidate.question for candidate in chosen}
        if not any(candidate.enemies & questions for candidate in chosen):
            return True
    return False


def hostile_bank(seed: int) -> tuple[list[Candidate], dict[int, int]]:
    rng = random.Random(seed)
    pairs = [pair for pair in combinations(range(7), 2) if rng.random() < 0.3]
    pool = [
        Candidate(
            version=q,
            question=q,
            domain=q % 2,
            enemies=frozenset(a + b - q for a, b in pairs if q in (a, b)),
            times_met=rng.choice([0, 1]),
        )
        for q in range(7)
    ]
    return pool, {0: rng.randint(1, 3), 1: rng.randint(1, 2)}


def test_it_finds_a_form_where_there_is_one_and_only_there() -> None:
    """Against brute force, on banks so small and hostile that many cannot be filled.

    The draw is a search by chance, TRIES shuffles deep: in a bank far more hostile than these it
    may miss a form that exists. It never makes one up.
    """
    verdicts = Counter[bool]()
    for seed in range(300):
        pool, quotas = hostile_bank(seed)
        verdicts[can_be_filled(pool, quotas)] += 1
        if can_be_filled(pool, quotas):
            assert len(assemble(pool, quotas, seed)) == sum(quotas.values())
        else:
            with pytest.raises(NotEnoughItems):
                assemble(pool, quotas, seed)
    assert min(verdicts[True], verdicts[False]) > 50  # the comparison saw both


# --- The order of options -------------------------------------------------------------------


def test_options_are_shuffled_per_attempt_and_question_and_stay_so() -> None:
    choices = [4, 2, 3, 1]
    assert sorted(shuffled_choices(choices, 1, 1)) == [1, 2, 3, 4]
    assert shuffled_choices(choices, 1, 1) == shuffled_choices(sorted(choices), 1, 1)
    assert len({tuple(shuffled_choices(choices, seed, 1)) for seed in range(200)}) == 24
    assert len({tuple(shuffled_choices(choices, 1, question)) for question in range(200)}) == 24


def test_the_key_is_equally_often_in_every_place() -> None:
    places = Counter(shuffled_choices([1, 2, 3, 4], seed, 9).index(1) for seed in range(2000))
    assert all(430 < places[place] < 570 for place in range(4))  # 500 expected
