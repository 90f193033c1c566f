"""Drawing a form: every rule, against brute force on many small random banks."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, cached_property
from itertools import combinations

import pytest

from attempts import assembly
from attempts.assembly import (
    Candidate,
    Kept,
    NotEnoughItems,
    Reserve,
    ReserveInTheWay,
    assemble,
    disjoint_forms,
    foresee,
    missing_items,
    own_reserve,
    shuffled_choices,
)
from attempts.programme import SolverGaveUp
from tests.cases import for_each

SEEDS = range(200)
Quotas = dict[int, int]
Form = tuple[Candidate, ...]

# --- Brute force ----------------------------------------------------------------------------


class Bank:
    """A bank small enough to try every form it can make: at most ten lone items and sets."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        sizes = [rng.choice([1, 1, 1, 2, 3]) for _ in range(rng.randint(5, 10))]
        owner = [block for block, size in enumerate(sizes) for _ in range(size)]
        pairs = [pair for pair in combinations(range(len(owner)), 2) if rng.random() < 0.06]
        self.pool = [
            Candidate(
                version=100 + number,
                question=number,
                domain=rng.choice([1, 1, 2]),
                objective=rng.choice(["a", "b"]),
                difficulty=rng.uniform(0.3, 0.9),
                enemies=frozenset(a + b - number for a, b in pairs if number in (a, b)),
                scenario=owner[number] if sizes[owner[number]] > 1 else None,
                times_met=(met := rng.choice([0, 0, 0, 1, 2])),
                met_at=rng.random() if met else 0.0,
                met_in_simulation=bool(met) and rng.random() < 0.5,
                exposure=rng.randint(0, 9),
            )
            for number in range(len(owner))
        ]
        self.quotas: Quotas = {1: rng.randint(1, 3), 2: rng.randint(0, 2)}
        # What is kept: a form of the same outline, and in every other bank one of another outline,
        # where some items sit elsewhere and some nowhere.
        own = {item.question: item.domain for item in self.pool}
        other = {
            question: rng.choice([domain, domain, 1, 2])
            for question, domain in own.items()
            if rng.random() < 0.9
        }
        self.kept = [Kept({1: rng.randint(1, 2), 2: rng.randint(0, 1)}, own)]
        if rng.random() < 0.5:
            self.kept.append(Kept({1: rng.randint(0, 2), 2: rng.randint(1, 2)}, other))

    @cached_property
    def blocks(self) -> list[Form]:
        found: defaultdict[tuple[bool, int], list[Candidate]] = defaultdict(list)
        for item in self.pool:
            lone = item.scenario is None
            found[lone, item.question if item.scenario is None else item.scenario].append(item)
        return [tuple(items) for items in found.values()]

    @cached_property
    def peaceful(self) -> list[Form]:
        """Every selection of whole blocks without two enemies."""
        found = []
        for size in range(len(self.blocks) + 1):
            for chosen in combinations(self.blocks, size):
                form = tuple(item for block in chosen for item in block)
                if is_peaceful(form):
                    found.append(form)
        return found

    def forms(self, quotas: Quotas) -> list[Form]:
        return [form for form in self.peaceful if counts(form) == trimmed(quotas)]

    def reserves(self) -> list[list[frozenset[int]]]:
        """For each reserve that can be filled now, the questions of every way to fill it."""
        ways = [
            [
                questions(form)
                for form in self.peaceful
                if counts(form, kept.domains) == trimmed(kept.quotas)
                and not any(item.times_met for item in form)
            ]
            for kept in self.kept
        ]
        return [forms for forms in ways if forms]

    def keeping(self) -> list[Form]:
        """The forms that leave every reserve that can be filled now."""
        held = self.reserves()
        return [
            form
            for form in self.forms(self.quotas)
            if all(any(not questions(form) & way for way in ways) for ways in held)
        ]


def is_peaceful(form: Iterable[Candidate]) -> bool:
    drawn = questions(form)
    return not any(item.enemies & drawn for item in form)


def counts(form: Iterable[Candidate], domains: Mapping[int, int] | None = None) -> Quotas:
    """By domain; an item of no domain counts as one of domain 0, which no quota asks for."""
    if domains is None:
        return dict(Counter(item.domain for item in form))
    return dict(Counter(domains.get(item.question, 0) for item in form))


