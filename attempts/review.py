"""Question by question: what the person was asked, what they answered, and why the key is the key.

The list is light, for everybody opens a report on the day of an exam; the reasons come question by
question as they are opened, or all at once. Only what the feedback rule allows leaves here.
"""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db.models import Prefetch, prefetch_related_objects
from django.utils.html import strip_tags

from attempts.access import may_see_key
from attempts.models import Attempt, AttemptItem
from attempts.options import Option, options_of
from attempts.readings import visible_time
from domains.models import Objective
from questions.models import Placement, QuestionVersion

_OPENING: Final = 160  # characters
_MOST_KEPT: Final = 5_000


class Show(StrEnum):
    """The closed list of filters."""

    ALL = "all"
    WRONG = "wrong"
    UNANSWERED = "unanswered"
    FLAGGED = "flagged"

    @classmethod
    def parse(cls, text: str) -> Show:
        """ALL for anything that is not one of the list."""
        return cls(text) if text in set(cls) else cls.ALL

    @property
    def query(self) -> str:
        """What an address carries on of it."""
        return "" if self is Show.ALL else f"?show={self}"

    def takes(self, item: AttemptItem) -> bool:
        match self:
            case Show.WRONG:
                return item.choice_id is not None and not item.is_correct
            case Show.UNANSWERED:
                return item.choice_id is None
            case Show.FLAGGED:
                return item.flagged
            case _:
                return True


@dataclass(frozen=True, slots=True)
class Reasons:
    """What there is to say about one question once it is opened."""

    item: AttemptItem
    options: tuple[Option, ...]
    objective: Objective | None
    """Where it sits in the attempt's outline; None if it has been moved out of it since."""
    scenario_positions: tuple[int, ...]

    @property
    def visible_time(self) -> str:
        return visible_time(self.item.visible_ms)

    @property
    def changes(self) -> int:
        """Every accepted answer is a revision; the first one changed nothing."""
        return max(0, self.item.revision - 1)


@dataclass(frozen=True, slots=True)
class Line:
    """One question in the list."""

    item: AttemptItem
    opening: str
    """How the stem begins."""
    reasons: Reasons | None
    """None while they are still to be asked for."""


@dataclass(frozen=True, slots=True)
class Tab:
    show: Show
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Review:
    show: Show
    tabs: tuple[Tab, ...]
    lines: tuple[Line, ...]
    unfolded: bool
    """With the reasons of every question shown."""


def opening(markup: str, characters: int) -> str:
    """How a text begins, as plain text on one line, in whole words."""
    text = html.unescape(strip_tags(markup))
    text = " ".join(text.split())
    if len(text) <= characters:
        return text
    whole_words, _, _ = text[:characters].rpartition(" ")
    return f"{whole_words or text[: characters - 1]}…"


def review_of(attempt: Attempt, show: Show, *, unfolded: bool = False) -> Review:
    """One query, and another for stems this process has not met; unfolded four more, however many
    questions. Nothing of an item whose key may not be seen yet."""
    items = _items_of(attempt)
    shown = [item for item in items if show.takes(item)]
    openings = _openings_of({item.version_id for item in shown})
    reasons = _reasons_of(attempt, [item.position for item in shown]) if unfolded else {}
    return Review(
        show=show,
        tabs=tuple(
            Tab(tab, sum(tab.takes(item) for item in items), current=tab is show) for tab in Show
        ),
        lines=tuple(
            Line(item, openings[item.version_id], reasons.get(item.position)) for item in shown
        ),
        unfolded=unfolded,
    )


def reasons_of(attempt: Attempt, position: int) -> Reasons | None:
    """None if there is no such question, or its key may not be seen yet."""
    if not 1 <= position <= attempt.item_count:
        return None  # not even a number that the column could hold, perhaps
    return _reasons_of(attempt, [position]).get(position)


def neighbours_of(attempt: Attempt, position: int, show: Show) -> tuple[int | None, int | None]:
    """The questions before and after this one, of those the filter takes."""
    positions = [item.position for item in _items_of(attempt) if show.takes(item)]
    before = max((other for other in positions if other < position), default=None)
    after = min((other for other in positions if other > position), default=None)
    return before, after


def _items_of(attempt: Attempt) -> list[AttemptItem]:
    """No more of them than the list and its filters need: there may be 125."""
    columns = ("position", "version_id", "choice_id", "is_correct", "flagged", "domain__number")
    items = attempt.items.select_related("domain").only("attempt_id", *columns)
    return [item for item in items if may_see_key(attempt, item)]


def _reasons_of(attempt: Attempt, positions: Sequence[int]) -> dict[int, Reasons]:
    """By position, of those whose key may be seen. Four queries at most, however many."""
    items = [
        item
        for item in attempt.items.filter(position__in=positions).select_related(
            "domain", "version__question"
        )
        if may_see_key(attempt, item)
    ]
    prefetch_related_objects(
        items,
        "version__choices",
        Prefetch(
            "version__question__placements",
            Placement.objects.filter(outline=attempt.outline_id).select_related("objective"),
        ),
    )
    sets = _scenario_sets(attempt, {item.version.scenario_text for item in items} - {""})
    return {
        item.position: Reasons(
            item=item,
            options=options_of(item, item.version.choices.all()),
            objective=next((p.objective for p in item.version.question.placements.all()), None),
            scenario_positions=tuple(sets[item.version.scenario_text]),
        )
        for item in items
    }


def _scenario_sets(attempt: Attempt, texts: set[str]) -> defaultdict[str, list[int]]:
    """Scenario -> the positions of its questions on this form."""
    sets: defaultdict[str, list[int]] = defaultdict(list)
    if texts:
        mates = attempt.items.filter(version__scenario_text__in=texts).order_by("position")
        for text, position in mates.values_list("version__scenario_text", "position"):
            sets[text].append(position)
    return sets


_openings: dict[int, str] = {}


def _openings_of(versions: set[int]) -> dict[int, str]:
    """Version -> how its stem begins. What is published never changes: worked out once a process,
    for taking the tags out of 125 stems costs more than the rest of the list."""
    known = {pk: begins for pk in versions if (begins := _openings.get(pk)) is not None}
    if missing := versions - known.keys():
        stems = QuestionVersion.objects.filter(pk__in=missing).values_list("pk", "stem_html")
        fresh = {pk: opening(stem, _OPENING) for pk, stem in stems}
        if len(_openings) + len(fresh) > _MOST_KEPT:
            _openings.clear()
        _openings.update(fresh)
        known.update(fresh)
    return known
