"""The bank's file format <-> dataclasses. Pure: no database, no Django.

A bank file is a YAML list of items (docs/authoring.md shows one). Scenario files hold the texts
shared by a set of items. Whatever is wrong is reported with file, line and a sentence; one fault
refuses the file as a whole, because half a file is nobody's intention.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from questions.flowing import join
from questions.misjudgements import MISJUDGEMENTS

LEVELS: Final = ("recall", "apply", "analyse", "evaluate")
DIFFICULTY_RANGE: Final = (0.30, 0.90)
BANK_OUTLINE: Final = "2022"  # the outline a bare objective code refers to
MAX_TEXT: Final = 6_000
SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ITEM_KEYS: Final = frozenset(
    "id objective difficulty level stem options references scenario enemies tags".split()
)
_OPTION_KEYS: Final = frozenset("text rationale correct misjudgement".split())


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with a file. `str()` is the line a person reads."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class BankError(Exception):
    """The files cannot be loaded; `faults` says where and why."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Option:
    text: str
    rationale: str
    correct: bool = False
    misjudgement: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    objectives: Mapping[str, str]  # outline key -> objective code
    difficulty: float
    level: str
    stem: str
    options: tuple[Option, ...]
    references: tuple[str, ...]
    scenario: str = ""
    enemies: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    def content(self, scenario: str = "") -> dict[str, Any]:
        """What makes a version: change any of it and it is another version. Where lines break
        within a paragraph is no part of it.

        scenario: the `scenario_digest` of what stands above the stem.
        """
        return {
            "scenario": scenario,
            "stem": join(self.stem),
            "difficulty": f"{self.difficulty:.2f}",
            "level": self.level,
            "references": list(self.references),
            "options": [
                [join(option.text), join(option.rationale), option.correct, option.misjudgement]
                for option in self.options
            ],
        }


@dataclass(frozen=True, slots=True)
class ScenarioText:
    id: str
    title: str
    text: str
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Bank:
    items: tuple[Item, ...]
    scenarios: tuple[ScenarioText, ...]


