"""Brings the bank in the database up to the files, without overriding an instructor's work.

A question remembers the fingerprint of what its file last gave it. When the file changed and the
database did not, the new text becomes the next published version; when both changed, the database
is kept and the conflict reported, unless they changed to the same. Where lines break within a
paragraph is no difference: authors type without, files are written at a fixed width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

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
from questions.flowing import join
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
        self.published: dict[int, QuestionVersion] = {}
        for version in QuestionVersion.objects.order_by("question_id", "number"):
            self.newest[version.question_id] = version
            if version.status == QuestionVersion.Status.PUBLISHED:
                self.published[version.question_id] = version
        self.stored_scenarios = {scenario.key: scenario for scenario in Scenario.objects.all()}
        self.scenarios: dict[str, Scenario] = {}  # those of the files, as they now stand
        self.created: set[str] = set()
        self.written: list[str] = []  # keys of questions whose enemies have to be set

    def run(self) -> BankReport:
        self._check_objectives()
        for scenario in self.bank.scenarios:
            self.scenarios[scenario.id] = self._scenario(scenario)
        self._create([item for item in self.bank.items if item.id not in self.questions])
        for item in self.bank.items:
            if item.id not in self.created:
                self._item(item)
        # Last, because an enemy may come later in the files.
        for key in self.written:
            question = self.questions[key]
            # Enemies the files know nothing of (written here, or retired) are not theirs to drop.
            others = question.enemies.exclude(key__in=self.enemies.keys())
            question.enemies.set([*others, *(self.questions[k] for k in self.enemies[key])])
        return self.report

    def _create(self, items: Sequence[Item]) -> None:
        """What the bank never had, all at once: a first load is most of a bank's loading."""
        rows = [
            Question(
                key=item.id,
                scenario=self.scenarios[item.scenario] if item.scenario else None,
                tags=sorted(item.tags),
                loaded_hash=self._fingerprint(item),
            )
            for item in items
        ]
        Question.objects.bulk_create(rows)
        Placement.objects.bulk_create(
            Placement(question=row, outline=objective.domain.outline, objective=objective)
            for row, item in zip(rows, items, strict=True)
            for objective in self._places(item).values()
        )
        services.publish_new(
            {
                row: services.Text(
                    item.stem, item.difficulty, item.level, item.references, item.options
                )
                for row, item in zip(rows, items, strict=True)
            },
            now=self.now,
        )
        self.questions |= {row.key: row for row in rows}
        self.created = {row.key for row in rows}
        pairs = {
            (self.questions[one].pk, self.questions[other].pk)
            for key in self.created
            for enemy in self.enemies[key]
            if enemy in self.created
            for one, other in ((key, enemy), (enemy, key))
        }
        through = Question.enemies.through
        through.objects.bulk_create(
            through(from_question_id=one, to_question_id=other) for one, other in sorted(pairs)
        )
        self.written += [row.key for row in rows if not self.enemies[row.key] <= self.created]
        self.report.created += len(rows)

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
        row = self.stored_scenarios.get(text.id) or Scenario(key=text.id)
        if row.loaded_hash == wanted:
            return row
        if _joined_digest(row) == wanted:
            row.loaded_hash = wanted
            row.save(update_fields=["loaded_hash"])
            return row
        if _changed_here(row):
            self.report.conflicts.append(
                f"Scenario {row.key} was changed here and in {text.file}:{text.line}; "
                "what is here was kept."
            )
            return row
        row.title, row.text, row.loaded_hash = text.title, text.text, wanted
        services.save_scenario(row)
        return row

    def _item(self, item: Item) -> None:
        """Bring one question up to its file, if that is the file's to do."""
        wanted = self._fingerprint(item)
        question = self.questions[item.id]
        if question.loaded_hash == wanted:
            self.report.unchanged += 1
            return
        newest = self.newest.get(question.pk)
        if self._says_so_already(question, wanted):
            question.loaded_hash = wanted
            question.save(update_fields=["loaded_hash"])
            self.report.unchanged += 1
            return
        if question.loaded_hash not in self._current_fingerprints(question, newest):
            self.report.conflicts.append(
                f"{item.id} was changed here and in {item.file}:{item.line}; what is here was kept."
            )
            return
        if item.scenario and _changed_here(self.scenarios[item.scenario]):
            self.report.conflicts.append(
                f"{item.id} was changed in {item.file}:{item.line} and its scenario here; "
                "what is here was kept."
            )
            return
        new_text = newest is None or _joined_content(newest) != digest(self._content(item))
        if new_text and newest and newest.status == QuestionVersion.Status.RETIRED:
            self.report.conflicts.append(
                f"{item.id} was retired here and changed in {item.file}:{item.line}; "
                "it stays retired."
            )
            return
        self._write(question, item, wanted)
        if new_text:
            self._publish_text(question, item)
            self.report.new_versions += 1
        else:
            self.report.replaced += 1
        self.written.append(item.id)

    def _says_so_already(self, question: Question, wanted: str) -> bool:
        """What candidates get is what the file says: it was brought over by hand, or the file was
        exported from here."""
        version = self.published.get(question.pk)
        return version is not None and self._in_database(question, version) == wanted

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

    def _places(self, item: Item) -> dict[str, Objective]:
        """Outline -> objective: what the file says, and what follows from it."""
        places: dict[str, Objective] = {}
        for outline, code in item.objectives.items():
            objective = self.objectives[outline, code]
            for relative in services.relatives(objective):
                places.setdefault(relative.domain.outline.key, relative)
            places[outline] = objective
        return places

    def _fingerprint(self, item: Item) -> str:
        """What the database will say of the item once it is loaded."""
        placements = {outline: objective.code for outline, objective in self._places(item).items()}
        placing = [item.scenario, sorted(self.enemies[item.id]), sorted(item.tags)]
        return digest([digest(self._content(item)), placing, placements])

    def _content(self, item: Item) -> dict[str, Any]:
        """With the scenario as the files last gave it: one that was changed here since, and in
        its file too, is a conflict of its own and not one of every question that uses it."""
        return item.content(self.scenarios[item.scenario].loaded_hash if item.scenario else "")

    def _current_fingerprints(
        self, question: Question, newest: QuestionVersion | None
    ) -> tuple[str, ...]:
        """The same, read from the database. Loads before 0.2 took line breaks for text, and
        remembered the fingerprint with them."""
        if newest is None:
            return ("", self._in_database(question, None))
        placed = self._placed(question)
        return (self._in_database(question, newest), digest([newest.content_hash, *placed]))

    def _in_database(self, question: Question, version: QuestionVersion | None) -> str:
        content = _joined_content(version) if version else ""
        return digest([content, *self._placed(question)])

    def _placed(self, question: Question) -> tuple[list[Any], dict[str, str]]:
        placements = {p.outline.key: p.objective.code for p in question.placements.all()}
        placing = [
            question.scenario.key if question.scenario else "",
            sorted(enemy.key for enemy in question.enemies.all() if enemy.key in self.enemies),
            sorted(question.tags),
        ]
        return placing, placements


