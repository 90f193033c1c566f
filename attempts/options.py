"""The four options of an item, in the order and with the letters this attempt shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from attempts.models import AttemptItem
from questions.models import Choice

LETTERS: Final = "ABCD"


@dataclass(frozen=True, slots=True)
class Option:
    letter: str
    choice: Choice
    chosen: bool


def options_of(item: AttemptItem, choices: Iterable[Choice]) -> tuple[Option, ...]:
    """`choices` are the item's four, in any order and with whatever columns the caller may show."""
    by_id = {choice.pk: choice for choice in choices}
    return tuple(
        Option(letter, by_id[pk], pk == item.choice_id)
        for letter, pk in zip(LETTERS, item.choice_order, strict=True)
    )
