"""The tutorial's questions: made up, about nothing in the bank, and none with a right answer.

They are built as the objects the room's templates know, and never saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from django.urls import reverse

from attempts.models import Exam
from attempts.options import options_of
from attempts.room import Cell
from questions.models import Choice, QuestionVersion


@dataclass(frozen=True, slots=True)
class Practice:
    stem: tuple[str, ...]
    options: tuple[str, str, str, str]
    scenario: str = ""


_MOVE: Final = (
    "A village library moves into a new building two streets away. It has 4,800 books, one van, "
    "and one Saturday. A crate holds 36 books. The van takes 14 crates, and a trip with loading "
    "takes 40 minutes."
)

QUESTIONS: Final = (
    Practice(
        stem=(
            "Four friends hire a rowing boat for an afternoon on a mountain lake. Two of them "
            "can row, one cannot swim, and the far shore has the only landing stage with a café.",
            "What do they settle before they push off?",
        ),
        options=(
            "Who sits at the bow.",
            "What they order at the café.",
            "When they turn back if the wind rises.",
            "Whose telephone takes the pictures.",
        ),
    ),
    Practice(
        scenario=_MOVE,
        stem=("How long does the van need for all of the books?",),
        options=(
            "Six hours.",
            "Six hours and 40 minutes.",
            "Seven hours and 20 minutes.",
            "Eight hours.",
        ),
    ),
    Practice(
        scenario=_MOVE,
        stem=(
            "On Friday evening the driver calls: the van is in the workshop until ten. "
            "What does the librarian ask first?",
        ),
        options=(
            "What the repair costs.",
            "Who else in the village has a van.",
            "Whether the café next door opens on Saturday.",
            "Which colour the new shelves have.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class TutorialRoom:
    """What the room's templates ask of a Room, where there is no attempt behind it.

    The empty name tells the room's script to keep everything in its page and to send nothing.
    """

    now_ms: int
    zone: str
    last_position: int = 1

    count: ClassVar[int] = len(QUESTIONS)
    name: ClassVar[str] = ""
    person: ClassVar[str] = ""
    navigation: ClassVar[str] = Exam.Navigation.FREE
    feedback: ClassVar[str] = Exam.Feedback.AT_END
    strict: ClassVar[bool] = False
    deadline_ms: ClassVar[str] = "Infinity"
    left_words: ClassVar[str] = ""  # no clock
    is_low: ClassVar[bool] = False
    answered: ClassVar[int] = 0
    seen_unanswered: ClassVar[int] = 0
    unseen: ClassVar[int] = len(QUESTIONS)
    flagged_cells: ClassVar[tuple[()]] = ()

    @property
    def base(self) -> str:
        return reverse("exam-tutorial")

    @property
    def started_ms(self) -> int:
        return self.now_ms

    @property
    def cells(self) -> list[Cell]:
        return [_cell(position) for position in range(1, self.count + 1)]


def _cell(position: int, choices: Sequence[int] = ()) -> Cell:
    return Cell(0, position, 0, choices, None, 0, flagged=False, seen=False, saved_ms=None)


def sheet(position: int) -> dict[str, object]:
    """One question, as the sheet's template wants it."""
    question = QUESTIONS[position - 1]
    shared = [n for n, other in enumerate(QUESTIONS, 1) if other.scenario]
    choices = [
        Choice(pk=4 * position + index, text_html=f"<p>{text}</p>")
        for index, text in enumerate(question.options)
    ]
    item = _cell(position, [choice.pk for choice in choices])
    return {
        "position": position,
        "count": len(QUESTIONS),
        "action": reverse("exam-tutorial-item", args=(position,)),
        "revision": 0,
        "version": QuestionVersion(
            stem_html="".join(f"<p>{paragraph}</p>" for paragraph in question.stem),
            scenario_html=f"<p>{question.scenario}</p>" if question.scenario else "",
        ),
        "options": options_of(item, choices),
        "positions": shared,
    }
