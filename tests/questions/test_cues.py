"""What gives a key away: each cue finds a key it should find and none it should not, and the model
that combines them learns a habit of the author and nothing from honest items."""

from __future__ import annotations

import random
from dataclasses import replace
from math import comb

import numpy as np
import pytest

from questions import cues
from questions.bank import Item
from tests.questions.items import TEXTS, item

PLAIN = "Call the crew together at noon"
OTHERS = (
    "Send a lorry out of town today",
    "Mend seven pumps behind a shed",
    "Hire one clerk to count boxes",
)

# cue -> the text that it must choose among the plain ones
TRIPS = {
    "always the longest": "Call the crew together at noon and stay with them",
    "always the shortest": "Call the crew",
    "most word overlap with the stem": "Call clinics about patient records",
    "most words shared with the other options": "Send a lorry, mend pumps, hire a clerk",
    "most hedged": "Possibly call the crew if likely",
    "the odd one out": "Calling the crew (20 people); wait",
    "most managerial": "Ask the board to approve the risk",
}


def with_key(text: str, *others: str) -> Item:
    return item(texts=(text, *(others or OTHERS)))


@pytest.mark.parametrize(("cue", "text"), TRIPS.items())
def test_a_cue_finds_the_key_it_describes_and_no_other(cue: str, text: str) -> None:
    tripped = with_key(text)
    score = cues.CUES[cue]
    assert cues.hit(score(tripped), 0) == 1.0
    assert cues.hit(score(tripped), 1) == 0.0
    assert cues.share_found([tripped], cue) == 1.0
    assert cues.share_found([item(texts=(*OTHERS, text), key=1)], cue) == 0.0


def test_fewest_absolutes_finds_the_only_option_without_one() -> None:
    absolute = tuple(f"{text}, always" for text in OTHERS)
    assert cues.share_found([with_key(PLAIN, *absolute)], "fewest absolutes") == 1.0
    assert cues.share_found([with_key(f"{PLAIN}, always", *OTHERS)], "fewest absolutes") == 0.0


def test_every_cue_is_tried_here() -> None:
    assert set(cues.CUES) == {*TRIPS, "fewest absolutes"}


def test_a_tie_is_broken_by_a_coin() -> None:
    assert cues.hit([1, 1, 1, 1], 2) == 0.25
    assert cues.hit([2, 1, 2, 1], 2) == 0.5
    assert cues.hit([2, 1, 2, 1], 1) == 0.0
    assert (
        cues.share_found([item(texts=("aa bb", "cc dd", "ee ff", "gg hh"))], "most hedged") == 0.25
    )


def test_words_are_counted_by_their_stems_and_without_fillers() -> None:
    assert cues.content_words("The owners reported the risks") == {"owner", "report", "risk"}
    assert cues.content_words("of the and to") == frozenset()
    assert cues.words("naïve_Café") == ["naïve", "café"]
    assert cues.words("The CISO’s 24 hours.") == ["the", "ciso’s", "24", "hours"]


# --- The limit ------------------------------------------------------------------------------


def test_the_limit_is_the_99_percent_point_of_guessing_or_30_percent() -> None:
    for items in (40, 84, 320, 338):
        # The smallest count that guessing stays at or below in 99 of 100 banks, added up by hand.
        mass, count = 0.0, -1
        while mass < 0.99:
            count += 1
            mass += comb(items, count) * 0.25**count * 0.75 ** (items - count)
        assert cues.limit(items) == pytest.approx(max(0.30, count / items))
    assert cues.limit(100_000) == 0.30


# --- All of them together -------------------------------------------------------------------

VOCABULARY = (
    "audit board clinic depot engine farm garden harbour island jacket kitchen ladder market "
    "never onion paper quarry river signal tower until village window yard zebra"
).split()


def random_text(rng: random.Random, length: int = 9) -> str:
    return " ".join(rng.choices(VOCABULARY, k=length + rng.randint(-2, 2)))


def honest(number: int, rng: random.Random) -> Item:
    texts = tuple(random_text(rng) for _ in range(4))
    return item(number, key=rng.randrange(4), texts=texts)


def test_the_model_finds_nothing_in_honest_items() -> None:
    shares = []
    for seed in range(4):
        rng = random.Random(seed)
        bank = [honest(number, rng) for number in range(320)]
        result = cues.combined(bank)
        assert result is not None
        shares.append(result.share)
        assert len(result.by_item) == 320
        assert np.mean(result.by_item) == pytest.approx(result.share)
    assert max(shares) < cues.limit(320)
    assert 0.20 < np.mean(shares) < 0.30


def test_the_model_finds_a_habit_made_of_weak_cues() -> None:
    """Each cue by itself may pass; together they give the keys away (ITEM_WRITING: eight cues of
    29 % each made 36 %)."""
    rng = random.Random(1)
    bank = []
    for number in range(320):
        sound = honest(number, rng)
        key = cues.key_of(sound)
        options = list(sound.options)
        habit = rng.random()
        if habit < 0.35:
            options[key] = replace(options[key], text=options[key].text + " and agree it")
        elif habit < 0.7:
            options[key] = replace(options[key], text=options[key].text + ", before any change")
        bank.append(replace(sound, options=tuple(options)))
    result = cues.combined(bank)
    assert result is not None
    assert result.share > max(cues.limit(320), 0.45)


def test_the_model_is_never_tried_on_what_it_learned_from() -> None:
    """In wording without any meaning there is nothing to learn but the items themselves: tried on
    those it learned from, the model does well; `combined` must not."""
    seen: list[float] = []
    unseen: list[float] = []
    for seed in range(8):
        rng = random.Random(seed)
        bank = [honest(number, rng) for number in range(60)]
        table = np.stack([cues.features(one) for one in bank])
        keys = np.array([cues.key_of(one) for one in bank])
        spread = table.std(axis=(0, 1))
        table = table[:, :, spread > 0] / spread[spread > 0]
        weights = cues._fit(table, keys)
        scores = (table @ weights).tolist()
        seen += [cues.hit(row, int(key)) for row, key in zip(scores, keys, strict=True)]
        result = cues.combined(bank)
        assert result is not None
        unseen += result.by_item
    assert np.mean(seen) > 0.36
    assert np.mean(unseen) < 0.30


def test_a_set_shares_a_fold_and_folds_are_even() -> None:
    """An author's voice in one set must not be learned from one item and used on the next."""
    bank = [
        item(number, scenario=f"set-{number // 4}" if number < 40 else "") for number in range(90)
    ]
    for seed in range(20):
        fold = cues.folds(bank, np.random.default_rng(seed))
        assert set(fold.tolist()) == set(range(cues.FOLDS))
        assert all(len(set(fold[start : start + 4].tolist())) == 1 for start in range(0, 40, 4))
        sizes = np.bincount(
            [f for f, one in zip(fold.tolist(), bank, strict=True) if not one.scenario]
        )
        assert sizes.max() - sizes.min() <= 3


def test_the_same_bank_gives_the_same_figure_and_a_small_one_none() -> None:
    rng = random.Random(5)
    bank = [honest(number, rng) for number in range(cues.FEWEST_ITEMS)]
    assert cues.combined(bank) == cues.combined(bank)
    assert cues.combined(bank[:-1]) is None


def test_features_are_centred_and_blind_to_the_key() -> None:
    one, other = item(key=0), item(key=3)
    assert np.allclose(cues.features(one).sum(axis=0), 0)
    assert np.array_equal(cues.features(one), cues.features(other))
    assert cues.features(one).shape[0] == len(TEXTS)
