"""The gates a bank passes as a whole, and what an author is told of one item. Pure.

`bank check` prints the gates; the authoring pages show `item_findings` while an author writes.
Limits come from the item-writing standard (docs/authoring.md has it in words).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from questions import cues
from questions.bank import Bank, Item, blind_hash, mutual_enemies
from questions.likeness import NEAR_DUPLICATE, likenesses

STEM_WORDS: Final = (40, 120)
STEM_WORDS_IN_SET: Final = (20, 120)  # a set's scenario has told most of it
SET_SIZE: Final = (3, 5)
KEY_LENGTH: Final = (0.7, 1.4)
KEY_LENGTH_MEAN: Final = (0.95, 1.05)
RATIONALE_WORDS: Final = 10
DIFFICULTY_MEAN: Final = (0.60, 0.75)
DIFFICULTY_SPREAD: Final = 0.12
RECALL_SHARE: Final = 0.10
CALCULATION: Final = "calculation"  # the tag of items that compute something
CALCULATION_SHARE: Final = 0.10
PER_OBJECTIVE: Final = 6
FULL_FORMS: Final = 2
WEIGHT_TOLERANCE: Final = 2.0  # points between a domain's share and its weight
SCENARIO_SETS: Final = 15
OPTIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. `about` names the part: stem, options, references, difficulty, ... or
    option_1 to option_4; `item` is empty where it is about the bank."""

    item: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate with what was measured. figure and limit are what a person reads; value is the
    figure as a number, for programs (shares 0 to 1)."""

    name: str
    figure: str
    limit: str
    value: float
    passed: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline as the bank has to fill it.

    weights: domain number -> weight; objectives: code -> domain number; quotas: domain number ->
    items of one full form; placed: item id -> code under this outline.
    """

    key: str
    weights: Mapping[int, int]
    objectives: Mapping[str, int]
    quotas: Mapping[int, int]
    placed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """One blind reading on record: of which text, and what came of it. The answer is kept as its
    words, so that a key moved afterwards is noticed."""

    item: str
    text: str  # blind_hash of what was read
    chosen: str  # the option the reader took for the best
    defensible: int  # how many options the reader would have defended


# --- One item -------------------------------------------------------------------------------

_NEGATIVE: Final = re.compile(
    r"\b(NOT|EXCEPT|LEAST)\b"
    # Up to the first comma: what follows one may speak of the situation.
    r"|(?i:\bwhich\b[^,.;?]*\b(is|are|would|does|should)(n['’]t| not)\b[^.?]*\?)"
    r"|(?i:\ball (of these )?except\b)"
)
_OF_THE_ABOVE: Final = re.compile(
    r"\b(all|none|both|any|neither) of (the (above|others?|other options|options|answers)\b"
    r"|these\s*([,.;:]|$|options\b|answers\b))",
    re.IGNORECASE,
)
_BY_LETTER: Final = re.compile(
    r"\b([Oo]ption|[Cc]hoice|[Aa]nswer) [A-D1-4]\b"
    r"|(?i:\bthe (first|second|third|fourth|last) (option|choice|answer)\b|\bas stated above\b)"
)


def key_length(item: Item) -> float:
    """Length of the key over the mean length of the distractors, in characters."""
    lengths = [len(option.text) for option in item.options]
    key = lengths.pop(cues.key_of(item))
    return key / max(1.0, sum(lengths) / max(1, len(lengths)))


def unready(item: Item) -> list[Finding]:
    """What has to be written before `item_findings` and `cue_notes` can judge an item."""
    missing = []
    if not item.stem.strip():
        missing.append(Finding(item.id, "stem", "Write the stem."))
    written = [bool(option.text.strip()) for option in item.options]
    if sum(written) < OPTIONS:
        first = [*written, False].index(False) + 1
        missing.append(
            Finding(
                item.id,
                f"option_{first}",
                f"Write all four options; {OPTIONS - sum(written)} to go.",
            )
        )
    if sum(option.correct for option in item.options) != 1:
        missing.append(Finding(item.id, "options", "Mark one option as the key."))
    return missing


def item_findings(item: Item) -> list[Finding]:
    """What is wrong with the writing of one item that has four options and one key."""
    return [*_length_findings(item), *_writing_findings(item)]


def _writing_findings(item: Item) -> list[Finding]:
    return [*_stem_findings(item), *_option_findings(item), *_rationale_findings(item)]


def _length_findings(item: Item) -> Iterable[Finding]:
    ratio = key_length(item)
    if not KEY_LENGTH[0] <= ratio <= KEY_LENGTH[1]:
        yield Finding(
            item.id,
            "options",
            f"The key is {ratio:.2f} times as long as the distractors are on average; "
            f"{KEY_LENGTH[0]} to {KEY_LENGTH[1]} passes.",
        )


