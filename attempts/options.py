"""The four options of an item, in the order and with the letters this attempt shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from questions.models import Choice

LETTERS: Final = "ABCD"


@dataclass(frozen=True, slots=True)
class Option:
    letter: str
    choice: Choice
    chosen: bool


class Laid(Protocol):
    """An item, or what the room knows of one."""

    @property
    def choice_order(self) -> Sequence[int]: ...
    @property
    def choice_id(self) -> int | None: ...


def options_of(item: Laid, choices: Iterable[Choice]) -> tuple[Option, ...]:
    """`choices` are the item's four, in any order and with whatever columns the caller may show."""
    by_id = {choice.pk: choice for choice in choices}
    return tuple(
        Option(letter, by_id[pk], pk == item.choice_id)
        for letter, pk in zip(LETTERS, item.choice_order, strict=True)
    )