def trimmed(quotas: Mapping[int, int]) -> Quotas:
    return {domain: quota for domain, quota in quotas.items() if quota}


def questions(form: Iterable[Candidate]) -> frozenset[int]:
    return frozenset(item.question for item in form)


def repeats(form: Iterable[Candidate]) -> int:
    return sum(item.times_met > 0 for item in form)


@cache
def bank(seed: int) -> Bank:
    return Bank(seed)


def test_the_banks_tried_differ_in_what_matters() -> None:
    """The comparisons below see every case often enough to mean something."""
    seen = Counter[str]()
    for seed in SEEDS:
        tried = bank(seed)
        forms, keeping = tried.forms(tried.quotas), tried.keeping()
        seen["fillable" if forms else "not fillable"] += 1
        seen["reserve" if tried.reserves() else "no reserve"] += 1
        if forms and tried.reserves():
            without = min(map(repeats, forms))
            in_the_way = not keeping or min(map(repeats, keeping)) > without
            seen["in the way" if in_the_way else "not in the way"] += 1
            seen["impossible beside it"] += not keeping
        seen["repeats"] += bool(forms) and min(map(repeats, forms)) > 0
        seen["sets drawn"] += any(item.scenario is not None for form in forms for item in form)
    assert min(seen.values()) >= 10, seen


# --- Hard rules -----------------------------------------------------------------------------


@for_each("seed", SEEDS)
def test_it_finds_a_form_where_there_is_one_and_only_there(seed: int) -> None:
    tried = bank(seed)
    forms = tried.forms(tried.quotas)
    if not forms:
        with pytest.raises(NotEnoughItems):
            assemble(tried.pool, tried.quotas, seed)
        return
    drawn = assemble(tried.pool, tried.quotas, seed)
    assert len(questions(drawn)) == len(drawn)
    assert questions(drawn) in {questions(form) for form in forms}  # quotas, enemies, whole sets


@for_each("seed", SEEDS)
def test_it_repeats_as_few_as_can_be(seed: int) -> None:
    tried = bank(seed)
    if forms := tried.forms(tried.quotas):
        fewest = min(map(repeats, forms))
        assert repeats(assemble(tried.pool, tried.quotas, seed)) == fewest
        assert foresee(tried.pool, tried.quotas) == fewest


@for_each("seed", SEEDS)
def test_in_a_simulation_items_of_an_earlier_one_are_the_last_to_be_repeated(seed: int) -> None:
    tried = bank(seed)
    if forms := tried.forms(tried.quotas):

        def cost(form: Form) -> tuple[int, int]:
            return sum(item.met_in_simulation for item in form), repeats(form)

        drawn = assemble(tried.pool, tried.quotas, seed, simulation=True)
        assert cost(drawn) == min(map(cost, forms))
        assert foresee(tried.pool, tried.quotas, simulation=True) == repeats(drawn)


@for_each("seed", SEEDS)
def test_a_shortfall_is_what_the_fullest_form_lacks(seed: int) -> None:
    tried = bank(seed)
    wanted = {domain: quota + 2 for domain, quota in tried.quotas.items()}

    def gap(form: Form) -> int:
        return sum(wanted.values()) - len(form)

    fitting = [
        form
        for form in tried.peaceful
        if all(count <= wanted[domain] for domain, count in counts(form).items())
    ]
    least = min(map(gap, fitting))
    if least == 0:
        assert len(assemble(tried.pool, wanted, seed)) == sum(wanted.values())
        return
    with pytest.raises(NotEnoughItems) as short:
        assemble(tried.pool, wanted, seed)
    assert short.value.total == least
    missing = short.value.missing
    assert any(
        all(counts(form).get(d, 0) + missing.get(d, 0) == wanted[d] for d in wanted)
        for form in fitting
    )


# --- The reserve ----------------------------------------------------------------------------


def expected(tried: Bank, policy: Reserve) -> list[Form] | ReserveInTheWay:
    """What may come of a draw, by trying everything; the bank can fill the form."""
    forms, keeping = tried.forms(tried.quotas), tried.keeping()
    without = min(map(repeats, forms))
    if not tried.reserves():
        return [form for form in forms if repeats(form) == without]
    least = min(map(repeats, keeping), default=None)
    if least == without or (policy is Reserve.KEEP and least is not None):
        return [form for form in keeping if repeats(form) == least]
    if policy is Reserve.BREAK:
        return [form for form in forms if repeats(form) == without]
    return ReserveInTheWay(least, without)


