"""How much two stems resemble each other by their words. Pure.

A reader sees one idea in two costumes; this sees the same words twice, and shows where to look.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from questions import cues
from questions.bank import Item

# Cosine of two stems' TF-IDF vectors, digits left out. In the bank that ships no two stems reach
# .15; the same item with other numbers is near 1.
NEAR_DUPLICATE: Final = 0.30
ALIKE: Final = 0.10  # from here on an author is shown the other item


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two stems that resemble each other; cosine 0 to 1."""

    one: str
    other: str
    cosine: float


@lru_cache(maxsize=4096)  # while an author writes, one stem changes and the bank's stay
def _terms(text: str) -> tuple[str, ...]:
    """Words and pairs of neighbours, without numbers: other figures make no other question."""
    kept = [word for word in cues.words(text) if not word[0].isdigit() and cues.content_words(word)]
    stems = [next(iter(cues.content_words(word))) for word in kept]
    return (*stems, *(f"{one} {two}" for one, two in pairwise(stems)))


def _weighted(texts: Sequence[str]) -> list[dict[str, float]]:
    """TF-IDF of each text: term -> weight, of length 1."""
    counted = [Counter(_terms(text)) for text in texts]
    seen_in = Counter(term for count in counted for term in count)
    rarity = {term: math.log((1 + len(texts)) / (1 + times)) + 1 for term, times in seen_in.items()}
    rows = []
    for count in counted:
        row = {term: (1 + math.log(times)) * rarity[term] for term, times in count.items()}
        norm = math.sqrt(sum(weight * weight for weight in row.values())) or 1.0
        rows.append({term: weight / norm for term, weight in row.items()})
    return rows


def _vectors(texts: Sequence[str]) -> NDArray[np.float64]:
    """The same as the rows of a matrix, for comparing all with all."""
    rows = _weighted(texts)
    place = {term: number for number, term in enumerate(dict.fromkeys(t for r in rows for t in r))}
    matrix = np.zeros((len(texts), len(place)))
    for number, row in enumerate(rows):
        for term, weight in row.items():
            matrix[number, place[term]] = weight
    return matrix


def likenesses(items: Sequence[Item], *, at_least: float = NEAR_DUPLICATE) -> list[Likeness]:
    """Pairs of items whose stems are alike, the likest first."""
    if not items:
        return []
    vectors = _vectors([item.stem for item in items])
    cosines = vectors @ vectors.T
    pairs = np.argwhere(np.triu(cosines >= at_least, k=1))
    found = [Likeness(items[a].id, items[b].id, float(cosines[a, b])) for a, b in pairs]
    return sorted(found, key=lambda pair: (-pair.cosine, pair.one, pair.other))


def nearest(stem: str, others: Mapping[str, str], count: int = 10) -> list[tuple[str, float]]:
    """The items whose stems are most like this one: (id, cosine), the likest first.

    others: item id -> stem.
    """
    if not others or not stem.strip():
        return []
    own, *rows = _weighted([stem, *others.values()])
    cosines = {
        key: sum(weight * row[term] for term, weight in own.items() if term in row)
        for key, row in zip(others, rows, strict=True)
    }
    return sorted(cosines.items(), key=lambda pair: -pair[1])[:count]