def _stem_findings(item: Item) -> Iterable[Finding]:
    count = len(item.stem.split())
    low, high = STEM_WORDS_IN_SET if item.scenario else STEM_WORDS
    if not low <= count <= high:
        yield Finding(item.id, "stem", f"The stem has {count} words; {low} to {high} are asked.")
    last = re.split(r"\n\s*\n", item.stem.strip())[-1]
    if not last.rstrip().endswith("?"):
        yield Finding(item.id, "stem", "The stem's last paragraph must be the one question.")
    if _NEGATIVE.search(item.stem):
        yield Finding(item.id, "stem", "The question is asked in the negative; turn it round.")


def _option_findings(item: Item) -> Iterable[Finding]:
    plain = [" ".join(cues.words(option.text)) for option in item.options]
    for number, (option, text) in enumerate(zip(item.options, plain, strict=True), 1):
        if _OF_THE_ABOVE.match(option.text):
            yield Finding(
                item.id,
                f"option_{number}",
                "Points at the other options (“all of the above”); write out what it means.",
            )
        for other, longer in enumerate(plain, 1):
            if other != number and text and f" {text} " in f" {longer} ":
                yield Finding(
                    item.id, f"option_{number}", f"Is contained in option {other}, word for word."
                )


def _rationale_findings(item: Item) -> Iterable[Finding]:
    for number, option in enumerate(item.options, 1):
        if _BY_LETTER.search(option.rationale):
            yield Finding(
                item.id,
                f"option_{number}",
                "The rationale names an option by its place; candidates see them shuffled.",
            )
        if len(option.rationale.split()) < RATIONALE_WORDS:
            yield Finding(
                item.id,
                f"option_{number}",
                f"The rationale has fewer than {RATIONALE_WORDS} words; say why, here.",
            )


def cue_notes(item: Item) -> list[str]:
    """The cues that lead straight to this item's key. One such item is no fault; a habit is."""
    key = cues.key_of(item)
    return [name for name, score in cues.CUES.items() if cues.hit(score(item), key) == 1.0]


# --- The bank -------------------------------------------------------------------------------


