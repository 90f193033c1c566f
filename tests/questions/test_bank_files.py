"""The bank's files: what ships passes, and every fault is told with file, line and reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from questions.bank import (
    LEVELS,
    Bank,
    BankError,
    Fault,
    Item,
    Option,
    blind_hash,
    digest,
    option_problems,
    parse_items,
    read_bank,
    scenario_digest,
)
from questions.misjudgements import MISJUDGEMENTS

SHIPPED = Path(__file__).resolve().parent.parent.parent / "fixtures" / "bank"


@pytest.fixture(scope="module")
def bank() -> Bank:
    return read_bank(SHIPPED)


# --- What ships -----------------------------------------------------------------------------


def test_there_are_fourteen_questions_a_domain_at_least(bank: Bank) -> None:
    domains = Counter(item.objectives["2022"].split(".")[0] for item in bank.items)
    assert set(domains) == set("123456")
    assert min(domains.values()) >= 14
    assert len(bank.items) >= 84


def test_a_files_name_is_the_objective_it_holds(bank: Bank) -> None:
    for item in bank.items:
        assert Path(item.file).stem == item.objectives["2022"], item.id


def test_every_scenario_is_shared_by_several(bank: Bank) -> None:
    used = Counter(item.scenario for item in bank.items if item.scenario)
    assert set(used) == {scenario.id for scenario in bank.scenarios}
    assert min(used.values()) >= 2


def test_keys_stand_in_every_place(bank: Bank) -> None:
    """As written; attempts shuffle anyway, but a lopsided file is a lopsided habit."""
    places = Counter([option.correct for option in item.options].index(True) for item in bank.items)
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) < 0.4 * len(bank.items)


def test_no_two_questions_share_a_stem_or_a_wording(bank: Bank) -> None:
    stems = [" ".join(item.stem.split()) for item in bank.items]
    assert len(set(stems)) == len(stems)
    assert len({blind_hash(item) for item in bank.items}) == len(bank.items)


# --- One good file, and what can be wrong with it -------------------------------------------

GOOD = """\
- id: d1-first
  objective: "1.1"
  difficulty: 0.60
  level: apply
  stem: What comes FIRST?
  options:
    - text: Name an owner
      correct: true
      rationale: Authority before action.
    - text: Buy a tool
      misjudgement: technical-fix-first
      rationale: People come first.
    - text: Wait
      misjudgement: under-reacts
      rationale: Nothing is decided by it.
    - text: Start at once
      misjudgement: wrong-order
      rationale: Nobody has decided.
  references: [A public source]
