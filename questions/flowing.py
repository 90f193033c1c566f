"""Markdown whose lines may be broken anywhere <-> one line a paragraph. Pure.

Files are read at a fixed width and forms wrap by themselves; both mean the same text. `join` is the
form we store, `fill` the form files are written in, and `join(fill(text)) == join(text)`.
"""

from __future__ import annotations

import re
from typing import Final

# What, at the start of a line, makes it more than a continuation of the paragraph above it. Only a
# list that starts with 1 may interrupt a paragraph: a line may begin with "2026. After".
_INTERRUPTS: Final = re.compile(
    r"\s{4}|\t|\s{0,3}([-+*](\s|$)|1[.)](\s|$)|#{1,6}(\s|$)|[>|<]|[-=_*]{2,}\s*$|\[[^\]]+\]:)"
)
_LIST: Final = re.compile(r"\s{0,3}([-+*]|\d+[.)])(\s|$)")
# The line below a table's head; its rows need no bar at their ends.
_TABLE_RULE: Final = re.compile(r"\s{0,3}:?-+:?\s*(\|\s*:?-+:?\s*)+$")
_HARD_BREAK: Final = re.compile(r"(\\| {2,})\n")
_FENCE: Final = re.compile(r"^\s*(```|~~~)", re.MULTILINE)


def join(text: str) -> str:
    """Plain paragraphs on one line each; lists, tables, code and hard breaks as they are."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _FENCE.search(text):  # a blank line inside code is no end of a paragraph
        return _trimmed(text)
    return "\n\n".join(
        " ".join(_words(paragraph)) if plain else _trimmed(paragraph)
        for paragraph, plain in _paragraphs(text)
    )


def fill(text: str, width: int) -> str:
    """Plain paragraphs broken at `width` characters, never so that a new block would begin."""
    joined = join(text)
    if _FENCE.search(joined):
        return joined
    return "\n\n".join(
        _filled(paragraph, width) if plain else paragraph
        for paragraph, plain in _paragraphs(joined)
    )


def _paragraphs(text: str) -> list[tuple[str, bool]]:
    """Each with whether its lines may be broken anywhere. What is indented below a list is part of
    the list, and stays as it is."""
    found = []
    in_list = False
    for piece in re.split(r"(?:^|\n)(?:[ \t]*\n)+", text):
        paragraph = piece.rstrip(" \t\n")
        if not paragraph:
            continue
        belongs = in_list and paragraph[0] in " \t"
        in_list = belongs or bool(_LIST.match(paragraph))
        found.append((paragraph, not belongs and _is_plain(paragraph)))
    return found


def _words(text: str) -> list[str]:
    """Apart from a no-break space, which its author meant."""
    return [word for word in re.split(r"[ \t\n]+", text) if word]


def _trimmed(text: str) -> str:
    lines = [line.rstrip(" \t") + _hard(line) for line in text.split("\n")]
    return "\n".join(lines).strip("\n").rstrip()


def _hard(line: str) -> str:
    return "  " if line.endswith("  ") and line.strip() else ""


def _is_plain(paragraph: str) -> bool:
    lines = paragraph.strip("\n").split("\n")
    return not (
        _HARD_BREAK.search(paragraph)
        or _LIST.match(lines[0])
        or any(map(_INTERRUPTS.match, lines))
        or any(map(_TABLE_RULE.match, lines))
    )


def _filled(paragraph: str, width: int) -> str:
    lines: list[list[str]] = []
    for word in paragraph.split(" "):
        if lines and len(" ".join([*lines[-1], word])) <= width:
            lines[-1].append(word)
            continue
        line = [word]
        while lines and _INTERRUPTS.match(line[0]):  # may not begin a line: bring one along
            line.insert(0, lines[-1].pop())
            if not lines[-1]:
                lines.pop()
        lines.append(line)
    filled = "\n".join(map(" ".join, lines))
    return filled if _is_plain(filled) else paragraph  # better one long line than another block
