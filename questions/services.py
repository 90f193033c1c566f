"""The only writer of versions and their status. Draft -> published -> retired; text is never edited
after it is published, a correction is the next version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import SystemRandom

from django.db import transaction
from django.db.models import Max, Q

from accounts.models import User
from domains.models import Objective
from questions.bank import Option, digest, option_problems, scenario_digest
from questions.markdown import to_html
from questions.models import Choice, Placement, Question, QuestionVersion, Scenario

_chance = SystemRandom()
_SEALED = ("scenario_title", "scenario_text", "scenario_html", "stem_html", "content_hash")


class NotPublishable(Exception):
    """The draft lacks something; `problems` says what, in sentences an author can act on."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


def content_of(version: QuestionVersion) -> dict[str, object]:
    """The same shape as `bank.Item.content()`, so file and database compare by fingerprint."""
    return _content(version, options_of(version))


def options_of(version: QuestionVersion) -> list[Option]:
    """The options as a file would give them, in the order they were written."""
    return [
        Option(choice.text, choice.rationale, choice.is_correct, choice.misjudgement)
        for choice in sorted(version.choices.all(), key=lambda choice: choice.position)
    ]


def _content(version: QuestionVersion, options: Sequence[Option]) -> dict[str, object]:
    return {
        "scenario": scenario_digest(version.scenario_title, version.scenario_text),
        "stem": version.stem,
        "difficulty": f"{version.difficulty:.2f}",
        "level": version.level,
        "references": list(version.references),
        "options": [
            [option.text, option.rationale, option.correct, option.misjudgement]
            for option in options
        ],
    }


def write_draft(
    question: Question,
    *,
    stem: str,
    difficulty: float,
    level: str,
    references: Sequence[str],
    options: Sequence[Option],
    by: User | None = None,
) -> QuestionVersion:
    """Make or replace the question's draft. Published versions stay as they are."""
    with transaction.atomic():
        Question.objects.select_for_update().get(pk=question.pk)
        draft = question.versions.filter(status=QuestionVersion.Status.DRAFT).first()
        if draft is None:
            draft = QuestionVersion(question=question, number=_next_number(question), created_by=by)
        draft.stem, draft.stem_html = stem, to_html(stem)
        draft.difficulty = round(difficulty, 2)
        draft.level, draft.references = level, list(references)
        draft.content_hash = ""
        draft.save()
        draft.choices.all().delete()
        _create_in_any_order(_choices(draft, options))
        seal_draft(draft)
    return draft


def _choices(version: QuestionVersion, options: Sequence[Option]) -> list[Choice]:
    return [
        Choice(
            version=version,
            position=position,
            text=option.text,
            text_html=to_html(option.text),
            rationale=option.rationale,
            rationale_html=to_html(option.rationale),
            is_correct=option.correct,
            misjudgement=option.misjudgement,
        )
        for position, option in enumerate(options, 1)
    ]


@dataclass(frozen=True, slots=True)
class Text:
    """What a version says; the scenario is that of its question."""

    stem: str
    difficulty: float
    level: str
    references: Sequence[str]
    options: Sequence[Option]


def publish_new(texts: Mapping[Question, Text], *, now: datetime) -> None:
    """First versions of questions that have none, written and published: a handful of statements,
    however many there are. The texts must be publishable (the bank's files are checked for it)."""
    with transaction.atomic():
        versions = [_first_version(question, text) for question, text in texts.items()]
        QuestionVersion.objects.bulk_create(versions)
        choices = [
            choice
            for version, text in zip(versions, texts.values(), strict=True)
            for choice in _choices(version, text.options)
        ]
        _create_in_any_order(choices)
        # Published last: the database lets nobody add options to a published version.
        QuestionVersion.objects.filter(pk__in=[version.pk for version in versions]).update(
            status=QuestionVersion.Status.PUBLISHED, published_at=now
        )


def _first_version(question: Question, text: Text) -> QuestionVersion:
    scenario = question.scenario
    version = QuestionVersion(
        question=question,
        number=1,
        scenario_title=scenario.title if scenario else "",
        scenario_text=scenario.text if scenario else "",
        scenario_html=to_html(scenario.text) if scenario else "",
        stem=text.stem,
        stem_html=to_html(text.stem),
        difficulty=Decimal(f"{text.difficulty:.2f}"),
        level=text.level,
        references=list(text.references),
    )
    version.content_hash = digest(_content(version, text.options))
    return version


