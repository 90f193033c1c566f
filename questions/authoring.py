"""What an author works on: a question's sheet, read whole, compared, and written back whole.

Two people may have the same sheet open. Whoever saves second is told, and nothing is overwritten:
a sheet is only written over the state it was read from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.models import User
from domains.models import Objective
from questions import services
from questions.bank import Option, digest
from questions.models import Question, QuestionVersion

_KEY_WORDS = 6
_KEY_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything the authoring form holds. The first four belong to the question whatever its
    version, the rest to its draft."""

    objective: int | None
    scenario: int | None
    enemies: tuple[str, ...]
    tags: tuple[str, ...]
    stem: str
    difficulty: str  # as stored, "0.65"
    level: str
    references: tuple[str, ...]
    options: tuple[Option, ...]


BLANK = Sheet(
    objective=None,
    scenario=None,
    enemies=(),
    tags=(),
    stem="",
    difficulty="0.65",
    level=QuestionVersion.Level.APPLY,
    references=(),
    options=(Option("", ""),) * 4,
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A question as it stands: its sheet, and the draft that holds it (None: no draft is open)."""

    sheet: Sheet
    draft: QuestionVersion | None

    @property
    def revision(self) -> str:
        """Changes with the scenario's text too: nobody publishes a situation they have not read."""
        scenario = [self.draft.scenario_title, self.draft.scenario_text] if self.draft else []
        return digest([self.draft.number if self.draft else 0, scenario, asdict(self.sheet)])


class Stale(Exception):
    """The question changed after the author opened it; `stored` is how it stands now."""

    def __init__(self, stored: Stored) -> None:
        super().__init__("The question changed after it was opened.")
        self.stored = stored


class KeyTaken(Exception):
    """Another question has this key."""


def read(question: Question) -> Stored:
    """The draft's sheet, or the newest version's where no draft is open."""
    newest = question.versions.order_by("-number").first()
    if newest is None:
        return Stored(BLANK, None)
    placement = question.placements.filter(outline__is_default=True).first()
    sheet = Sheet(
        objective=placement.objective_id if placement else None,
        scenario=question.scenario_id,
        enemies=tuple(question.enemies.order_by("key").values_list("key", flat=True)),
        tags=tuple(question.tags),
        stem=newest.stem,
        difficulty=f"{newest.difficulty:.2f}",
        level=newest.level,
        references=tuple(newest.references),
        options=tuple(
            Option(choice.text, choice.rationale, choice.is_correct, choice.misjudgement)
            for choice in newest.choices.order_by("position")
        ),
    )
    return Stored(sheet, newest if newest.status == QuestionVersion.Status.DRAFT else None)


@contextmanager
def _as_seen(question: Question, revision: str) -> Iterator[Stored]:
    """Lock the question for the length of the block. Raises Stale unless it is as it was seen."""
    with transaction.atomic():
        Question.objects.select_for_update().get(pk=question.pk)
        question.refresh_from_db()
        stored = read(question)
        if stored.revision != revision:
            raise Stale(stored)
        yield stored


def create(key: str, sheet: Sheet, *, by: User) -> QuestionVersion:
    """A new question with its first draft. An empty key is proposed from the stem.

    Raises KeyTaken.
    """
    with transaction.atomic():
        try:
            with transaction.atomic():
                question = Question.objects.create(key=key or propose_key(sheet.stem))
        except IntegrityError as error:
            raise KeyTaken(key) from error
        return _write(question, sheet, by)


def save(question: Question, sheet: Sheet, *, revision: str, by: User) -> QuestionVersion:
    """Write the draft over the state with this revision. Raises Stale.

    Sending the same sheet twice, as a double click does, is not a conflict.
    """
    try:
        with _as_seen(question, revision):
            return _write(question, sheet, by)
    except Stale as stale:
        if stale.stored.draft and stale.stored.sheet == sheet:
            return stale.stored.draft
        raise


def publish(question: Question, *, revision: str, now: datetime) -> QuestionVersion:
    """Publish the draft exactly as it was seen. Raises Stale, services.NotPublishable."""
    with _as_seen(question, revision) as stored:
        if stored.draft is None:
            raise services.NotPublishable(["There is no draft to publish."])
        services.publish(stored.draft, now=now)
        return stored.draft


def propose_key(stem: str) -> str:
    """A free key from the first words of the stem."""
    words = plain_slug(" ".join(stem.split()[:_KEY_WORDS]))[:_KEY_LENGTH].strip("-")
    base = words or "question"
    taken = set(Question.objects.filter(key__startswith=base).values_list("key", flat=True))
    key, number = base, 1
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def plain_slug(text: str) -> str:
    """Lower-case words joined by single hyphens, as keys and tags are written in files too."""
    return re.sub(r"[-_]+", "-", slugify(text)).strip("-")


def _write(question: Question, sheet: Sheet, by: User) -> QuestionVersion:
    question.scenario_id = sheet.scenario
    question.tags = list(sheet.tags)
    question.save(update_fields=["scenario", "tags"])
    question.enemies.set(Question.objects.filter(key__in=sheet.enemies))
    if sheet.objective is not None:
        services.move(question, Objective.objects.get(pk=sheet.objective))
    return services.write_draft(
        question,
        stem=sheet.stem,
        difficulty=float(sheet.difficulty),
        level=sheet.level,
        references=sheet.references,
        options=sheet.options,
        by=by,
    )