"""


def faults_of(text: str) -> list[str]:
    faults: list[Fault] = []
    items = parse_items(text, "one.yaml", faults)
    assert not (faults and items)  # a faulty file gives nothing at all
    return [str(fault) for fault in faults]


def test_a_good_file_has_no_faults_and_says_what_it_says() -> None:
    faults: list[Fault] = []
    (item,) = parse_items(GOOD, "one.yaml", faults)
    assert faults == []
    assert (item.id, item.objectives, item.difficulty) == ("d1-first", {"2022": "1.1"}, 0.6)
    assert [option.correct for option in item.options] == [True, False, False, False]
    assert (item.file, item.line) == ("one.yaml", 1)


def test_everything_optional_is_read() -> None:
    faults: list[Fault] = []
    text = GOOD.replace('"1.1"', '{"2022": "1.1", current: "1.2"}') + (
        "  scenario: a-set\n  enemies: [d1-second]\n  tags: [owner, policy]\n"
    )
    (item,) = parse_items(text, "one.yaml", faults)
    assert item.objectives == {"2022": "1.1", "current": "1.2"}
    assert (item.scenario, item.enemies) == ("a-set", ("d1-second",))
    assert item.tags == ("owner", "policy")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        # What a field may say
        ("id: d1-first", "id: D1 First", ":1: D1 First: 'id' must be lowercase words"),
        ("id: d1-first", f"id: {'a' * 81}", "'id' must be lowercase words"),
        ("id: d1-first", "id: 17", ":1: 17: 'id' is missing or not text"),
        ("- id: d1-first\n ", "-", "entry without id: 'id' is missing or not text"),
        ('objective: "1.1"', "objective: 1.1", ":2: d1-first: 'objective' must be a quoted code"),
        ('objective: "1.1"', "objective: {}", ":2: d1-first: 'objective' must be"),
        ('objective: "1.1"', "objective: {a: 1.1}", ":2: d1-first: 'objective' must be"),
        ("  difficulty: 0.60\n", "", ":1: d1-first: 'difficulty' must be a number"),
        ("0.60", "0.29", ":3: d1-first: 'difficulty' must be a number from 0.30 to 0.90, not 0.29"),
        ("0.60", "0.91", ":3: d1-first: 'difficulty' must be"),
        ("0.60", "60", ":3: d1-first: 'difficulty' must be"),
        ("0.60", "high", ":3: d1-first: 'difficulty' must be"),
        ("0.60", "true", ":3: d1-first: 'difficulty' must be"),
        ("0.60", ".nan", ":3: d1-first: 'difficulty' must be"),
        ("level: apply", "level: remember", f":4: d1-first: 'level' must be one of {LEVELS[0]}"),
        ("level: apply", "level: [apply]", ":4: d1-first: 'level' is missing or not text"),
        ("stem: What comes FIRST?", "stem: ''", ":5: d1-first: 'stem' is missing or not text"),
        ("stem: What comes FIRST?", f"stem: {'x' * 6001}", ":5: d1-first: 'stem' is longer than"),
        ("stem: What", "stems: What", ":5: d1-first: unknown key 'stems'"),
        ("[A public source]", "[]", ":19: d1-first: 'references' needs at least one entry"),
        ("[A public source]", "A public source", ":19: d1-first: 'references' must be a list"),
        ("[A public source]", "[2022]", ":19: d1-first: 'references' must be a list of texts"),
        ("[A public source]", "[x]\n  tags: [Two Words]", ":20: d1-first: tag 'Two Words' must"),
        ("[A public source]", "[x]\n  enemies: d1-second", ":20: d1-first: 'enemies' must be"),
        ("[A public source]", "[x]\n  scenario: Not A Slug", ":20: d1-first: 'scenario' must"),
        # The four options
        ("options:", "options: none\n  x:", ":6: d1-first: 'options' must be a list of four"),
        ("    - text: Wait", "    - text: More\n    - text: Wait", "'options' must be a list of"),
        ("      correct: true\n", "", ":6: d1-first: exactly one option must be marked as the key"),
        (
            "      misjudgement: under-reacts",
            "      correct: true",
            ":6: d1-first: exactly one option must be marked as the key; 2 are",
        ),
        ("correct: true", "correct: 'yes'", "exactly one option must be marked as the key; 0 are"),
        (
            "      correct: true",
            "      correct: true\n      misjudgement: wrong-order",
            "option 1 is the key, so it cannot carry a misjudgement",
        ),
        (
            "      misjudgement: under-reacts\n",
            "",
            ":6: d1-first: option 3 is a distractor and needs a misjudgement from the list",
        ),
        ("under-reacts", "sleeps", "option 3 is a distractor and needs a misjudgement from the "),
        ("under-reacts", "sleeps", "'sleeps' is not on it"),
        ("text: Wait", "text: '  buy   A TOOL '", ":6: d1-first: two options have the same text"),
        ("    - text: Wait", "    - words: Wait", "d1-first, option 3: unknown key 'words'"),
        ("    - text: Wait", "    - words: Wait", "option 3: 'text' is missing or not text"),
        ("rationale: Nobody has decided.", "rationale:", ":18: d1-first, option 4: 'rationale' is"),
        # The file itself
        (GOOD, "just words", ":1: must be a list; each entry starts with"),
        (GOOD, "", ":1: must be a list"),
        (GOOD, "- just words", ":1: has an entry that is not a mapping: 'just words'"),
        ("level: apply", "level: [apply", "is not valid YAML"),
        (
            "level: apply",
            "level: apply\n  level: recall",
            ":5: is not valid YAML: 'level' is given",
        ),
        ("level: apply", "level: \tapply\n\tx: y", "is not valid YAML"),
        ("level: apply", "level: !!python/object:os.system x", ":4: is not valid YAML"),
        ("level: apply", "[a, b]: x", ":4: is not valid YAML: the key ['a', 'b'] is not text"),
        ("level: apply", "level: 2022-13-45", ":4: is not valid YAML: month must be"),
        ("level: apply", "level: !!int x", ":4: is not valid YAML"),
        ("level: apply", "level: \x07", "is not valid YAML"),
    ],
)
def test_a_fault_is_told_with_file_line_and_reason(old: str, new: str, fault: str) -> None:
    assert GOOD.count(old) >= 1
    faults = faults_of(GOOD.replace(old, new, 1))
    assert any(fault in line for line in faults), faults
    assert all(re.match(r"one\.yaml:\d+: \S", line) for line in faults)


def test_all_faults_of_a_file_are_told_at_once() -> None:
    faults = faults_of(GOOD.replace("0.60", "2").replace("apply", "guess").replace("Wait", ""))
    assert len(faults) == 3


# --- A folder -------------------------------------------------------------------------------

SCENARIO = "- id: a-set\n  title: A set\n  text: The situation.\n"


def folder(tmp_path: Path, files: dict[str, str]) -> Path:
    root = tmp_path / "bank"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_files_of_all_folders_make_one_bank(tmp_path: Path) -> None:
    root = folder(
        tmp_path,
        {
            "1/1.1.yaml": GOOD + "  scenario: a-set\n  enemies: [d1-second]\n",
            "1/1.2.yaml": GOOD.replace("d1-first", "d1-second"),
            "scenarios/1.yaml": SCENARIO,
            "README.md": "not a bank file",
        },
    )
    bank = read_bank(root)
    assert [item.id for item in bank.items] == ["d1-first", "d1-second"]
    assert [item.file for item in bank.items] == ["bank/1/1.1.yaml", "bank/1/1.2.yaml"]
    assert [scenario.title for scenario in bank.scenarios] == ["A set"]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (
            {"a.yaml": GOOD, "b.yaml": "# moved\n" + GOOD},
            "bank/b.yaml:2: d1-first: already used at bank/a.yaml:1",
        ),
        (
            {"a.yaml": GOOD.replace("d1-first", "a-set"), "scenarios/s.yaml": SCENARIO},
            "bank/a.yaml:1: a-set: already used at bank/scenarios/s.yaml:1",
        ),
        (
            {"a.yaml": GOOD + "  scenario: a-set\n"},
            "bank/a.yaml:1: d1-first: no scenario 'a-set'",
        ),
        (
            {"a.yaml": GOOD + "  enemies: [d1-gone]\n"},
            "bank/a.yaml:1: d1-first: no other item 'd1-gone' as enemy",
        ),
        (
            {"a.yaml": GOOD + "  enemies: [d1-first]\n"},
            "bank/a.yaml:1: d1-first: no other item 'd1-first' as enemy",
        ),
        (
            {"scenarios/s.yaml": "- id: a-set\n  title: A set\n"},
            "bank/scenarios/s.yaml:1: a-set: 'text' is missing or not text",
        ),
        (
            {"scenarios/s.yaml": SCENARIO + "  stem: x\n"},
            "bank/scenarios/s.yaml:4: a-set: unknown key 'stem'",
        ),
    ],
)
def test_faults_between_files(tmp_path: Path, files: dict[str, str], fault: str) -> None:
    with pytest.raises(BankError) as refused:
        read_bank(folder(tmp_path, files))
    assert [str(found).split("; known")[0] for found in refused.value.faults] == [fault]


def test_a_file_that_is_not_text_is_a_fault(tmp_path: Path) -> None:
    root = folder(tmp_path, {"a.yaml": GOOD})
    (root / "b.yaml").write_bytes(b"- id: \xff\xfe")
    with pytest.raises(BankError, match=r"bank/b\.yaml:1: cannot be read as UTF-8 text"):
        read_bank(root)


def test_one_faulty_file_refuses_all_and_names_every_fault(tmp_path: Path) -> None:
    files = {
        "a.yaml": GOOD,
        "b.yaml": GOOD.replace("d1-first", "d1-b").replace("0.60", "7"),
        "c.yaml": "words",
    }
    with pytest.raises(BankError) as refused:
        read_bank(folder(tmp_path, files))
    assert [fault.file for fault in refused.value.faults] == ["bank/b.yaml", "bank/c.yaml"]


# --- Fingerprints ---------------------------------------------------------------------------


def item() -> Item:
    return parse_items(GOOD, "one.yaml", [])[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"stem": "Another?"},
        {"difficulty": 0.61},
        {"level": "recall"},
        {"references": ("Another source",)},
        {"options": tuple(reversed(item().options))},
        {"options": (replace(item().options[0], rationale="Another."), *item().options[1:])},
    ],
)
def test_any_change_of_the_words_is_another_version(changed: dict[str, Any]) -> None:
    assert digest(item().content()) != digest(replace(item(), **changed).content())


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": ("x",)},
        {"enemies": ("d1-second",)},
        {"objectives": {"2022": "1.2"}},
        {"scenario": "a-set"},
        {"file": "elsewhere.yaml", "line": 99},
        {"difficulty": 0.6000001},
    ],
)
def test_where_it_sits_is_not_what_it_says(changed: dict[str, Any]) -> None:
    assert digest(item().content()) == digest(replace(item(), **changed).content())


def test_the_words_of_its_scenario_are_part_of_what_it_says() -> None:
    one, other = scenario_digest("A set", "The situation."), scenario_digest("A set", "Another.")
    assert scenario_digest("", "") == ""
    assert len({digest(item().content(words)) for words in ("", one, other)}) == 3


def test_a_blind_reader_sees_neither_key_nor_order() -> None:
    options = item().options
    moved_key = (
        replace(options[0], correct=False, misjudgement="wrong-order"),
        replace(options[1], correct=True, misjudgement=""),
        *options[2:],
    )
    shown = blind_hash(item())
    assert blind_hash(replace(item(), options=moved_key)) == shown
    assert blind_hash(replace(item(), options=tuple(reversed(options)))) == shown
    assert blind_hash(replace(item(), stem="Another?")) != shown
    assert blind_hash(item(), "A situation") != shown


def test_option_problems_of_four_good_ones_are_none() -> None:
    assert option_problems(item().options) == []
    assert [p.number for p in option_problems([Option("a", "b", True, "wrong-order")])] == [1]
    assert len(MISJUDGEMENTS) == 15