def seal_draft(draft: QuestionVersion) -> None:
    """Bring a draft's derived columns (scenario, rendered HTML, fingerprint) up to their sources.

    Forms write text only; they call this after saving the draft and its choices.
    """
    draft.refresh_from_db()
    scenario = draft.question.scenario
    draft.scenario_title = scenario.title if scenario else ""
    draft.scenario_text = scenario.text if scenario else ""
    draft.scenario_html = to_html(draft.scenario_text)
    for choice in draft.choices.all():
        text_html, rationale_html = to_html(choice.text), to_html(choice.rationale)
        if (choice.text_html, choice.rationale_html) != (text_html, rationale_html):
            choice.text_html, choice.rationale_html = text_html, rationale_html
            choice.save(update_fields=["text_html", "rationale_html"])
    draft.stem_html = to_html(draft.stem)
    draft.content_hash = digest(content_of(draft))
    draft.save(update_fields=_SEALED)


def draft_from_published(question: Question, *, by: User | None = None) -> QuestionVersion:
    """The draft of the next version, copied from the newest one unless a draft exists already.

    Its scenario is the question's as it is now.
    """
    with transaction.atomic():
        Question.objects.select_for_update().get(pk=question.pk)
        if draft := question.versions.filter(status=QuestionVersion.Status.DRAFT).first():
            return draft
        newest = question.versions.order_by("-number").first()
        if newest is None:
            raise ValueError(f"{question} has no version to start from")
        choices = list(newest.choices.order_by("position"))
        newest.pk = None
        newest._state.adding = True
        newest.number = _next_number(question)
        newest.status = QuestionVersion.Status.DRAFT
        newest.published_at = newest.retired_at = None
        newest.created_by = by
        newest.save()
        for choice in choices:
            choice.pk = None
            choice._state.adding = True
            choice.version = newest
        _create_in_any_order(choices)
        seal_draft(newest)
        return newest


def save_scenario(scenario: Scenario) -> list[Question]:
    """Write a scenario and bring the drafts that use it up to it; the questions of those drafts.

    A published version keeps the scenario it was published with, see `questions_behind`.
    """
    with transaction.atomic():
        # Its questions first, as every writer of a draft does: one order of locks, no deadlock.
        members = list(
            Question.objects.select_for_update().filter(scenario=scenario.pk).order_by("pk")
        )
        scenario.text_html = to_html(scenario.text)
        scenario.save()
        renewed = []
        drafts = QuestionVersion.objects.filter(
            ~Q(scenario_title=scenario.title, scenario_text=scenario.text),
            question__in=members,
            status=QuestionVersion.Status.DRAFT,
        )
        for draft in drafts.order_by("question_id"):
            seal_draft(draft)
            renewed.append(draft.question)
        return renewed


def questions_behind(scenario: Scenario) -> list[Question]:
    """Those whose published version still shows an earlier text, or another scenario."""
    versions = QuestionVersion.objects.filter(
        ~Q(scenario_title=scenario.title, scenario_text=scenario.text),
        question__scenario=scenario,
        status=QuestionVersion.Status.PUBLISHED,
    )
    return [row.question for row in versions.select_related("question").order_by("question__key")]


def siblings_with_another_scenario(version: QuestionVersion) -> list[str]:
    """Keys of published questions of the same set whose scenario reads differently: sets are drawn
    whole, so a candidate would read both."""
    siblings = QuestionVersion.objects.filter(
        ~Q(scenario_title=version.scenario_title, scenario_text=version.scenario_text),
        question__scenario__isnull=False,
        question__scenario=version.question.scenario_id,
        status=QuestionVersion.Status.PUBLISHED,
    )
    return list(siblings.order_by("question__key").values_list("question__key", flat=True))


