"""What a browser delivers to an attempt, from bytes to values. Pure, and strict: a browser, or
whoever pretends to be one, can send anything.

One bad change is `Unusable` and gets a reply of its own, so that it cannot hold up what waits
behind it; what is not a delivery at all is a BadDelivery.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Never
from uuid import UUID

MOST_BYTES: Final = 256 * 1024
MOST_OPS: Final = 500
MOST_HIGHLIGHTS: Final = 50
LONGEST_NOTES: Final = 20_000  # characters
LONGEST_STEM: Final = 20_000

_MOST_POSITIONS: Final = 2**15 - 1
_LARGEST_ID: Final = 2**63 - 1
_LARGEST_INTEGER: Final = 2**31 - 1  # of the database's ordinary columns
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_2100: Final = 4_102_444_800_000  # in milliseconds
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class BadDelivery(Exception):
    """Not something a page of ours sends; its text says what is wrong with it."""


class TooMuch(BadDelivery):
    """More than one delivery may carry."""


@dataclass(frozen=True, slots=True)
class Answer:
    id: UUID | None
    """None from a page without JavaScript, which has no name for a change and no clock."""
    position: int
    choice: int
    revision: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Flag:
    id: UUID
    position: int
    on: bool


@dataclass(frozen=True, slots=True)
class Seen:
    id: UUID
    position: int
    visible_ms: int


@dataclass(frozen=True, slots=True)
class Marks:
    id: UUID
    position: int
    struck: tuple[int, ...]
    highlights: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Notes:
    id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class Departure:
    id: UUID
    away_ms: int


@dataclass(frozen=True, slots=True)
class Unusable:
    """A change of no shape we know. `why` is for whoever looks into it."""

    id: UUID
    why: str


OnItem = Answer | Flag | Seen | Marks
Op = OnItem | Notes | Departure | Unusable


@dataclass(frozen=True, slots=True)
class Batch:
    person: str
    pending_since: datetime | None
    """When the oldest change was made that the browser still holds after this batch."""
    wants_items: bool
    ops: tuple[Op, ...]


def parse(body: bytes) -> Batch:
    """Raises BadDelivery."""
    if len(body) > MOST_BYTES:
        raise TooMuch(f"A delivery has at most {MOST_BYTES} bytes.")
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadDelivery("A delivery is JSON.") from error
    if not isinstance(data, dict):
        raise BadDelivery("A delivery is an object.")
    try:
        person, ops = _text(data, "person", 64), data["ops"]
        since = None if data.get("pending_since") is None else _moment(data, "pending_since")
    except (_Unfit, KeyError) as error:
        raise BadDelivery(f"A delivery without a usable {error.args[0]}.") from error
    if data.get("want") not in (None, "items"):
        raise BadDelivery("A delivery can want nothing but its items.")
    if not isinstance(ops, list):
        raise BadDelivery("A delivery has a list of ops.")
    if len(ops) > MOST_OPS:
        raise TooMuch(f"A delivery has at most {MOST_OPS} ops.")
    parsed = tuple(_op(op) for op in ops)
    if len({op.id for op in parsed}) < len(parsed):
        raise BadDelivery("Two ops of a delivery have one id.")
    return Batch(person, since, data.get("want") == "items", parsed)


class _Unfit(Exception):
    """A field that is missing or not what it should be; names it."""


def _no_constant(name: str) -> Never:
    raise ValueError(name)


def _op(op: object) -> Op:
    if not isinstance(op, dict):
        raise BadDelivery("An op is an object.")
    name = op.get("id")
    if not isinstance(name, str) or not _UUID.fullmatch(name):
        raise BadDelivery("An op has a UUID for its id.")
    id_ = UUID(name)
    kind = op.get("kind")
    read = _KINDS.get(kind) if isinstance(kind, str) else None
    if read is None:
        return Unusable(id_, "kind")
    try:
        return read(id_, op)
    except _Unfit as error:
        return Unusable(id_, error.args[0])


def _answer(id_: UUID, op: Mapping[str, Any]) -> Answer:
    return Answer(
        id_,
        _position(op),
        _whole(op, "choice", 1, _LARGEST_ID),
        _whole(op, "revision", 0, _LARGEST_INTEGER - MOST_OPS),
        _moment(op, "at"),
    )


def _flag(id_: UUID, op: Mapping[str, Any]) -> Flag:
    on = op.get("on")
    if not isinstance(on, bool):
        raise _Unfit("on")
    return Flag(id_, _position(op), on)


def _seen(id_: UUID, op: Mapping[str, Any]) -> Seen:
    return Seen(id_, _position(op), _whole(op, "visible_ms", 0, _LARGEST_INTEGER))


def _marks(id_: UUID, op: Mapping[str, Any]) -> Marks:
    struck = _list(op, "struck", 4)
    if not all(_is_whole(choice, 1, _LARGEST_ID) for choice in struck):
        raise _Unfit("struck")
    if len(set(struck)) < len(struck):
        raise _Unfit("struck")
    highlights = _list(op, "highlights", MOST_HIGHLIGHTS)
    if not all(_is_span(span) for span in highlights):
        raise _Unfit("highlights")
    return Marks(
        id_, _position(op), tuple(struck), tuple((start, end) for start, end in highlights)
    )


def _notes(id_: UUID, op: Mapping[str, Any]) -> Notes:
    return Notes(id_, _text(op, "text", LONGEST_NOTES))


def _departure(id_: UUID, op: Mapping[str, Any]) -> Departure:
    return Departure(id_, _whole(op, "away_ms", 0, _LARGEST_INTEGER))


_KINDS: Final[Mapping[str, Callable[[UUID, Mapping[str, Any]], Op]]] = {
    "answer": _answer,
    "flag": _flag,
    "seen": _seen,
    "marks": _marks,
    "notes": _notes,
    "departure": _departure,
}


def _is_whole(value: object, least: int, most: int) -> bool:
    """A bool is an int to Python, and is none here."""
    return type(value) is int and least <= value <= most


def _is_span(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_is_whole(end, 0, LONGEST_STEM) for end in value)
        and value[0] < value[1]
    )


def _whole(op: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = op.get(name)
    if type(value) is not int or not least <= value <= most:
        raise _Unfit(name)
    return value


def _position(op: Mapping[str, Any]) -> int:
    return _whole(op, "position", 1, _MOST_POSITIONS)


def _moment(op: Mapping[str, Any], name: str) -> datetime:
    return _EPOCH + timedelta(milliseconds=_whole(op, name, 0, _YEAR_2100))


def _list(op: Mapping[str, Any], name: str, most: int) -> list[Any]:
    value = op.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise _Unfit(name)
    return value


def _text(op: Mapping[str, Any], name: str, longest: int) -> str:
    """Text that Postgres can store: no zero byte, no half of a surrogate pair."""
    value = op.get(name)
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        raise _Unfit(name)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _Unfit(name) from error
    return value
