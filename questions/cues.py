"""What gives a key away to somebody who has not understood the question. Pure.

A cue is a rule for guessing from the options' wording ("take the longest"). Chance finds one key in
four; a cue that finds more over a whole bank is a fault of the bank. Weak cues add up, so a small
model that combines them all is tried as well, always on items it has not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from questions.bank import Item

CHANCE: Final = 0.25
FLOOR: Final = 0.30  # a cue may always score this much, however large the bank
FOLDS: Final = 10
REPEATS: Final = 5  # the cross-validation is repeated on other folds and averaged
FEWEST_ITEMS: Final = 40  # below this the model has nothing to learn from
_RIDGE: Final = 1.0
_NEWTON_STEPS: Final = 25

_STOP: Final = frozenset(
    "a an and are as at be by for from has have in into is it its of on or that the their them "
    "then they this those to was were which who will with what when how should".split()
)
_HEDGES: Final = frozenset(
    "appropriate can consider could generally if likely may might normally possible possibly "
    "probably proportionate reasonable relevant seems should typically unless until usually "
    "where".split()
)
_MANAGERIAL: Final = frozenset(
    "accept accepts agree agreed agrees align appetite approve approves ask asks assess assessment "
    "board business committee consult decide decides decision director executive governance "
    "leadership management mission objective objectives owner owners owns policy present presents "
    "priorities propose proposes report reports review risk risks sponsor stakeholder stakeholders "
    "strategy tolerance".split()
)
_ABSOLUTES: Final = frozenset(
    "all always any anyone anything completely each entire entirely every everyone everything "
    "fully immediately must never no nobody none nothing only solely total whole".split()
)
_CONDITIONS: Final = frozenset("after before if once unless until when where while".split())
_NEGATIONS: Final = frozenset("cannot no nobody none nor not nothing without".split())

Row = tuple[float, float, float, float]


def words(text: str) -> list[str]:
    """Lower-case words and numbers, in order."""
    return re.findall(r"[^\W_]+(?:['’][^\W\d_]+)?", text.lower())


def content_words(text: str) -> frozenset[str]:
    """The words that carry meaning, cut to a crude stem: `reports` and `reported` are one word."""
    return frozenset(_stemmed(word) for word in words(text) if word not in _STOP)


def _stemmed(word: str) -> str:
    for ending in ("ingly", "edly", "ing", "ies", "ed", "es", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


# --- Single cues ----------------------------------------------------------------------------


def _lengths(item: Item) -> list[float]:
    return [float(len(option.text)) for option in item.options]


def _stem_overlap(item: Item) -> list[float]:
    """Share of an option's content words that the stem uses too."""
    stem = content_words(item.stem)
    sets = [content_words(option.text) for option in item.options]
    return [len(own & stem) / max(1, len(own)) for own in sets]


def _shared(item: Item) -> list[float]:
    """Content words an option has in common with the other three, per word of its own."""
    sets = [content_words(option.text) for option in item.options]
    return [
        sum(len(own & other) for number, other in enumerate(sets) if number != place)
        / max(1, len(own))
        for place, own in enumerate(sets)
    ]


def _counts(item: Item, lexicon: frozenset[str]) -> list[float]:
    return [float(sum(word in lexicon for word in words(option.text))) for option in item.options]


def _form(text: str) -> tuple[bool | str, ...]:
    """What shows of an option at a glance, before a word of it is understood."""
    first = (words(text) or [""])[0]
    opening = (
        "ing"
        if first.endswith("ing")
        else "article"
        if first in {"a", "an", "the", "its", "their", "that"}
        else "number"
        if first[:1].isdigit()
        else "other"
    )
    return (
        opening,
        bool(re.search(r"\d", text)),
        "," in text,
        bool(re.search(r"[;:()–]", text)),
        bool(re.search(r"\b[A-Z]{2,}\b", text)),
        bool(re.search(r"\b(if|unless|until|because|so that|before|after)\b", text.lower())),
    )


def _oddness(item: Item) -> list[float]:
    """In how many marks of its form an option stands alone against three that agree."""
    forms = [_form(option.text) for option in item.options]
    return [
        float(
            sum(
                own not in others and len(set(others)) == 1
                for own, others in (
                    (mark[place], mark[:place] + mark[place + 1 :])
                    for mark in zip(*forms, strict=True)
                )
            )
        )
        for place in range(len(forms))
    ]


