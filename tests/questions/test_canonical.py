"""The form the files are kept in: read back as the same bank, and written again byte for byte."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from questions.bank import Bank, Item, Option, ScenarioText, read_bank
from questions.canonical import WIDTH, write_bank
from questions.misjudgements import MISJUDGEMENTS
from tests.questions.items import item
from tests.world import ROOT

SHIPPED = ROOT / "fixtures" / "bank"


def on_disk(files: dict[str, str], folder: Path) -> Path:
    root = folder / "bank"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def plain(bank: Bank) -> tuple[dict[str, Item], dict[str, ScenarioText]]:
    """Without what the form settles: order, tags' order, which side names an enemy."""
    pairs = {frozenset((i.id, enemy)) for i in bank.items for enemy in i.enemies}
    items = {
        i.id: replace(
            i,
            tags=tuple(sorted(i.tags)),
            enemies=tuple(sorted(e for pair in pairs if i.id in pair for e in pair - {i.id})),
        )
        for i in bank.items
    }
    return items, {scenario.id: scenario for scenario in bank.scenarios}


def test_the_repositorys_files_are_in_this_form() -> None:
    files = write_bank(read_bank(SHIPPED))
    stored = {
        path.relative_to(SHIPPED).as_posix(): path.read_bytes() for path in SHIPPED.rglob("*.yaml")
    }
    assert set(files) == set(stored)
    for name, text in files.items():
        assert text.encode() == stored[name], name


def test_lines_keep_to_the_width() -> None:
    for name, text in write_bank(read_bank(SHIPPED)).items():
        for line in text.split("\n"):
            # References, lists of tags, and the lines of a list or table are kept in one piece.
            unbreakable = '- "' in line or ": [" in line or line.lstrip().startswith(("|", "- "))
            assert len(line) <= WIDTH or unbreakable, (name, line)


def test_it_reads_back_as_the_same_bank(tmp_path: Path) -> None:
    bank = read_bank(SHIPPED)
    assert plain(read_bank(on_disk(write_bank(bank), tmp_path))) == plain(bank)


AWKWARD = (
    "yes",
    "2022",
    "1.1",
    "null",
    "~",
    "- a list",
    "a: b # c",
    "'quoted' \"twice\"",
    "{braces} [and brackets]",
    "back\\slash",
    "ends with a colon:",
    "Umlaut ü, dash –, quote ’, € 40",
    "emoji 🙂",
    "next line\x85separator\u2028end",
    "tab\there",
    "no\u00a0break",
    "two\n\nparagraphs",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "    code",
    "x" * 300,
    "%percent @at `tick`",
)


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_in_any_place_survives(tmp_path: Path, text: str) -> None:
    bank = Bank(
        items=(
            item(
                1,
                stem=text,
                texts=(text, "b", "c", "d"),
                rationales=(text,) * 4,
                references=(text, "x"),
                scenario="a-set",
            ),
        ),
        scenarios=(ScenarioText("a-set", " ".join(text.split("\n")), text),),
    )
    first = write_bank(bank)
    again = read_bank(on_disk(first, tmp_path))
    assert write_bank(again) == first
    (back,) = again.items
    for stored in (back.stem, back.options[0].text, back.options[0].rationale):
        assert re.split("[ \t\n]+", stored.strip()) == re.split("[ \t\n]+", text.strip())
    assert back.references[0] == text.strip()


def test_random_banks_survive(tmp_path: Path) -> None:
    pieces = [
        "word",
        "ünï",
        "-",
        "*",
        "1.",
        "\n",
        "\n\n",
        "> ",
        "|",
        "# ",
        ": ",
        "'",
        '"',
        "true",
        "\\",
    ]

    def text(rng: random.Random) -> str:
        return "a " + " ".join(rng.choices(pieces, k=rng.randint(1, 40))) + " z"

    for seed in range(60):
        rng = random.Random(seed)
        items = [
            Item(
                id=f"d{n}-x",
                objectives=rng.choice([{"2022": "1.1"}, {"2022": "2.1", "current": "2.2"}]),
                difficulty=rng.randint(30, 90) / 100,
                level=rng.choice(["apply", "recall"]),
                stem=text(rng),
                options=tuple(
                    Option(
                        f"{place} {text(rng)}",
                        text(rng),
                        correct=place == 2,
                        misjudgement="" if place == 2 else rng.choice(list(MISJUDGEMENTS)),
                    )
                    for place in range(4)
                ),
                references=tuple(" ".join(text(rng).split()) for _ in range(2)),
                enemies=("d0-x",) if n == 3 else (),
                tags=tuple(rng.sample(["b", "a", "c"], 2)),
            )
            for n in range(4)
        ]
        first = write_bank(Bank(tuple(items), ()))
        folder = tmp_path / str(seed)
        assert write_bank(read_bank(on_disk(first, folder))) == first


def test_keys_come_in_one_order_and_nothing_empty_is_written() -> None:
    (text,) = write_bank(Bank((item(1),), ())).values()
    (entry,) = yaml.safe_load(text)
    assert list(entry) == [
        "id",
        "objective",
        "difficulty",
        "level",
        "stem",
        "options",
        "references",
    ]
    assert [list(option) for option in entry["options"]] == [
        ["text", "correct", "rationale"],
        *[["text", "misjudgement", "rationale"]] * 3,
    ]


def test_files_are_named_by_domain_and_objective() -> None:
    def placed(number: int, **fields: Any) -> Item:
        return item(number, **fields)

    bank = Bank(
        items=(
            placed(1, scenario="one"),
            placed(2, objectives={"2022": "3.2"}, scenario="one"),
            placed(3, objectives={"2022": "1.10"}, scenario="two"),
            placed(4, objectives={"current": "4.1"}),
        ),
        scenarios=(ScenarioText("two", "B", "b"), ScenarioText("one", "A", "a")),
    )
    assert list(write_bank(bank)) == [
        "domain-1/1.1.yaml",
        "domain-1/1.10.yaml",
        "domain-3/3.2.yaml",
        "domain-4/4.1.yaml",
        "scenarios/domain-1.yaml",
    ]