@pytest.mark.parametrize("policy", Reserve)
@for_each("seed", SEEDS)
def test_the_reserve_is_kept_broken_or_asked_for(seed: int, policy: Reserve) -> None:
    tried = bank(seed)
    if not tried.forms(tried.quotas):
        return
    awaited = expected(tried, policy)
    if isinstance(awaited, ReserveInTheWay):
        for ask in (
            lambda: assemble(tried.pool, tried.quotas, seed, reserves=tried.kept, policy=policy),
            lambda: foresee(tried.pool, tried.quotas, reserves=tried.kept, policy=policy),
        ):
            with pytest.raises(ReserveInTheWay) as asked:
                ask()
            assert asked.value.repeats == awaited.repeats
            assert asked.value.repeats_without == awaited.repeats_without
        return
    drawn = assemble(tried.pool, tried.quotas, seed, reserves=tried.kept, policy=policy)
    assert questions(drawn) in {questions(form) for form in awaited}
    assert repeats(drawn) == foresee(tried.pool, tried.quotas, reserves=tried.kept, policy=policy)


@for_each("seed", SEEDS)
def test_what_was_promised_is_kept_or_asked_for_again(seed: int) -> None:
    tried = bank(seed)
    if not tried.forms(tried.quotas):
        return
    without = min(map(repeats, tried.forms(tried.quotas)))
    least = min(map(repeats, tried.keeping()), default=None) if tried.reserves() else None
    for promised in range(4):

        def draw(promised: int = promised) -> Form:
            return assemble(
                tried.pool,
                tried.quotas,
                seed,
                reserves=tried.kept,
                policy=Reserve.KEEP,
                promised=promised,
            )

        if least is not None and (least <= promised or least == without):
            assert questions(draw()) in {questions(form) for form in tried.keeping()}
            assert repeats(draw()) == least
        else:
            with pytest.raises(ReserveInTheWay):
                draw()


def test_forms_are_drawn_apart_until_one_is_short() -> None:
    pool = [Candidate(question, question, question % 2) for question in range(24)]
    assert disjoint_forms(pool, {0: 4, 1: 4}) == 3
    assert disjoint_forms(pool, {0: 5, 1: 2}) == 2
    assert disjoint_forms(pool, {0: 13}) == 0
    assert disjoint_forms(pool, {0: 0}) == disjoint_forms(pool, {}) == 0


# --- When the solver is in a hurry ----------------------------------------------------------


def test_what_the_shortlist_cannot_fill_the_whole_pool_does() -> None:
    """Nine objectives of one item each and one of a hundred: the first look is at too few."""
    pool = one_domain(109, objective=lambda n: f"lone-{n}" if n < 9 else "wide")
    assert len(assemble(pool, {1: 60}, 1)) == 60


@pytest.mark.parametrize(
    "ask",
    [
        lambda pool: assemble(pool, {1: 4}, 1),
        lambda pool: assemble(pool, {1: 4}, 1, reserves=[own_reserve(pool, {1: 4})]),
        lambda pool: assemble(pool, {1: 40}, 1),
        lambda pool: foresee(pool, {1: 4}, reserves=[own_reserve(pool, {1: 4})]),
    ],
)
def test_a_time_out_is_never_taken_for_an_answer(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[list[Candidate]], object]
) -> None:
    monkeypatch.setattr(assembly, "_SECONDS", 0.0)
    with pytest.raises(SolverGaveUp):
        ask(one_domain(30, times_met=lambda n: n % 2))


def test_what_is_proven_by_itself_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "_SECONDS", 0.0)
    with pytest.raises(SolverGaveUp):
        assemble(one_domain(3), {1: 2}, 1)
    assert assemble(one_domain(3), {}, 1) == ()


# --- Soft rules -----------------------------------------------------------------------------


def one_domain(count: int, **facts: object) -> list[Candidate]:
    return [
        replace(Candidate(number, number, 1), **{k: v(number) for k, v in facts.items()})  # type: ignore[operator]
        for number in range(count)
    ]


def test_among_repeats_those_met_longest_ago_come_first() -> None:
    pool = one_domain(12, times_met=lambda n: 1 + n % 3, met_at=lambda n: float(n * 7 % 12))
    for seed in range(20):
        drawn = assemble(pool, {1: 4}, seed)
        assert sorted(item.met_at for item in drawn) == [0, 1, 2, 3]