def _joined_content(version: QuestionVersion) -> str:
    """A version's fingerprint with its paragraphs on one line each, as files are read."""
    content = services.content_of(version)
    options: Any = content["options"]
    return digest(
        {
            **content,
            "scenario": scenario_digest(version.scenario_title, join(version.scenario_text)),
            "stem": join(version.stem),
            "options": [[join(text), join(why), *rest] for text, why, *rest in options],
        }
    )


def _joined_digest(scenario: Scenario) -> str:
    return scenario_digest(join(scenario.title), join(scenario.text))


def _changed_here(scenario: Scenario) -> bool:
    return scenario.loaded_hash not in (
        _joined_digest(scenario),
        scenario_digest(scenario.title, scenario.text),  # loaded before 0.2
    )


def load_bank(bank: Bank, *, now: datetime) -> BankReport:
    """Load all of it or nothing. Raises BankError when an item names an unknown objective.

    One load at a time, and nobody publishes while it compares: an instructor who saves meanwhile
    waits for the second it takes.
    """
    with transaction.atomic():
        _hold_the_bank()
        return _Loader(bank, now).run()


def _hold_the_bank() -> None:
    """Until the transaction ends: against other loads, and against writers of what is here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('questions.load_bank'))")
    questions = Question.objects.select_for_update(no_key=True).order_by("pk")
    list(questions.values_list("pk", flat=True))