CUES: Final[Mapping[str, Callable[[Item], list[float]]]] = {
    "always the longest": _lengths,
    "always the shortest": lambda item: [-length for length in _lengths(item)],
    "most word overlap with the stem": _stem_overlap,
    "most words shared with the other options": _shared,
    "most hedged": lambda item: _counts(item, _HEDGES),
    "the odd one out": _oddness,
    "most managerial": lambda item: _counts(item, _MANAGERIAL),
    "fewest absolutes": lambda item: [-count for count in _counts(item, _ABSOLUTES)],
}


def hit(scores: Sequence[float], key: int) -> float:
    """The chance that somebody who follows the cue takes the key: ties are broken by a coin."""
    best = max(scores)
    return (1 / sum(score == best for score in scores)) if scores[key] == best else 0.0


def key_of(item: Item) -> int:
    """Which option is the key, from 0."""
    return next(place for place, option in enumerate(item.options) if option.correct)


def share_found(items: Sequence[Item], cue: str) -> float:
    """The share of keys that one cue finds, 0 to 1."""
    score = CUES[cue]
    return float(np.mean([hit(score(item), key_of(item)) for item in items])) if items else 0.0


def limit(items: int) -> float:
    """What a cue may score: the larger of 30 % and the 99 % binomial limit for so many items."""
    return max(FLOOR, float(binom.ppf(0.99, items, CHANCE)) / items) if items else 1.0


# --- All of them together -------------------------------------------------------------------


def features(item: Item) -> NDArray[np.float64]:
    """What the model sees of an item: shape (4, features), centred over the four options."""
    lengths = _lengths(item)
    columns = [
        [float(np.log(max(1.0, length))) for length in lengths],
        [float(length == max(lengths)) for length in lengths],
        [float(length == min(lengths)) for length in lengths],
        [float(np.log(1 + len(words(option.text)))) for option in item.options],
        _stem_overlap(item),
        _shared(item),
        _oddness(item),
        *(
            _counts(item, lexicon)
            for lexicon in (_HEDGES, _MANAGERIAL, _ABSOLUTES, _CONDITIONS, _NEGATIONS)
        ),
        _counts(item, frozenset({"and"})),
        [float(len(re.findall(r"[,;:]", option.text))) for option in item.options],
        [float(len(re.findall(r"\d+", option.text))) for option in item.options],
    ]
    table = np.array(columns, dtype=np.float64).T
    return np.asarray(table - table.mean(axis=0))


@dataclass(frozen=True, slots=True)
class Combined:
    """How often the model found the key of an item it had not been trained on.

    share: 0 to 1, the mean over the repeats; by_item: the same for each item, in order.
    """

    share: float
    by_item: tuple[float, ...]


def combined(items: Sequence[Item]) -> Combined | None:
    """Cross-validated conditional logit over the cues; None for a bank too small to learn from.

    The folds are drawn from a fixed seed: the same bank, the same figure.
    """
    if len(items) < FEWEST_ITEMS:
        return None
    table = np.stack([features(item) for item in items])  # (items, 4, features)
    spread = table.std(axis=(0, 1))
    table = table[:, :, spread > 0] / spread[spread > 0]
    keys = np.array([key_of(item) for item in items])
    found = np.zeros(len(items))
    rng = np.random.default_rng(2022)
    for _ in range(REPEATS):
        fold = folds(items, rng)
        for number in range(FOLDS):
            unseen = fold == number
            weights = _fit(table[~unseen], keys[~unseen])
            for place in np.flatnonzero(unseen):
                found[place] += hit((table[place] @ weights).tolist(), int(keys[place]))
    found /= REPEATS
    return Combined(float(found.mean()), tuple(found.tolist()))


def folds(items: Sequence[Item], rng: np.random.Generator) -> NDArray[np.intp]:
    """The fold of each item, 0 to FOLDS - 1, drawn anew at each call. A scenario set stays in one
    fold, for its items share a voice."""
    sets = [item.scenario or item.id for item in items]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(sets))}
    place = rng.permutation(len(numbers))
    return np.array([place[numbers[name]] % FOLDS for name in sets], dtype=np.intp)


def _fit(table: NDArray[np.float64], keys: NDArray[np.intp]) -> NDArray[np.float64]:
    """Weights that make the keys likeliest (softmax over the four options, ridge penalty), by
    Newton's method. table: (items, 4, features)."""
    width = table.shape[2]
    weights = np.zeros(width)
    chosen = table[np.arange(len(keys)), keys]
    for _ in range(_NEWTON_STEPS):
        scores = table @ weights
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        expected = np.einsum("io,iof->if", chances, table)
        slope = (chosen - expected).sum(axis=0) - _RIDGE * weights
        bend = (
            np.einsum("io,iof,iog->fg", chances, table, table)
            - expected.T @ expected
            + _RIDGE * np.eye(width)
        )
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return weights
