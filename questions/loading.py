"""Brings the bank in the database up to the files, without overriding an instructor's work.

A question remembers the fingerprint of what its file last gave it. When the file changed and the
database did not, the new text becomes the next published version; when both changed, the database
is kept and the conflict reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from domains.models import Objective
from questions import services
from questions.bank import (
    Bank,
    BankError,
    Fault,
    Item,
    ScenarioText,
    digest,
    mutual_enemies,
    scenario_digest,
)
from questions.models import Placement, Question, QuestionVersion, Scenario


@dataclass(slots=True)
class BankReport:
    created: int = 0
    new_versions: int = 0
    replaced: int = 0  # placed, tagged or paired differently; same text
    unchanged: int = 0
    conflicts: list[str] = field(default_factory=list)


class _Loader:
    def __init__(self, bank: Bank, now: datetime) -> None:
        self.bank, self.now, self.report = bank, now, BankReport()
        self.enemies = mutual_enemies(bank)
        self.objectives = {
            (objective.domain.outline.key, objective.code): objective
            for objective in Objective.objects.select_related(
                "domain__outline", "successor__domain__outline"
            ).prefetch_related("predecessors__domain__outline")
        }
        self.questions = {
            question.key: question
            for question in Question.objects.select_related("scenario").prefetch_related(
                "enemies", "placements__outline", "placements__objective"
            )
        }
        # The newest text of each question is what a file's text is compared with.
        self.newest: dict[int, QuestionVersion] = {}
        for version in QuestionVersion.objects.order_by("question_id", "number"):
            self.newest[version.question_id] = version
        self.scenarios: dict[str, Scenario] = {}

    def run(self) -> BankReport:
        self._check_objectives()
        for scenario in self.bank.scenarios:
            self.scenarios[scenario.id] = self._scenario(scenario)
        changed = [item for item in self.bank.items if self._item(item)]
        for item in changed:  # second pass: an enemy may come later in the files
            self.questions[item.id].enemies.set(
                self.questions[key] for key in self.enemies[item.id]
            )
        return self.report

    def _check_objectives(self) -> None:
        faults = [
            Fault(item.file, item.line, f"{item.id}: outline {outline} has no objective {code}")
            for item in self.bank.items
            for outline, code in item.objectives.items()
            if (outline, code) not in self.objectives
        ]
        if faults:
            raise BankError(faults)

    def _scenario(self, text: ScenarioText) -> Scenario:
        wanted = scenario_digest(text.title, text.text)
        row = Scenario.objects.filter(key=text.id).first() or Scenario(key=text.id)
        if row.loaded_hash == wanted:
            return row
        if _changed_here(row) and scenario_digest(row.title, row.text) != wanted:
            self.report.conflicts.append(
                f"Scenario {row.key} was changed here and in {text.file}:{text.line}; "
                "what is here was kept."
            )
            return row
        row.title, row.text, row.loaded_hash = text.title, text.text, wanted
        services.save_scenario(row)
        return row

    def _item(self, item: Item) -> bool:
        """Load one item; True when the question was created or written to."""
        wanted = self._fingerprint(item)
        question = self.questions.get(item.id)
        if question is None:
            question = Question.objects.create(key=item.id)
            self.questions[item.id] = question
            self._write(question, item, wanted)
            self._publish_text(question, item)
            self.report.created += 1
            return True
        if question.loaded_hash == wanted:
            self.report.unchanged += 1
            return False
        newest = self.newest.get(question.pk)
        if question.loaded_hash != self._current_fingerprint(question, newest):
            self.report.conflicts.append(
                f"{item.id} was changed here and in {item.file}:{item.line}; what is here was kept."
            )
            return False
        if item.scenario and _changed_here(self.scenarios[item.scenario]):
            self.report.conflicts.append(
                f"{item.id} was changed in {item.file}:{item.line} and its scenario here; "
                "what is here was kept."
            )
            return False
        new_text = newest is None or newest.content_hash != digest(self._content(item))
        if new_text and newest and newest.status == QuestionVersion.Status.RETIRED:
            self.report.conflicts.append(
                f"{item.id} was retired here and changed in {item.file}:{item.line}; "
                "it stays retired."
            )
            return False
        self._write(question, item, wanted)
        if new_text:
            self._publish_text(question, item)
            self.report.new_versions += 1
        else:
            self.report.replaced += 1
        return True

    def _write(self, question: Question, item: Item, wanted: str) -> None:
        question.scenario = self.scenarios[item.scenario] if item.scenario else None
        question.tags = sorted(item.tags)
        question.loaded_hash = wanted
        question.save()
        # The file's word replaces what it said before, and what followed from that.
        Placement.objects.filter(question=question).delete()
        for outline, code in item.objectives.items():
            services.place(question, self.objectives[outline, code])

    def _publish_text(self, question: Question, item: Item) -> None:
        draft = services.write_draft(
            question,
            stem=item.stem,
            difficulty=item.difficulty,
            level=item.level,
            references=item.references,
            options=item.options,
        )
        services.publish(draft, now=self.now)

    def _fingerprint(self, item: Item) -> str:
        """What the database will say of the item once it is loaded."""
        placements: dict[str, str] = {}
        for outline, code in item.objectives.items():
            objective = self.objectives[outline, code]
            for relative in services.relatives(objective):
                placements.setdefault(relative.domain.outline.key, relative.code)
            placements[outline] = code
        placing = [item.scenario, sorted(self.enemies[item.id]), sorted(item.tags)]
        return digest([digest(self._content(item)), placing, placements])

    def _content(self, item: Item) -> dict[str, Any]:
        """With the scenario as the files last gave it: one that was changed here since, and in
        its file too, is a conflict of its own and not one of every question that uses it."""
        return item.content(self.scenarios[item.scenario].loaded_hash if item.scenario else "")

    def _current_fingerprint(self, question: Question, newest: QuestionVersion | None) -> str:
        """The same, read from the database."""
        placements = {p.outline.key: p.objective.code for p in question.placements.all()}
        placing = [
            question.scenario.key if question.scenario else "",
            sorted(enemy.key for enemy in question.enemies.all()),
            sorted(question.tags),
        ]
        return digest([newest.content_hash if newest else "", placing, placements])


def _changed_here(scenario: Scenario) -> bool:
    return scenario.loaded_hash != scenario_digest(scenario.title, scenario.text)


def load_bank(bank: Bank, *, now: datetime) -> BankReport:
    """Load all of it or nothing. Raises BankError when an item names an unknown objective."""
    with transaction.atomic():
        return _Loader(bank, now).run()