def gates(bank: Bank, shapes: Sequence[Shape], readings: Sequence[Reading]) -> list[Gate]:
    """Every gate, in the order a person wants to read them."""
    items = bank.items
    return [
        *_cue_gates(items),
        _combined_gate(items),
        *_length_gates(items),
        _writing_gate(items),
        _likeness_gate(bank),
        _complete_gate(items, shapes),
        _read_gate(bank, readings),
        *_difficulty_gates(items),
        _level_gate(items),
        _calculation_gate(items),
        _sets_gate(bank),
        *(gate for shape in shapes for gate in _coverage_gates(items, shape)),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _cue_gates(items: Sequence[Item]) -> Iterable[Gate]:
    bound = cues.limit(len(items))
    for name, score in cues.CUES.items():
        share = cues.share_found(items, name)
        passed = share <= bound
        findings = (
            ()
            if passed
            else tuple(
                Finding(item.id, "options", f"This cue alone finds the key: {name}.")
                for item in items
                if cues.hit(score(item), cues.key_of(item)) == 1.0
            )
        )
        yield Gate(
            f"Cue: {name}", _percent(share), f"at most {_percent(bound)}", share, passed, findings
        )


def _combined_gate(items: Sequence[Item]) -> Gate:
    bound = cues.limit(len(items))
    name = "All cues combined, cross-validated"
    result = cues.combined(items)
    if result is None:
        return Gate(
            name,
            "not measured",
            f"needs {cues.FEWEST_ITEMS} items",
            0.0,
            passed=False,
            findings=(
                Finding(
                    "", "options", f"{len(items)} items are too few for a model to learn from."
                ),
            ),
        )
    passed = result.share <= bound
    findings = (
        ()
        if passed
        else tuple(
            Finding(item.id, "options", "A model of the options' wording finds the key.")
            for item, found in zip(items, result.by_item, strict=True)
            if found > 0.5
        )
    )
    return Gate(
        name, _percent(result.share), f"at most {_percent(bound)}", result.share, passed, findings
    )


def _length_gates(items: Sequence[Item]) -> Iterable[Gate]:
    ratios = [key_length(item) for item in items]
    low, high = KEY_LENGTH
    outside = tuple(finding for item in items for finding in _length_findings(item))
    yield Gate(
        "Key's length against the distractors', each item",
        f"{min(ratios, default=0):.2f} to {max(ratios, default=0):.2f}",
        f"{low} to {high}",
        float(len(outside)),
        not outside,
        outside,
    )
    mean = float(np.mean(ratios)) if ratios else 0.0
    low, high = KEY_LENGTH_MEAN
    yield Gate(
        "Key's length against the distractors', mean",
        f"{mean:.3f}",
        f"{low} to {high}",
        mean,
        low <= mean <= high,
    )


def _count_gate(name: str, limit: str, items: int, findings: Iterable[Finding]) -> Gate:
    """A gate that every item has to pass by itself."""
    listed = tuple(findings)
    faulty = len({finding.item for finding in listed})
    return Gate(name, f"{items - faulty} of {items}", limit, float(faulty), not listed, listed)


def _writing_gate(items: Sequence[Item]) -> Gate:
    findings = (finding for item in items for finding in _writing_findings(item))
    return _count_gate("Rules of writing, each item", "all", len(items), findings)


def _likeness_gate(bank: Bank) -> Gate:
    enemies = mutual_enemies(bank)
    pairs = [pair for pair in likenesses(bank.items) if pair.other not in enemies[pair.one]]
    findings = tuple(
        Finding(
            pair.one,
            "stem",
            f"Reads like {pair.other} ({pair.cosine:.2f}): rewrite one, or make them enemies.",
        )
        for pair in pairs
    )
    return Gate(
        "Near-duplicate stems that are not enemies",
        str(len(pairs)),
        f"none at {NEAR_DUPLICATE} or more",
        float(len(pairs)),
        not pairs,
        findings,
    )


def _complete_gate(items: Sequence[Item], shapes: Sequence[Shape]) -> Gate:
    """The file format insists on most of this already; the gate says so in a figure, and holds for
    banks that came another way. That an objective exists only the outlines can tell."""
    known = {shape.key: shape.objectives for shape in shapes}

    def findings() -> Iterable[Finding]:
        for item in items:
            for number, option in enumerate(item.options, 1):
                if not option.rationale:
                    yield Finding(item.id, f"option_{number}", "Has no rationale.")
                if not option.correct and not option.misjudgement:
                    yield Finding(item.id, f"option_{number}", "Has no misjudgement tag.")
            if not item.references:
                yield Finding(item.id, "references", "Cites no public source.")
            if not item.objectives:
                yield Finding(item.id, "objective", "Belongs to no objective.")
            for outline, code in item.objectives.items():
                if code not in known.get(outline, {}):
                    text = f"Outline {outline} has no objective {code}."
                    yield Finding(item.id, "objective", text)
            if not item.difficulty:
                yield Finding(item.id, "difficulty", "Has no judged difficulty.")

    return _count_gate(
        "Rationales, misjudgements, references, objective, difficulty",
        "all",
        len(items),
        findings(),
    )


def _read_gate(bank: Bank, readings: Sequence[Reading]) -> Gate:
    by_item = {reading.item: reading for reading in readings}
    scenarios = {scenario.id: scenario.text for scenario in bank.scenarios}

    def findings() -> Iterable[Finding]:
        for item in bank.items:
            reading = by_item.get(item.id)
            if reading is None:
                yield Finding(item.id, "reading", "No one has read it blind.")
            elif reading.text != blind_hash(item, scenarios.get(item.scenario, "")):
                yield Finding(item.id, "reading", "Its text changed after the blind reading.")
            elif _plain(reading.chosen) != _plain(item.options[cues.key_of(item)].text):
                yield Finding(item.id, "reading", "The blind reader chose another option.")
            elif reading.defensible != 1:
                yield Finding(
                    item.id,
                    "reading",
                    f"The blind reader would defend {reading.defensible} options.",
                )

    return _count_gate(
        "Read blind as it stands, answered as keyed, one option defensible",
        "all",
        len(bank.items),
        findings(),
    )


def _plain(text: str) -> str:
    return " ".join(text.split())


def _difficulty_gates(items: Sequence[Item]) -> Iterable[Gate]:
    judged = [item.difficulty for item in items]
    mean = float(np.mean(judged)) if judged else 0.0
    low, high = DIFFICULTY_MEAN
    yield Gate(
        "Judged difficulty, mean",
        f"{mean:.3f}",
        f"{low:.2f} to {high:.2f}",
        mean,
        low <= mean <= high,
    )
    spread = float(np.std(judged)) if judged else 0.0
    yield Gate(
        "Judged difficulty, standard deviation",
        f"{spread:.4f}",
        f"at least {DIFFICULTY_SPREAD}",
        spread,
        spread >= DIFFICULTY_SPREAD,
    )


def _level_gate(items: Sequence[Item]) -> Gate:
    recall = [item for item in items if item.level == "recall"]
    share = len(recall) / len(items) if items else 0.0
    passed = share <= RECALL_SHARE
    findings = () if passed else tuple(Finding(i.id, "level", "Asks for recall.") for i in recall)
    return Gate(
        "Items that ask for recall",
        _percent(share),
        f"at most {_percent(RECALL_SHARE)}",
        share,
        passed,
        findings,
    )


def _calculation_gate(items: Sequence[Item]) -> Gate:
    share = sum(CALCULATION in item.tags for item in items) / len(items) if items else 0.0
    return Gate(
        "Items that compute something",
        _percent(share),
        f"at least {_percent(CALCULATION_SHARE)}",
        share,
        share >= CALCULATION_SHARE,
    )


def _sets_gate(bank: Bank) -> Gate:
    sizes = Counter(item.scenario for item in bank.items if item.scenario)
    low, high = SET_SIZE
    wrong_size = [scenario for scenario in bank.scenarios if not low <= sizes[scenario.id] <= high]
    home = {item.id: item.scenario for item in bank.items}
    hostile = [
        (item.id, enemy)
        for item in bank.items
        for enemy in item.enemies
        if item.scenario and home.get(enemy) == item.scenario
    ]
    findings = [
        Finding("", "scenario", f"{scenario.id} is shared by {sizes[scenario.id]} items.")
        for scenario in wrong_size
    ] + [
        Finding(one, "enemies", f"Shares its scenario with its enemy {other}: never to be drawn.")
        for one, other in hostile
    ]
    sound = len(bank.scenarios) - len(wrong_size)
    return Gate(
        f"Scenario sets of {low} to {high} items",
        str(sound),
        f"at least {SCENARIO_SETS}, and no other size",
        float(sound),
        sound >= SCENARIO_SETS and not findings,
        tuple(findings),
    )


def _coverage_gates(items: Sequence[Item], shape: Shape) -> Iterable[Gate]:
    codes = Counter(shape.placed[item.id] for item in items if item.id in shape.placed)
    domains = Counter(dict.fromkeys(shape.weights, 0))
    for code, count in codes.items():
        domains[shape.objectives[code]] += count
    total = sum(domains.values())
    thin = tuple(
        Finding("", "objective", f"Objective {code} has {codes[code]}.")
        for code in shape.objectives
        if codes[code] < PER_OBJECTIVE
    )
    fewest = min((codes[code] for code in shape.objectives), default=0)
    yield Gate(
        f"Outline {shape.key}: items of every objective",
        f"{fewest} or more",
        f"at least {PER_OBJECTIVE}",
        float(fewest),
        not thin,
        thin,
    )
    off = {
        number: 100 * domains[number] / total - weight if total else -float(weight)
        for number, weight in shape.weights.items()
    }
    far = tuple(
        Finding(
            "",
            "domain",
            f"Domain {number} has {domains[number]} items, {off[number]:+.1f} points from its "
            f"weight of {shape.weights[number]} %.",
        )
        for number in sorted(off)
        if abs(off[number]) > WEIGHT_TOLERANCE
    )
    widest = max((abs(points) for points in off.values()), default=0.0)
    yield Gate(
        f"Outline {shape.key}: each domain's share against its weight",
        f"{widest:.1f} points off at most",
        f"within {WEIGHT_TOLERANCE:.0f} points",
        widest,
        not far,
        far,
    )
    short = tuple(
        Finding(
            "",
            "domain",
            f"Domain {number} has {domains[number]} items; {FULL_FORMS} forms take "
            f"{FULL_FORMS * quota}.",
        )
        for number, quota in sorted(shape.quotas.items())
        if domains[number] < FULL_FORMS * quota
    )
    forms = min((domains[n] // quota for n, quota in shape.quotas.items() if quota), default=0)
    yield Gate(
        f"Outline {shape.key}: full forms with nothing in common, by count",
        str(forms),
        f"at least {FULL_FORMS}",
        float(forms),
        not short,
        short,
    )


def as_json(bank: Bank, listed: Sequence[Gate]) -> dict[str, Any]:
    """The same report for a program."""
    lines = {item.id: item for item in bank.items}

    def place(finding: Finding) -> dict[str, Any]:
        item = lines.get(finding.item)
        where = {"file": item.file, "line": item.line} if item else {"file": "", "line": 0}
        return {**where, "item": finding.item, "about": finding.about, "text": finding.text}

    return {
        "items": len(bank.items),
        "scenarios": len(bank.scenarios),
        "passed": all(gate.passed for gate in listed),
        "gates": [
            {
                "name": gate.name,
                "figure": gate.figure,
                "limit": gate.limit,
                "value": round(gate.value, 4),
                "passed": gate.passed,
                "findings": [place(finding) for finding in gate.findings],
            }
            for gate in listed
        ],
    }
