"""The bank's folder and what stands beside it, read without a database.

fixtures/bank/                 the items and scenario texts
fixtures/outlines/*.yaml       what they have to cover
fixtures/exams.yaml            how long a full form is
fixtures/blind-readings.yaml   who read what, blind
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from attempts.assembly import Candidate
from domains.outlines import read_outline
from domains.quotas import largest_remainder
from questions.bank import (
    BANK_OUTLINE,
    Bank,
    Fault,
    mutual_enemies,
    parse_items,
    parse_scenarios,
    read_bank,
)
from questions.quality import Reading, Shape


class BesideError(Exception):
    """What stands beside the bank cannot be used; the text says which file and why."""


class ExportError(Exception):
    """The bank cannot be written; nothing was. The text says what to mend."""


@dataclass(frozen=True, slots=True)
class OutlineFile:
    title: str
    is_default: bool
    shape: Shape

    def candidates(self, bank: Bank) -> list[Candidate]:
        """The bank as the assembler sees it, for somebody who has met none of it."""
        numbers = {item.id: number for number, item in enumerate(bank.items)}
        scenarios = {scenario.id: number for number, scenario in enumerate(bank.scenarios)}
        enemies = mutual_enemies(bank)
        return [
            Candidate(
                version=numbers[item.id],
                question=numbers[item.id],
                domain=self.shape.objectives[self.shape.placed[item.id]],
                objective=self.shape.placed[item.id],
                difficulty=item.difficulty,
                enemies=frozenset(numbers[enemy] for enemy in enemies[item.id]),
                scenario=scenarios[item.scenario] if item.scenario else None,
            )
            for item in bank.items
            if item.id in self.shape.placed
        ]


@dataclass(frozen=True, slots=True)
class BankFolder:
    bank: Bank
    outlines: tuple[OutlineFile, ...]
    readings: tuple[Reading, ...]

    @property
    def shapes(self) -> list[Shape]:
        return [outline.shape for outline in self.outlines]

    def outline(self, key: str) -> OutlineFile | None:
        """The one with this key; the one in force for an empty key."""
        return next(
            (o for o in self.outlines if (o.shape.key == key if key else o.is_default)), None
        )


def read(folder: Path, fallback: Path) -> BankFolder:
    """The bank of a folder with what stands beside it. What is missing there is taken from beside
    `fallback`: an export has a bank alone. Raises BankError, OutlineError, BesideError."""
    bank = read_items(folder)

    def beside(name: str) -> Path:
        own = folder.resolve().parent / name
        return own if own.exists() else fallback.resolve().parent / name

    data = [read_outline(path) for path in sorted(beside("outlines").glob("*.yaml"))]
    if not data:
        raise BesideError(f"outlines: there is no outline in {beside('outlines')}")
    return BankFolder(
        bank=bank,
        outlines=tuple(
            _outline(entry, data, bank, form_length(beside("exams.yaml"))) for entry in data
        ),
        readings=tuple(read_readings(beside("blind-readings.yaml"))),
    )


def read_items(folder: Path) -> Bank:
    """The bank of one folder; the faults it raises name files from the folder's parent."""
    return read_bank(folder.resolve())


def form_length(exams: Path) -> int:
    """How many items the full simulation has."""
    entries = _entries(exams)
    counts = [entry.get("item_count") for entry in entries if entry.get("kind") == "simulation"]
    if not counts or not isinstance(counts[0], int) or counts[0] < 1:
        raise BesideError(f"{exams.name}: no exam of kind simulation with an item_count")
    return counts[0]


def read_readings(path: Path) -> list[Reading]:
    readings = []
    for number, entry in enumerate(_entries(path), 1):
        try:
            readings.append(
                Reading(
                    item=str(entry["id"]),
                    text=str(entry["text"]),
                    chosen=str(entry["chosen"]),
                    defensible=int(entry["defensible"]),
                )
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BesideError(f"{path.name}: entry {number}: {error!r}") from error
    return readings


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise BesideError(f"{path.name}: cannot be read: {error}") from error
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise BesideError(f"{path.name}: must be a list of mappings")
    return data


def _outline(
    entry: Mapping[str, Any], outlines: Sequence[Mapping[str, Any]], bank: Bank, form: int
) -> OutlineFile:
    key = entry["key"]
    weights = {domain["number"]: domain["weight"] for domain in entry["domains"]}
    objectives = {
        objective["code"]: domain["number"]
        for domain in entry["domains"]
        for objective in domain["objectives"]
    }
    following = _following(key, outlines)
    placed = {}
    for item in bank.items:
        own = item.objectives.get(BANK_OUTLINE, "")
        code = item.objectives.get(key) or following.get(own, "")
        if code in objectives:
            placed[item.id] = code
    return OutlineFile(
        title=entry["title"],
        is_default=bool(entry.get("default")),
        shape=Shape(key, weights, objectives, largest_remainder(weights, form), placed),
    )


def _following(key: str, outlines: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Code in the bank's own outline -> the code that follows it in the outline `key`."""
    return {
        objective["code"]: objective["successor"]["code"]
        for entry in outlines
        if entry["key"] == BANK_OUTLINE
        for domain in entry["domains"]
        for objective in domain["objectives"]
        if objective.get("successor") and objective["successor"]["outline"] == key
    }


# --- Writing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    written: int
    removed: int


def replace_files(folder: Path, files: Mapping[str, str]) -> Written:
    """Make the bank files of a folder exactly these. A bank file that is not among them is removed;
    whatever is no bank file stays.

    Nothing is written that could not be read back. Each file is replaced in one step, so that an
    interrupted export leaves whole files. Raises ExportError.
    """
    _require_readable(files)
    try:
        return _replace_files(folder, files)
    except OSError as error:
        raise ExportError(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error


def _require_readable(files: Mapping[str, str]) -> None:
    """What the desk accepts a file may refuse: a key with an underscore, for one."""
    if not files:
        raise ExportError("Nothing is published here, and an empty bank is nobody's intention.")
    faults: list[Fault] = []
    for name, text in files.items():
        _parse(name, text, faults)
    if faults:
        listed = "\n".join(map(str, sorted(faults)))
        raise ExportError(f"These would not load again; mend them in the authoring area:\n{listed}")


def _parse(name: str, text: str, faults: list[Fault]) -> int:
    """How many entries the file holds."""
    parse = parse_scenarios if Path(name).parts[0] == "scenarios" else parse_items
    return len(parse(text, name, faults))


def _replace_files(folder: Path, files: Mapping[str, str]) -> Written:
    written = 0
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.read_bytes() == text.encode():
            continue
        partial = path.with_suffix(".yaml.part")
        partial.write_bytes(text.encode())
        partial.replace(path)
        written += 1
    gone = [path for path in folder.rglob("*.yaml") if _is_superseded(path, folder, files)]
    for path in gone:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return Written(written, len(gone))


def _is_superseded(path: Path, folder: Path, files: Mapping[str, str]) -> bool:
    """A bank file, from its first word to its last, that is not among those written."""
    name = path.relative_to(folder).as_posix()
    if name in files or not path.is_file():
        return False
    faults: list[Fault] = []
    try:
        return _parse(name, path.read_text(encoding="utf-8"), faults) > 0 and not faults
    except UnicodeDecodeError:
        return False
