"""What an author is told of the item being written: findings, cues to its key, and the published
items it resembles. A read; it advises, `services.publish_findings` decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.db.models import Count, Max
from django.utils.text import Truncator

from questions import cues, likeness, quality, services
from questions.authoring import Sheet
from questions.bank import Item
from questions.models import QuestionVersion

_NEAREST: Final = 5
_CACHED: Final = "questions.second_look"
_KEPT: Final = 3600  # seconds; a release that measures differently is seen within the hour

# about -> what an author calls the part, and the id of its field on the authoring form
_PARTS: Final = {
    "stem": ("Stem", "id_stem"),
    "options": ("Options together", "id_options"),
    **{
        f"option_{number}": (f"Option {number}", f"id_option_{number}-text")
        for number in range(1, quality.OPTIONS + 1)
    },
}


@dataclass(frozen=True, slots=True)
class Part:
    """What is said of one part; `field` is the id of where to mend it."""

    name: str
    field: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cue:
    """A rule for guessing that finds this item's key. Shares in percent; `full` means that one
    more such item puts the bank over the limit."""

    name: str
    share: float
    limit: float
    full: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A published item whose stem resembles this one; cosine 0 to 1."""

    question: int
    version: int
    key: str
    excerpt: str
    cosine: float
    too_near: bool
    is_enemy: bool


@dataclass(frozen=True, slots=True)
class SecondLook:
    """`missing` says what is needed before the item can be judged; then nothing is judged but
    the stem's neighbours."""

    missing: tuple[Part, ...]
    findings: tuple[Part, ...]
    cues: tuple[Cue, ...]
    near: tuple[Neighbour, ...]
    near_limit: float = likeness.NEAR_DUPLICATE

    @property
    def count(self) -> int:
        """Findings, a near-duplicate that is not set apart among them."""
        doubles = sum(one.too_near and not one.is_enemy for one in self.near)
        return doubles + sum(len(part.texts) for part in self.findings)


def second_look(
    sheet: Sheet, refused: Sequence[services.Finding], *, question: int | None
) -> SecondLook:
    """refused: what of the sheet could not be read; question: its pk, so that an item is not
    compared with its own published version. Two statements of its own, a few more after a
    publication."""
    item = _item(sheet)
    bank = _measured()
    about = {finding.about for finding in refused}
    missing = [
        *((finding.about, finding.text) for finding in refused),
        *((f.about, f.text) for f in quality.unready(item) if f.about not in about),
    ]
    near = _near(item, bank, question)
    if missing:
        return SecondLook(_parts(missing), (), (), near)
    found = [(finding.about, finding.text) for finding in quality.item_findings(item)]
    return SecondLook((), _parts(found), _cues(item, bank), near)


def _item(sheet: Sheet) -> Item:
    return Item(
        id="",
        objectives={},
        difficulty=float(sheet.difficulty),
        level=sheet.level,
        stem=sheet.stem,
        options=sheet.options,
        references=sheet.references,
        scenario=str(sheet.scenario or ""),
        enemies=sheet.enemies,
    )


def _parts(found: Iterable[tuple[str, str]]) -> tuple[Part, ...]:
    texts = defaultdict(list)
    for about, text in found:
        texts[about].append(text)
    return tuple(
        Part(name, field, tuple(texts[about]))
        for about, (name, field) in _PARTS.items()
        if about in texts
    )


def _cues(item: Item, bank: _Measured) -> tuple[Cue, ...]:
    items = len(bank.stems)
    if not items:
        return ()
    bound, next_bound = cues.limit(items), cues.limit(items + 1)
    return tuple(
        Cue(
            name[0].upper() + name[1:],
            100 * bank.shares[name],
            100 * bound,
            full=(items * bank.shares[name] + 1) / (items + 1) > next_bound,
        )
        for name in quality.cue_notes(item)
    )


def _near(item: Item, bank: _Measured, question: int | None) -> tuple[Neighbour, ...]:
    others = {key: stem for key, (pk, _, stem) in bank.stems.items() if pk != question}
    near = []
    for key, cosine in likeness.nearest(item.stem, others, _NEAREST):
        if cosine < likeness.ALIKE:
            break
        pk, version, stem = bank.stems[key]
        near.append(
            Neighbour(
                question=pk,
                version=version,
                key=key,
                excerpt=Truncator(" ".join(stem.split())).chars(110),
                cosine=cosine,
                too_near=cosine >= likeness.NEAR_DUPLICATE,
                is_enemy=key in item.enemies,
            )
        )
    return tuple(near)


def findings_of(version: QuestionVersion) -> list[str]:
    """What the rules of writing find in a version, each in a sentence."""
    return [finding.text for finding in quality.item_findings(_published_item(version))]


# --- The published bank, measured -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Measured:
    """shares: cue -> share of keys it finds; stems: key -> (pk of the question, number, stem)."""

    shares: dict[str, float]
    stems: dict[str, tuple[int, int, str]]


def _measured() -> _Measured:
    """Reading and measuring the whole bank is too slow for every pause in somebody's writing, so
    the figures are kept.

    Published text never changes, and what is retired comes back only as a new publication: how
    many are published, and when the last one was, names the state of the bank. It stands beside
    the figures and not in the cache's key, so that earlier states do not pile up in the cache.
    Kept as plain data, which no change of a class can make unreadable.
    """
    published = QuestionVersion.objects.filter(status=QuestionVersion.Status.PUBLISHED)
    counted = published.aggregate(items=Count("pk"), last=Max("published_at"))
    state: tuple[int, datetime | None] = (counted["items"], counted["last"])
    kept = cache.get(_CACHED)
    if kept and kept[0] == state:
        return _Measured(*kept[1:])
    versions = list(
        published.select_related("question").prefetch_related("choices").order_by("question__key")
    )
    items = [_published_item(version) for version in versions]
    measured = _Measured(
        shares={cue: cues.share_found(items, cue) for cue in cues.CUES},
        stems={v.question.key: (v.question_id, v.number, v.stem) for v in versions},
    )
    cache.set(_CACHED, (state, measured.shares, measured.stems), timeout=_KEPT)
    return measured


def _published_item(version: QuestionVersion) -> Item:
    """As much of it as the cues look at."""
    return Item(
        id=version.question.key,
        objectives={},
        difficulty=float(version.difficulty),
        level=version.level,
        stem=version.stem,
        options=tuple(services.options_of(version)),
        references=(),
        scenario=version.scenario_title,
    )