def _create_in_any_order(choices: Iterable[Choice]) -> None:
    """Candidates see the ids of the options. They must not tell the order of writing, for authors
    tend to write the key in the same place."""
    written = list(choices)
    Choice.objects.bulk_create(_chance.sample(written, len(written)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing between a draft and publication. `about` is the part to mend: stem, references,
    objective, options, or option_1 to option_4."""

    about: str
    text: str


def publish_findings(version: QuestionVersion) -> list[Finding]:
    """What stands between a draft and publication; empty when it is ready."""
    findings = []
    if not Placement.objects.filter(question=version.question_id).exists():
        findings.append(Finding("objective", "Choose the objective this question belongs to."))
    if not version.stem.strip():
        findings.append(Finding("stem", "The stem is empty."))
    choices = list(version.choices.order_by("position"))
    if len(choices) != 4:
        findings.append(
            Finding("options", f"A question has four options; this one has {len(choices)}.")
        )
    for number, choice in enumerate(choices, 1):
        if not choice.text.strip():
            findings.append(Finding(f"option_{number}", f"Option {number} has no text."))
        if not choice.rationale.strip():
            findings.append(Finding(f"option_{number}", f"Option {number} has no rationale."))
    for problem in option_problems(
        [Option(c.text, c.rationale, c.is_correct, c.misjudgement) for c in choices]
    ):
        about = f"option_{problem.number}" if problem.number else "options"
        findings.append(Finding(about, f"{problem.text[0].upper()}{problem.text[1:]}."))
    if not version.references:
        findings.append(Finding("references", "Give at least one public, checkable reference."))
    return findings


def publish(version: QuestionVersion, *, now: datetime) -> None:
    """Make a draft the version candidates get; the one before it is retired in the same breath.

    Raises NotPublishable. Attempts that hold the earlier version keep it.
    """
    with transaction.atomic():
        Question.objects.select_for_update().get(pk=version.question_id)
        version.refresh_from_db()
        if version.status != QuestionVersion.Status.DRAFT:
            raise NotPublishable([f"Version {version.number} is already {version.status}."])
        if findings := publish_findings(version):
            raise NotPublishable([finding.text for finding in findings])
        seal_draft(version)
        _retire(version.question, now)
        version.status = QuestionVersion.Status.PUBLISHED
        version.published_at = now
        version.save(update_fields=["status", "published_at"])


def retire(question: Question, *, now: datetime) -> bool:
    """Take the question out of new exams. False when nothing of it was published."""
    with transaction.atomic():
        Question.objects.select_for_update().get(pk=question.pk)
        return _retire(question, now)


def _retire(question: Question, now: datetime) -> bool:
    return bool(
        question.versions.filter(status=QuestionVersion.Status.PUBLISHED).update(
            status=QuestionVersion.Status.RETIRED, retired_at=now
        )
    )


def discard_draft(question: Question) -> bool:
    """Throw the draft away. A question that was never published goes with it.

    True when there was a draft.
    """
    with transaction.atomic():
        Question.objects.select_for_update().get(pk=question.pk)
        drafts = question.versions.filter(status=QuestionVersion.Status.DRAFT)
        if not drafts.exists():
            return False
        if question.versions.exclude(status=QuestionVersion.Status.DRAFT).exists():
            drafts.delete()
        else:
            Question.objects.filter(pk=question.pk).delete()
        return True


def place(question: Question, objective: Objective) -> None:
    """Put a question under an objective, and under what covers the same ground in other outlines.

    Follows `successor` one step forward and one back; a placement a person chose elsewhere stays.
    """
    with transaction.atomic():
        Placement.objects.update_or_create(
            question=question,
            outline=objective.domain.outline,
            defaults={"objective": objective},
        )
        for relative in relatives(objective):
            Placement.objects.get_or_create(
                question=question,
                outline=relative.domain.outline,
                defaults={"objective": relative},
            )


def move(question: Question, objective: Objective) -> None:
    """Place a question under another objective of the same outline.

    Placements in other outlines that followed from the earlier objective follow from the new one.
    """
    with transaction.atomic():
        earlier = Placement.objects.filter(
            question=question, outline=objective.domain.outline
        ).first()
        if earlier and earlier.objective_id == objective.pk:
            return
        if earlier:
            followed = relatives(earlier.objective)
            Placement.objects.filter(question=question, objective__in=followed).delete()
        place(question, objective)


def relatives(objective: Objective) -> list[Objective]:
    """Objectives that cover the same ground in the outlines just before and after this one."""
    found = list(objective.predecessors.all())
    if objective.successor:
        found.append(objective.successor)
    return found


def _next_number(question: Question) -> int:
    highest: int | None = question.versions.aggregate(highest=Max("number"))["highest"]
    return (highest or 0) + 1