def digest(value: object) -> str:
    """A stable fingerprint of plain data (sha256 of canonical JSON, hex)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def scenario_digest(title: str, text: str) -> str:
    """Fingerprint of a scenario; empty where there is none."""
    return digest([title, text]) if text else ""


def blind_hash(item: Item, scenario_text: str = "") -> str:
    """Fingerprint of what a blind reader saw: scenario, stem and options, in no order, keyless.

    Line breaks and paragraphs don't count: the words are what was read.
    """
    options = sorted(_one_line(option.text) for option in item.options)
    return digest([_one_line(scenario_text), _one_line(item.stem), options])[:16]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def mutual_enemies(bank: Bank) -> dict[str, set[str]]:
    """item id -> the ids that must not share a form with it; naming it on one side is enough."""
    enemies: dict[str, set[str]] = {item.id: set() for item in bank.items}
    for item in bank.items:
        for enemy in item.enemies:
            enemies[item.id].add(enemy)
            enemies[enemy].add(item.id)
    return enemies


# --- Reading --------------------------------------------------------------------------------


class _Node(dict[str, Any]):
    """A YAML mapping that remembers its line and the lines of its keys."""

    line: int
    key_lines: dict[str, int]


class _LineLoader(yaml.SafeLoader):
    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Gives the line of a value YAML itself chokes on, such as the date 2022-13-45."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error


def _mapping(loader: _LineLoader, node: yaml.MappingNode) -> _Node:
    result = _Node()
    result.line = node.start_mark.line + 1
    result.key_lines = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(
                problem=f"the key {key!r} is not text", problem_mark=key_node.start_mark
            )
        if key in result:
            raise yaml.MarkedYAMLError(
                problem=f"{key!r} is given twice", problem_mark=key_node.start_mark
            )
        result[key] = loader.construct_object(value_node, deep=True)
        result.key_lines[key] = key_node.start_mark.line + 1
    return result


_LineLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_bank(root: Path) -> Bank:
    """Read every bank file below `root`. Raises BankError with all faults of all files."""
    faults: list[Fault] = []
    items: list[Item] = []
    scenarios: list[ScenarioText] = []
    for path in sorted(root.rglob("*.yaml")):
        name = str(path.relative_to(root.parent))
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(Fault(name, 1, f"cannot be read as UTF-8 text ({error})"))
            continue
        if "scenarios" in path.relative_to(root).parts:
            scenarios += parse_scenarios(text, name, faults)
        else:
            items += parse_items(text, name, faults)
    # A faulty file gives nothing, so what others say of it cannot be judged yet.
    faults = faults or list(_cross_check(items, scenarios))
    if faults:
        raise BankError(faults)
    return Bank(tuple(items), tuple(scenarios))


def parse_items(text: str, file: str, faults: list[Fault]) -> list[Item]:
    """Items of one file; appends to `faults` and returns nothing of a faulty file."""
    found: list[Fault] = []
    items = [item for node in _entries(text, file, found) if (item := _item(node, file, found))]
    faults += found
    return [] if found else items


def parse_scenarios(text: str, file: str, faults: list[Fault]) -> list[ScenarioText]:
    found: list[Fault] = []
    scenarios = []
    for node in _entries(text, file, found):
        check = _Checker(node, file, found)
        check.only_keys(frozenset({"id", "title", "text"}))
        scenarios.append(
            ScenarioText(check.slug("id"), check.text("title"), check.text("text"), file, node.line)
        )
    faults += found
    return [] if found else scenarios


def _entries(text: str, file: str, faults: list[Fault]) -> Iterator[_Node]:
    try:
        data = yaml.load(text, _LineLoader)  # noqa: S506  (a SafeLoader with line numbers)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        faults.append(
            Fault(file, mark.line + 1 if mark else 1, f"is not valid YAML: {error.problem}")
        )
        return
    except yaml.YAMLError as error:
        faults.append(Fault(file, 1, f"is not valid YAML: {error}"))
        return
    except RecursionError:
        faults.append(Fault(file, 1, "is nested deeper than any bank file needs to be"))
        return
    if not isinstance(data, list):
        faults.append(Fault(file, 1, "must be a list; each entry starts with '- id: …'"))
        return
    for entry in data:
        if isinstance(entry, _Node):
            yield entry
        else:
            faults.append(Fault(file, 1, f"has an entry that is not a mapping: {entry!r:.60}"))


class _Checker:
    """Takes values out of one mapping and notes what is wrong with them."""

    def __init__(self, node: _Node, file: str, faults: list[Fault], label: str = "") -> None:
        self.node, self.file, self.faults = node, file, faults
        self.label = label or str(node.get("id", "entry without id"))

    def fault(self, reason: str, key: str = "") -> None:
        line = self.node.key_lines.get(key, self.node.line)
        self.faults.append(Fault(self.file, line, f"{self.label}: {reason}"))

    def only_keys(self, known: frozenset[str]) -> None:
        for key in self.node:
            if key not in known:
                self.fault(f"unknown key {key!r}; known are {', '.join(sorted(known))}", key)

    def text(self, key: str) -> str:
        value = self.node.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fault(f"{key!r} is missing or not text", key)
            return ""
        if len(value) > MAX_TEXT:
            self.fault(f"{key!r} is longer than {MAX_TEXT} characters", key)
        return join(value)

    def slug(self, key: str) -> str:
        value = self.text(key)
        if value and not (SLUG.fullmatch(value) and len(value) <= 80):
            self.fault(f"{key!r} must be lowercase words joined by hyphens, not {value!r}", key)
        return value

    def strings(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        value = self.node.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            self.fault(f"{key!r} must be a list of texts", key)
            return ()
        if required and not value:
            self.fault(f"{key!r} needs at least one entry", key)
        return tuple(v.strip() for v in value)


def _item(node: _Node, file: str, faults: list[Fault]) -> Item | None:
    before = len(faults)
    check = _Checker(node, file, faults)
    check.only_keys(_ITEM_KEYS)
    item = Item(
        id=check.slug("id"),
        objectives=_objectives(check),
        difficulty=_difficulty(check),
        level=check.text("level"),
        stem=check.text("stem"),
        options=_options(check),
        references=check.strings("references", required=True),
        scenario=check.slug("scenario") if "scenario" in node else "",
        enemies=check.strings("enemies"),
        tags=check.strings("tags"),
        file=file,
        line=node.line,
    )
    if item.level and item.level not in LEVELS:
        check.fault(f"'level' must be one of {', '.join(LEVELS)}, not {item.level!r}", "level")
    for tag in item.tags:
        if not SLUG.fullmatch(tag) or len(tag) > 40:
            check.fault(f"tag {tag!r} must be lowercase words joined by hyphens", "tags")
    return item if len(faults) == before else None


def _objectives(check: _Checker) -> dict[str, str]:
    value = check.node.get("objective")
    if isinstance(value, str) and value:
        return {BANK_OUTLINE: value}
    if isinstance(value, dict) and value and all(isinstance(v, str) for v in value.values()):
        return {str(outline): code for outline, code in value.items()}
    check.fault(
        "'objective' must be a quoted code such as \"1.4\", or a mapping of outline to code",
        "objective",
    )
    return {}


def _difficulty(check: _Checker) -> float:
    value = check.node.get("difficulty")
    low, high = DIFFICULTY_RANGE
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        check.fault(
            f"'difficulty' must be a number from {low:.2f} to {high:.2f}, not {value!r}",
            "difficulty",
        )
        return low
    return float(value)


def _options(check: _Checker) -> tuple[Option, ...]:
    value = check.node.get("options")
    if not isinstance(value, list) or len(value) != 4:
        check.fault("'options' must be a list of four", "options")
        return ()
    options = []
    for number, node in enumerate(value, 1):
        if not isinstance(node, _Node):
            check.fault(f"option {number} is not a mapping with 'text' and 'rationale'", "options")
            continue
        inner = _Checker(node, check.file, check.faults, f"{check.label}, option {number}")
        inner.only_keys(_OPTION_KEYS)
        options.append(
            Option(
                text=inner.text("text"),
                rationale=inner.text("rationale"),
                correct=node.get("correct") is True,
                misjudgement=str(node.get("misjudgement") or ""),
            )
        )
    check.faults += [
        Fault(check.file, check.node.key_lines["options"], f"{check.label}: {problem.text}")
        for problem in option_problems(options)
    ]
    return tuple(options)


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """One thing wrong with the options; `number` is the option it is about, 0 for all of them."""

    number: int
    text: str


def option_problems(options: Sequence[Option]) -> list[OptionProblem]:
    """What must hold of the four options together, in words; the admin uses it too."""
    problems = []
    keys = sum(option.correct for option in options)
    if keys != 1:
        problems.append(
            OptionProblem(0, f"exactly one option must be marked as the key; {keys} are")
        )
    for number, option in enumerate(options, 1):
        if option.correct and option.misjudgement:
            reason = "is the key, so it cannot carry a misjudgement"
        elif not option.correct and option.misjudgement not in MISJUDGEMENTS:
            reason = "is a distractor and needs a misjudgement from the list"
            if option.misjudgement:
                reason += f"; {option.misjudgement!r} is not on it"
        else:
            continue
        problems.append(OptionProblem(number, f"option {number} {reason}"))
    texts = [" ".join(option.text.lower().split()) for option in options if option.text]
    if len(set(texts)) < len(texts):
        problems.append(OptionProblem(0, "two options have the same text"))
    return problems


def _cross_check(items: list[Item], scenarios: list[ScenarioText]) -> Iterator[Fault]:
    seen: dict[str, Item | ScenarioText] = {}
    entries: list[Item | ScenarioText] = [*scenarios, *items]
    for entry in entries:
        if first := seen.get(entry.id):
            yield Fault(
                entry.file, entry.line, f"{entry.id}: already used at {first.file}:{first.line}"
            )
        seen[entry.id] = entry
    scenario_ids = {scenario.id for scenario in scenarios}
    item_ids = {item.id for item in items}
    for item in items:
        if item.scenario and item.scenario not in scenario_ids:
            yield Fault(item.file, item.line, f"{item.id}: no scenario {item.scenario!r}")
        for enemy in item.enemies:
            if enemy not in item_ids or enemy == item.id:
                yield Fault(item.file, item.line, f"{item.id}: no other item {enemy!r} as enemy")
