"""The rules that keep one person's answers from being worked out. No database."""

from __future__ import annotations

import pytest

from cohorts.disclosure import Source, domains_may_follow, may_follow, pool, still_covered


def named(*members: int, version: str = "a") -> list[Source]:
    return [Source(member, version, named=True) for member in members]


def hidden(*members: int, version: str = "a") -> list[Source]:
    return [Source(member, version, named=False) for member in members]


@pytest.mark.parametrize(
    ("consenting", "counted"),
    [
        ([], 0),
        (named(1, 2, 3, 4), 0),
        (named(1, 2, 3, 4, 5), 5),
        (hidden(1, 2, 3, 4), 0),
        (hidden(1, 2, 3, 4, 5), 5),
        # One hidden among five named would be what is left after subtracting those.
        (named(1, 2, 3, 4, 5) + hidden(6), 5),
        (named(1, 2, 3, 4, 5) + hidden(6, 7, 8, 9), 5),
        (named(1, 2, 3, 4, 5) + hidden(6, 7, 8, 9, 10), 10),
        # Five people in all, but neither part is a crowd.
        (named(1, 2, 3) + hidden(4, 5), 0),
        (named(1) + hidden(2, 3, 4, 5, 6), 6),
    ],
)
def test_only_crowds_are_added_up(consenting: list[Source], counted: int) -> None:
    assert len(pool(consenting, 5)) == counted


def test_the_first_figures_follow_nothing() -> None:
    assert may_follow([], hidden(1, 2, 3, 4, 5), 5)


def test_figures_never_differ_by_fewer_than_a_crowd() -> None:
    before = hidden(1, 2, 3, 4, 5, 6)
    assert may_follow(before, before, 5)
    assert not may_follow(before, hidden(1, 2, 3, 4, 5), 5), "one left"
    assert not may_follow(before, [*before, *hidden(7)], 5), "one joined"
    fresh = hidden(1, 2, 3, 4, version="b") + hidden(5, 6)
    assert not may_follow(before, fresh, 5), "four answered more"
    assert may_follow(before, hidden(1, 2, 3, 4, 5, version="b") + hidden(6), 5)
    assert may_follow(before, hidden(1, 2, 3, 4, version="b") + hidden(6), 5), "four and a leaver"


def test_changing_ones_mind_about_the_name_does_not_make_a_crowd() -> None:
    before = hidden(1, 2, 3, 4, 5)
    after = named(1, 2, 3, 4) + hidden(5, version="b")
    assert not may_follow(before, after, 5)


def test_domain_figures_may_follow_when_only_named_answers_changed() -> None:
    crowd = hidden(11, 12, 13, 14, 15)
    before = named(1, 2, 3, 4, 5) + crowd
    assert domains_may_follow(before, named(1, version="b") + named(2, 3, 4, 5) + crowd, 5)
    assert not domains_may_follow(before, named(1, 2, 3, 4, 5) + crowd[1:], 5)


def test_shown_figures_end_with_one_withdrawal() -> None:
    sources = named(1, 2, 3, 4, 5)
    everyone = {1, 2, 3, 4, 5}
    assert still_covered(sources, everyone, everyone, 5)
    assert still_covered(sources, everyone | {6}, everyone, 5), "somebody new changes nothing"
    assert not still_covered(sources, everyone - {3}, everyone, 5)


def test_shown_figures_end_when_too_few_stay_hidden_in_them() -> None:
    sources = hidden(1, 2, 3, 4, 5)
    everyone = {1, 2, 3, 4, 5}
    assert still_covered(sources, everyone, set(), 5)
    assert not still_covered(sources, everyone, {1}, 5), "four are left beside the named row"
    assert still_covered(sources, everyone, everyone, 5), "all named: nothing is left to find out"


def test_shown_figures_end_when_a_named_member_hides() -> None:
    assert not still_covered(named(1, 2, 3, 4, 5), {1, 2, 3, 4, 5}, {1, 2, 3, 4}, 5)
