"""Answers in, scores out: the pure part of scoring."""

from __future__ import annotations

import pytest

from attempts.psychometrics.mastery import share_interval
from attempts.scoring import Answer, score

KEY, OTHER = 1, 2


def answer(
    chosen: int | None, *, domain: int = 1, difficulty: float = 0.6, first: bool = True
) -> Answer:
    return Answer(
        item=0, domain=domain, chosen=chosen, key=KEY, difficulty=difficulty, first_exposure=first
    )


def test_only_the_key_is_correct() -> None:
    assert answer(KEY).correct
    assert not answer(OTHER).correct
    assert not answer(None).correct


def test_counts() -> None:
    result = score([answer(KEY), answer(KEY, first=False), answer(OTHER), answer(None)])
    assert (result.items, result.answered, result.correct) == (4, 3, 2)
    assert (result.first_count, result.first_correct) == (2, 1)


def test_the_interval_is_that_of_all_items_unanswered_ones_included() -> None:
    result = score([answer(KEY)] * 6 + [answer(None)] * 4)
    assert (result.low, result.high) == share_interval(6, 10)
    assert result.low < 0.6 < result.high


def test_the_pass_share_is_the_mean_difficulty_of_every_item() -> None:
    result = score([answer(KEY, difficulty=0.4), answer(None, difficulty=0.8)])
    assert result.pass_share == pytest.approx(0.6)


def test_domains_tally_answered_first_exposures_only() -> None:
    result = score(
        [
            answer(KEY, domain=1, difficulty=0.5),
            answer(OTHER, domain=1, difficulty=0.7),
            answer(KEY, domain=1, first=False),
            answer(None, domain=1),
            answer(KEY, domain=2, difficulty=0.9),
            answer(None, domain=3),
            answer(OTHER, domain=4, first=False),
        ]
    )
    assert set(result.domains) == {1, 2}
    first, second = result.domains[1], result.domains[2]
    assert (first.n, first.correct) == (2, 1)
    assert first.target == pytest.approx(0.6)
    assert (second.n, second.correct) == (1, 1)
    assert second.target == pytest.approx(0.9)


@pytest.mark.parametrize("chosen", [KEY, OTHER, None])
def test_extremes_stay_within_zero_and_one(chosen: int | None) -> None:
    result = score([answer(chosen)] * 24)
    assert 0 <= result.low <= result.correct / 24 <= result.high <= 1


def test_the_order_of_answers_does_not_matter() -> None:
    answers = [answer(KEY, domain=1), answer(OTHER, domain=2), answer(None, domain=3)]
    assert score(answers) == score(answers[::-1])


def test_an_empty_form_is_an_error_not_a_zero() -> None:
    with pytest.raises(ValueError, match="without items"):
        score([])
