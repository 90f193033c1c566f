"""Question by question: what the person was asked, what they answered, and why the key is the key.

Only what the feedback rule allows leaves here.
"""

from __future__ import annotations

import html
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Prefetch, prefetch_related_objects
from django.utils.html import strip_tags

from attempts.access import may_see_key
from attempts.models import Attempt, AttemptItem
from attempts.options import Option, options_of
from attempts.readings import visible_time
from domains.models import Objective
from questions.models import Placement


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
class Reviewed:
    """One question with everything there is to say about it."""

    item: AttemptItem
    options: tuple[Option, ...]
    objective: Objective | None
    """Where it sits in the attempt's outline; None if it has been moved out of it since."""
    scenario_positions: tuple[int, ...]

    @property
    def opening(self) -> str:
        """How the stem begins."""
        return opening(self.item.version.stem_html, 160)

    @property
    def visible_time(self) -> str:
        return visible_time(self.item.visible_ms)

    @property
    def changes(self) -> int:
        """Every accepted answer is a revision; the first one changed nothing."""
        return max(0, self.item.revision - 1)


@dataclass(frozen=True, slots=True)
class Tab:
    show: Show
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Review:
    show: Show
    tabs: tuple[Tab, ...]
    questions: tuple[Reviewed, ...]


def opening(markup: str, characters: int) -> str:
    """How a text begins, as plain text on one line, in whole words."""
    text = html.unescape(strip_tags(markup))
    text = " ".join(text.split())
    if len(text) <= characters:
        return text
    whole_words, _, _ = text[:characters].rpartition(" ")
    return f"{whole_words or text[: characters - 1]}…"


def review_of(attempt: Attempt, show: Show) -> Review:
    """Three queries, however many questions. Nothing of an item whose key may not be seen yet."""
    items = [
        item
        for item in attempt.items.select_related("domain", "version__question")
        if may_see_key(attempt, item)
    ]
    shown = [item for item in items if show.takes(item)]
    prefetch_related_objects(
        shown,
        "version__choices",
        Prefetch(
            "version__question__placements",
            Placement.objects.filter(outline=attempt.outline_id).select_related("objective"),
        ),
    )
    positions = defaultdict(list)
    for item in items:
        positions[item.version.scenario_text].append(item.position)
    return Review(
        show=show,
        tabs=tuple(
            Tab(tab, sum(tab.takes(item) for item in items), current=tab is show) for tab in Show
        ),
        questions=tuple(
            Reviewed(
                item=item,
                options=options_of(item, item.version.choices.all()),
                objective=next((p.objective for p in item.version.question.placements.all()), None),
                scenario_positions=tuple(positions[item.version.scenario_text]),
            )
            for item in shown
        ),
    )
