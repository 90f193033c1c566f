"""Every gate has a bank that passes it and one that does not; every rule of writing an item that
trips it. The shipped bank passes them all."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from issmp_site import bank_files
from questions import cues, quality
from questions.bank import Bank, Item, ScenarioText, blind_hash
from questions.quality import Gate, Reading, Shape, gates, item_findings
from tests.questions.items import REASON, TEXTS, WORDS, item
from tests.world import ROOT

SHIPPED = ROOT / "fixtures" / "bank"

# --- One item -------------------------------------------------------------------------------


def test_a_sound_item_has_no_findings() -> None:
    assert item_findings(item()) == []
    assert quality.cue_notes(item(texts=("aa bb", "cc dd", "ee ff", "gg hh"))) == []


def rationales(first: str) -> tuple[str, ...]:
    return (first, REASON, REASON, REASON)


@pytest.mark.parametrize(
    ("changes", "about", "text"),
    [
        ({"stem": "Too short. What now?"}, "stem", "has 4 words; 40 to 120"),
        ({"stem": f"{WORDS} {WORDS} {WORDS}\n\nWhat now?"}, "stem", "40 to 120"),
        ({"stem": "Short. What now?", "scenario": "a-set"}, "stem", "has 3 words; 20 to 120"),
        ({"stem": WORDS}, "stem", "last paragraph must be the one question"),
        ({"stem": f"{WORDS}\n\nWhich is NOT the way?"}, "stem", "in the negative"),
        ({"stem": f"{WORDS}\n\nWhich option is not acceptable?"}, "stem", "in the negative"),
        ({"stem": f"{WORDS}\n\nWhat helps, EXCEPT paper?"}, "stem", "in the negative"),
        ({"stem": f"{WORDS}\n\nWhich of them isn’t a remedy?"}, "stem", "in the negative"),
        ({"stem": f"{WORDS}\n\nWhat do all except one of them share?"}, "stem", "in the negative"),
        ({"texts": ("x" * 120, *TEXTS[1:])}, "options", "times as long as the distractors"),
        ({"texts": ("Rehearse", *TEXTS[1:])}, "options", "times as long as the distractors"),
        (
            {"texts": (*TEXTS[:3], "None of the above, and nothing else either")},
            "option_4",
            "other",
        ),
        ({"texts": (*TEXTS[:3], "All of these, in the order they are given")}, "option_4", "other"),
        (
            {"texts": (*TEXTS[:3], "Move first, then " + TEXTS[0])},
            "option_1",
            "contained in option 4",
        ),
        ({"rationales": rationales(f"Option B is worse. {REASON}")}, "option_1", "by its place"),
        ({"rationales": rationales(f"The second option {REASON}")}, "option_1", "by its place"),
        (
            {"rationales": rationales(f"As stated above. {REASON}".lower())},
            "option_1",
            "by its place",
        ),
        ({"rationales": rationales("It is best.")}, "option_1", "fewer than 10 words"),
    ],
)
def test_a_rule_of_writing_is_told_where_it_is_broken(
    changes: dict[str, Any], about: str, text: str
) -> None:
    found = item_findings(item(**changes))
    assert any(f.about == about and text in f.text and f.item == "d1-item-1" for f in found), found


@pytest.mark.parametrize(
    "stem",
    [
        f"{WORDS} The vendor does not answer.\n\nWhat should come FIRST?",
        f"{WORDS}\n\nWhich control, given that the vendor is not certified, is worth its price?",
        f"{WORDS}\n\nWhat is the BEST answer to a supplier that has not kept its promise?",
    ],
)
def test_a_not_in_the_situation_is_no_negative_question(stem: str) -> None:
    assert not [f for f in item_findings(item(stem=stem)) if "negative" in f.text]


@pytest.mark.parametrize(
    "text",
    [
        "Both of the plants stop until the nurses have agreed",
        "All of these sites keep paper charts for the winter",
    ],
)
def test_an_option_may_speak_of_all_of_something(text: str) -> None:
    assert item_findings(item(texts=(*TEXTS[:3], text))) == []


def test_a_cue_that_finds_the_key_is_a_note_and_no_finding() -> None:
    longest = item(texts=(TEXTS[0] + " too", *TEXTS[1:]))
    assert "always the longest" in quality.cue_notes(longest)
    assert item_findings(longest) == []


# --- The bank -------------------------------------------------------------------------------

SHAPE = Shape(
    key="2022",
    weights={1: 60, 2: 40},
    objectives={"1.1": 1, "2.1": 2},
    quotas={1: 3, 2: 2},
    placed={},
)


def sound_bank() -> Bank:
    """A hundred items whose wording tells nothing, in twenty sets of three and forty alone."""
    rng = random.Random(7)
    vocabulary = [f"{a}{b}" for a in "bcdfglmnprst" for b in ("ander", "olik", "umer", "ista")]
    items = []
    for number in range(100):
        texts = tuple(" ".join(rng.sample(vocabulary, 7)) for _ in range(4))
        lengths = max(map(len, texts))
        situation = " ".join(rng.sample(vocabulary, 44))
        domain = 1 if number < 60 else 2
        items.append(
            item(
                number,
                key=rng.randrange(4),
                texts=tuple(text.ljust(lengths, "x") for text in texts),
                stem=f"{situation}.\n\nWhat now?",
                objectives={"2022": f"{domain}.1"},
                difficulty=rng.choice([0.45, 0.6, 0.7, 0.85]),
                tags=("calculation",) if number % 8 == 0 else (),
                scenario=f"set-{number // 3}" if number < 60 else "",
            )
        )
    scenarios = [ScenarioText(f"set-{number}", "A set", "The facts.") for number in range(20)]
    return Bank(tuple(items), tuple(scenarios))


def readings_of(bank: Bank) -> list[Reading]:
    texts = {scenario.id: scenario.text for scenario in bank.scenarios}
    return [
        Reading(
            i.id,
            blind_hash(i, texts.get(i.scenario, "")),
            chosen=i.options[cues.key_of(i)].text,
            defensible=1,
        )
        for i in bank.items
    ]


def shape_of(bank: Bank) -> Shape:
    placed = {i.id: i.objectives["2022"] for i in bank.items}
    return replace(
        SHAPE, placed={i: code for i, code in placed.items() if code in SHAPE.objectives}
    )


def measured(bank: Bank) -> dict[str, Gate]:
    return {gate.name: gate for gate in gates(bank, [shape_of(bank)], readings_of(bank))}


def change(bank: Bank, number: int, **fields: Any) -> Bank:
    items = list(bank.items)
    items[number] = replace(items[number], **fields)
    return replace(bank, items=tuple(items))


def each(bank: Bank, edit: Callable[[int, Item], Item]) -> Bank:
    return replace(bank, items=tuple(edit(n, i) for n, i in enumerate(bank.items)))


def key_text(one: Item, edit: Callable[[str], str]) -> Item:
    options = tuple(
        replace(option, text=edit(option.text)) if option.correct else option
        for option in one.options
    )
    return replace(one, options=options)


def test_a_sound_bank_passes_every_gate() -> None:
    assert [gate for gate in measured(sound_bank()).values() if not gate.passed] == []


def keyword(word: str) -> Callable[[Bank], Bank]:
    """In a third of the items the key says `word`."""
    return lambda bank: each(
        bank,
        lambda n, i: key_text(i, lambda text: f"{word} {text[len(word) + 1 :]}") if n % 3 else i,
    )


def longer_keys(bank: Bank) -> Bank:
    return each(bank, lambda n, i: key_text(i, lambda text: text + "xxxx") if n % 2 else i)


def same_stem_twice(bank: Bank) -> Bank:
    return change(bank, 99, stem=bank.items[98].stem.replace("now", "first"))


def one_option(bank: Bank, **fields: Any) -> Bank:
    options = bank.items[5].options
    return change(bank, 5, options=(replace(options[0], **fields), *options[1:]))


@pytest.mark.parametrize(
    ("gate", "spoil"),
    [
        ("Cue: always the longest", longer_keys),
        ("Cue: most hedged", keyword("possibly")),
        ("Cue: most managerial", keyword("agree")),
        ("All cues combined, cross-validated", keyword("without")),
        (
            "Key's length against the distractors', each item",
            lambda bank: each(
                bank, lambda n, i: key_text(i, lambda text: text * 2) if n == 5 else i
            ),
        ),
        (
            "Key's length against the distractors', mean",
            lambda bank: each(bank, lambda n, i: key_text(i, lambda text: text + "x" * 5)),
        ),
        ("Rules of writing, each item", lambda bank: change(bank, 5, stem="Short. What now?")),
        ("Near-duplicate stems that are not enemies", same_stem_twice),
        (
            "Rationales, misjudgements, references, objective, difficulty",
            lambda bank: change(bank, 5, references=()),
        ),
        (
            "Rationales, misjudgements, references, objective, difficulty",
            lambda bank: change(bank, 5, objectives={"2022": "1.77"}),
        ),
        (
            "Rationales, misjudgements, references, objective, difficulty",
            lambda bank: change(bank, 5, objectives={"2022": "1.1", "2031": "1.1"}),
        ),
        (
            "Rationales, misjudgements, references, objective, difficulty",
            lambda bank: one_option(bank, rationale=""),
        ),
        (
            "Rationales, misjudgements, references, objective, difficulty",
            lambda bank: one_option(bank, misjudgement="", correct=False),
        ),
        (
            "Judged difficulty, mean",
            lambda bank: each(bank, lambda n, i: replace(i, difficulty=i.difficulty - 0.1)),
        ),
        (
            "Judged difficulty, standard deviation",
            lambda bank: each(bank, lambda n, i: replace(i, difficulty=0.65)),
        ),
        (
            "Items that ask for recall",
            lambda bank: each(bank, lambda n, i: replace(i, level="recall") if n < 11 else i),
        ),
        (
            "Items that compute something",
            lambda bank: each(bank, lambda n, i: replace(i, tags=()) if n > 40 else i),
        ),
        ("Scenario sets of 3 to 5 items", lambda bank: change(bank, 0, scenario="")),
        (
            "Scenario sets of 3 to 5 items",
            lambda bank: change(bank, 0, enemies=(bank.items[1].id,)),
        ),
        (
            "Scenario sets of 3 to 5 items",
            lambda bank: replace(
                each(bank, lambda n, i: replace(i, scenario="") if n < 18 else i),
                scenarios=bank.scenarios[6:],
            ),
        ),
        (
            "Outline 2022: items of every objective",
            lambda bank: replace(bank, items=(*bank.items[:60], *bank.items[60:65])),
        ),
        (
            "Outline 2022: each domain's share against its weight",
            lambda bank: replace(bank, items=bank.items[:-6]),
        ),
        (
            "Outline 2022: full forms with nothing in common, by count",
            lambda bank: replace(bank, items=(*bank.items[:60], *bank.items[60:63])),
        ),
    ],
)
def test_a_gate_is_missed_by_a_bank_that_misses_it(
    gate: str, spoil: Callable[[Bank], Bank]
) -> None:
    result = measured(spoil(sound_bank()))[gate]
    assert not result.passed
    assert measured(sound_bank())[gate].passed


def test_near_duplicates_may_be_enemies() -> None:
    spoiled = same_stem_twice(sound_bank())
    mended = change(spoiled, 99, enemies=(spoiled.items[98].id,))
    gate = measured(mended)["Near-duplicate stems that are not enemies"]
    assert gate.passed


READ = "Read blind as it stands, answered as keyed, one option defensible"


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda r: r[1:], "No one has read it blind."),
        (lambda r: [replace(r[0], text="another"), *r[1:]], "changed after the blind reading"),
        (lambda r: [replace(r[0], chosen="Another text"), *r[1:]], "chose another option"),
        (lambda r: [replace(r[0], defensible=2), *r[1:]], "would defend 2 options"),
    ],
)
def test_a_text_nobody_read_blind_is_told(
    spoil: Callable[[list[Reading]], list[Reading]], text: str
) -> None:
    bank = sound_bank()
    listed = gates(bank, [shape_of(bank)], spoil(readings_of(bank)))
    (gate,) = [gate for gate in listed if gate.name == READ]
    assert not gate.passed
    assert gate.figure == "99 of 100"
    (finding,) = gate.findings
    assert finding.item == bank.items[0].id
    assert text in finding.text


def test_a_key_moved_after_the_reading_is_noticed() -> None:
    """The fingerprint is keyless; what the reader chose is on record in words."""
    bank = sound_bank()
    moved = tuple(
        replace(
            option, correct=not option.correct, misjudgement="wrong-order" if option.correct else ""
        )
        if place in (cues.key_of(bank.items[5]), (cues.key_of(bank.items[5]) + 1) % 4)
        else option
        for place, option in enumerate(bank.items[5].options)
    )
    spoiled = change(bank, 5, options=moved)
    listed = gates(spoiled, [shape_of(spoiled)], readings_of(bank))
    (gate,) = [gate for gate in listed if gate.name == READ]
    assert [f.text for f in gate.findings] == ["The blind reader chose another option."]


def test_a_changed_scenario_makes_its_items_unread() -> None:
    bank = sound_bank()
    readings = readings_of(bank)
    scenarios = (replace(bank.scenarios[0], text="Other facts."), *bank.scenarios[1:])
    listed = gates(replace(bank, scenarios=scenarios), [shape_of(bank)], readings)
    (gate,) = [gate for gate in listed if gate.name == READ]
    assert [finding.item for finding in gate.findings] == [i.id for i in bank.items[:3]]


def test_a_missed_cue_names_the_items_it_finds() -> None:
    gate = measured(longer_keys(sound_bank()))["Cue: always the longest"]
    assert len(gate.findings) >= 50
    assert gate.limit == f"at most {100 * cues.limit(100):.1f} %"
    assert float(gate.figure.removesuffix(" %")) == pytest.approx(100 * gate.value, abs=0.05)


def test_an_empty_bank_misses_gates_and_breaks_nothing() -> None:
    listed = gates(Bank((), ()), [SHAPE], [])
    assert not all(gate.passed for gate in listed)


def test_the_report_for_programs_says_where() -> None:
    bank = change(sound_bank(), 5, stem="Short. What now?")
    report = quality.as_json(bank, list(measured(bank).values()))
    again = json.loads(json.dumps(report))
    assert again == report
    assert (report["items"], report["passed"]) == (100, False)
    (writing,) = [g for g in report["gates"] if g["name"] == "Rules of writing, each item"]
    assert writing["findings"][0] == {
        "file": "bank/1.1.yaml",
        "line": 5,
        "item": "d1-item-5",
        "about": "stem",
        "text": "The stem has 3 words; 20 to 120 are asked.",
    }


# --- What ships -----------------------------------------------------------------------------


def test_the_shipped_bank_passes_every_gate() -> None:
    files = bank_files.read(SHIPPED, SHIPPED)
    missed = [g for g in gates(files.bank, files.shapes, files.readings) if not g.passed]
    assert missed == []