def test_what_the_bank_has_shown_least_comes_first() -> None:
    pool = one_domain(12, exposure=lambda n: 0 if n < 4 else 40)
    for seed in range(20):
        assert questions(assemble(pool, {1: 4}, seed)) == {0, 1, 2, 3}


def test_a_form_is_as_difficult_as_its_pool() -> None:
    pool = one_domain(40, difficulty=lambda n: 0.3 if n % 2 else 0.9)
    for seed in range(20):
        drawn = assemble(pool, {1: 10}, seed)
        assert sum(item.difficulty for item in drawn) == pytest.approx(6.0, abs=0.7)


def test_objectives_share_a_domain_evenly() -> None:
    """Though nine in ten items belong to one of them."""
    pool = one_domain(60, objective=lambda n: "c" if n % 10 else "ab"[n // 10 % 2])
    for seed in range(20):
        drawn = Counter(item.objective for item in assemble(pool, {1: 8}, seed))
        assert drawn["a"] in (2, 3)
        assert drawn["b"] in (2, 3)


def test_among_equals_chance_decides() -> None:
    pool = one_domain(8)
    drawn = Counter(item.question for seed in range(400) for item in assemble(pool, {1: 2}, seed))
    assert set(drawn) == set(range(8))
    assert all(60 < count < 140 for count in drawn.values())  # 100 expected


def test_another_seed_draws_another_form() -> None:
    assert len({assemble(one_domain(40), {1: 10}, seed) for seed in range(20)}) == 20


@for_each("seed", SEEDS[:50])
def test_a_form_depends_on_bank_and_seed_alone(seed: int) -> None:
    tried = bank(seed)
    if not tried.forms(tried.quotas):
        return
    form = assemble(tried.pool, tried.quotas, seed)
    shuffled = random.Random(seed).sample(tried.pool, len(tried.pool))
    assert assemble(shuffled, tried.quotas, seed) == form
    assert assemble(tried.pool[::-1], dict(reversed(tried.quotas.items())), seed) == form


# --- The order on the page ------------------------------------------------------------------


def test_items_of_a_scenario_stand_together() -> None:
    pool = one_domain(30, scenario=lambda n: n // 3 if n < 18 else None)
    for seed in range(30):
        form = assemble(pool, {1: 20}, seed)
        for scenario in range(6):
            places = [place for place, item in enumerate(form) if item.scenario == scenario]
            assert len(places) in (0, 3)
            assert places == list(range(min(places, default=0), max(places, default=-1) + 1))


def test_a_set_is_not_always_asked_in_the_same_order() -> None:
    pool = one_domain(4, scenario=lambda n: 1)
    orders = {tuple(i.question for i in assemble(pool, {1: 4}, seed)) for seed in range(40)}
    assert len(orders) > 8


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


def test_a_set_too_large_for_its_quota_is_left_out_whole() -> None:
    pool = one_domain(5, scenario=lambda n: 1 if n < 3 else None)
    assert questions(assemble(pool, {1: 2}, 1)) == {3, 4}
    with pytest.raises(NotEnoughItems) as short:
        assemble(pool[:4], {1: 2}, 1)
    assert short.value.missing == {1: 1}  # there are four, but three of them come together


def test_a_set_that_is_its_own_enemy_is_never_drawn() -> None:
    pool = [
        Candidate(0, 0, 1, scenario=1, enemies=frozenset({1})),
        Candidate(1, 1, 1, scenario=1, enemies=frozenset({0})),
        Candidate(2, 2, 1),
        Candidate(3, 3, 1),
    ]
    assert questions(assemble(pool, {1: 2}, 1)) == {2, 3}


def test_an_empty_bank_and_an_empty_form() -> None:
    assert assemble([], {}, 1) == ()
    with pytest.raises(NotEnoughItems) as short:
        assemble([], {1: 2, 3: 1}, 1, reserves=[Kept({1: 1}, {})])
    assert short.value.missing == {1: 2, 3: 1}


def test_missing_items_counts_only_shortfalls() -> None:
    assert missing_items({1: 3, 2: 9}, {1: 3, 2: 4}) == {}
    assert missing_items({1: 2}, {1: 3, 2: 4}) == {1: 1, 2: 4}


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
