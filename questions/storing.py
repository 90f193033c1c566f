"""The database's bank as the dataclasses of the files, so that it can be written out as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.db.models import Prefetch

from questions import services
from questions.bank import BANK_OUTLINE, Bank, Item, ScenarioText
from questions.flowing import join
from questions.models import Placement, Question, QuestionVersion, Scenario


class Unplaceable(Exception):
    """A published question cannot be said in a file; the text names it and says why."""


def published_bank() -> Bank:
    """Every published question as candidates get it. Enemies that are not published are left out,
    for a file can only name what it knows. Raises Unplaceable."""
    versions = list(
        QuestionVersion.objects.filter(status=QuestionVersion.Status.PUBLISHED)
        .select_related("question__scenario")
        .prefetch_related(
            "choices",
            "question__enemies",
            Prefetch(
                "question__placements",
                Placement.objects.select_related(
                    "outline", "objective__successor__domain__outline"
                ).prefetch_related("objective__predecessors__domain__outline"),
            ),
        )
        .order_by("published_at", "question__key")
    )
    by_text = {(row.title, join(row.text)): row.key for row in Scenario.objects.all()}
    items = [_item(version, _scenario(version, by_text)) for version in versions]
    known = {item.id for item in items}
    # The text candidates read, which may not be the one a person is working on; where only some
    # of a set have been published with a newer text, the newer.
    scenarios = {
        item.scenario: ScenarioText(
            item.scenario, version.scenario_title, join(version.scenario_text)
        )
        for item, version in zip(items, versions, strict=True)
        if item.scenario
    }
    return Bank(
        items=tuple(
            replace(item, enemies=tuple(enemy for enemy in item.enemies if enemy in known))
            for item in items
        ),
        scenarios=tuple(scenarios.values()),
    )


def _scenario(version: QuestionVersion, by_text: Mapping[tuple[str, str], str]) -> str:
    """The key of the scenario a version was published with. The question's own may be another by
    now: a draft can move it to another set, or its text can be under way."""
    if not version.scenario_text:
        return ""
    key = by_text.get((version.scenario_title, join(version.scenario_text)))
    if key:
        return key
    if version.question.scenario:
        return version.question.scenario.key
    raise Unplaceable(
        f"{version.question}: its published version shows a scenario that is in no set any more. "
        "Publish its draft, or give the scenario back."
    )


def _item(version: QuestionVersion, scenario: str) -> Item:
    question = version.question
    objectives = _objectives(question)
    if not objectives:
        raise Unplaceable(f"{question}: it belongs to no objective. Choose one and save.")
    return Item(
        id=question.key,
        objectives=objectives,
        difficulty=float(version.difficulty),
        level=version.level,
        stem=join(version.stem),
        options=tuple(
            replace(option, text=join(option.text), rationale=join(option.rationale))
            for option in services.options_of(version)
        ),
        references=tuple(version.references),
        scenario=scenario,
        enemies=tuple(sorted(enemy.key for enemy in question.enemies.all())),
        tags=tuple(sorted(question.tags)),
    )


def _objectives(question: Question) -> dict[str, str]:
    """Outline -> code, without what follows from the place in the bank's own outline."""
    placed = {placement.outline.key: placement.objective for placement in question.placements.all()}
    own = placed.get(BANK_OUTLINE)
    follows = {
        relative.domain.outline.key: relative.code
        for relative in (services.relatives(own) if own else [])
    }
    return {
        key: objective.code
        for key, objective in placed.items()
        if follows.get(key) != objective.code
    }
