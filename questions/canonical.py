"""Dataclasses -> the bank's files, in the one form the repository keeps them in. Pure.

Same bank, same bytes: keys in a fixed order, items sorted by id, lines filled to one width. What
`write_bank` writes, `bank.read_bank` reads back as the same bank.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import yaml

from questions.bank import BANK_OUTLINE, Bank, Item, Option, ScenarioText, mutual_enemies
from questions.flowing import fill, join

WIDTH: Final = 96  # of a line in a file, indentation included
# What a YAML block may hold as it is; anything else is written in quotes with escapes.
_PLAIN: Final = (
    r"\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
)
_PLAIN_TEXT: Final = re.compile(f"[{_PLAIN}]+")
_OTHER: Final = re.compile(f"[^{_PLAIN}]")


def write_bank(bank: Bank) -> dict[str, str]:
    """File name, relative to the bank's folder -> its text."""
    enemies = mutual_enemies(bank)
    files: defaultdict[str, list[str]] = defaultdict(list)
    for item in sorted(bank.items, key=lambda item: item.id):
        name = f"{_folder(item)}/{_code(item)}.yaml"
        files[name].append("".join(_item(item, sorted(enemies[item.id]))))
    homes = _homes(bank.items)
    for scenario in sorted(bank.scenarios, key=lambda scenario: scenario.id):
        name = f"scenarios/{homes.get(scenario.id, 'unused')}.yaml"
        files[name].append("".join(_scenario(scenario)))
    return {name: "\n".join(entries) for name, entries in sorted(files.items())}


def _code(item: Item) -> str:
    """The objective that names the file: that of the bank's own outline, where there is one."""
    return item.objectives.get(BANK_OUTLINE) or min(item.objectives.values())


def _folder(item: Item) -> str:
    return f"domain-{_code(item).split('.')[0]}"


def _homes(items: Iterable[Item]) -> Mapping[str, str]:
    """scenario id -> the folder of its first item."""
    homes: dict[str, str] = {}
    for item in items:
        if item.scenario:
            homes[item.scenario] = min(homes.get(item.scenario, _folder(item)), _folder(item))
    return homes


def _item(item: Item, enemies: Iterable[str]) -> Iterator[str]:
    yield f"- id: {_word(item.id)}\n"
    yield f"  objective: {_objective(item.objectives)}\n"
    yield f"  difficulty: {item.difficulty:.2f}\n"
    yield f"  level: {_word(item.level)}\n"
    if item.scenario:
        yield f"  scenario: {_word(item.scenario)}\n"
    if listed := [_word(enemy) for enemy in enemies]:
        yield f"  enemies: [{', '.join(listed)}]\n"
    if item.tags:
        yield f"  tags: [{', '.join(map(_word, sorted(item.tags)))}]\n"
    yield from _block("stem", item.stem, "  ", folded=False)
    yield "  options:\n"
    for option in item.options:
        yield from _option(option)
    yield "  references:\n"
    for reference in item.references:
        yield f"    - {_quoted(reference.strip())}\n"


def _option(option: Option) -> Iterator[str]:
    first, *rest = _block("text", option.text, "      ", folded=True)
    yield f"    - {first.lstrip()}"
    yield from rest
    if option.correct:
        yield "      correct: true\n"
    if option.misjudgement:
        yield f"      misjudgement: {_word(option.misjudgement)}\n"
    yield from _block("rationale", option.rationale, "      ", folded=True)


def _scenario(scenario: ScenarioText) -> Iterator[str]:
    yield f"- id: {_word(scenario.id)}\n"
    yield f"  title: {_quoted(join(scenario.title))}\n"
    yield from _block("text", scenario.text, "  ", folded=False)


def _objective(objectives: Mapping[str, str]) -> str:
    if set(objectives) == {BANK_OUTLINE}:
        return _quoted(objectives[BANK_OUTLINE])
    pairs = (f"{_quoted(key)}: {_quoted(code)}" for key, code in sorted(objectives.items()))
    return f"{{{', '.join(pairs)}}}"


def _block(key: str, text: str, indent: str, *, folded: bool) -> Iterator[str]:
    """`key:` with a text below it; folded where the text is one paragraph and may be."""
    inner = indent + "  "
    filled = fill(text, WIDTH - len(inner))
    if not _PLAIN_TEXT.fullmatch(filled) or filled[0] == " ":
        yield f"{indent}{key}: {_quoted(filled)}\n"
        return
    one_paragraph = fill(text, len(text) + 1).count("\n") == 0
    yield f"{indent}{key}: {'>-' if folded and one_paragraph else '|-'}\n"
    for line in filled.split("\n"):
        yield f"{inner}{line}\n" if line else "\n"


def _quoted(text: str) -> str:
    """JSON's quotes, which YAML reads as its own."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _OTHER.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _word(text: str) -> str:
    """As it is, unless YAML would take it for a number, a date or a truth value."""
    return text if isinstance(yaml.safe_load(text), str) else _quoted(text)
