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
_NUMBERED: Final = re.compile(r"\s{0,3}\d+[.)](\s|$)")
_HARD_BREAK: Final = re.compile(r"(\\| {2,})\n")
_FENCE: Final = re.compile(r"^\s*(```|~~~)", re.MULTILINE)


def join(text: str) -> str:
    """Plain paragraphs on one line each; lists, tables, code and hard breaks as they are."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _FENCE.search(text):  # a blank line inside code is no end of a paragraph
        return _trimmed(text)
    return "\n\n".join(
        " ".join(_words(paragraph)) if _is_plain(paragraph) else _trimmed(paragraph)
        for paragraph in _paragraphs(text)
    )


def fill(text: str, width: int) -> str:
    """Plain paragraphs broken at `width` characters, never so that a new block would begin."""
    joined = join(text)
    if _FENCE.search(joined):
        return joined
    return "\n\n".join(
        _filled(paragraph, width) if _is_plain(paragraph) else paragraph
        for paragraph in _paragraphs(joined)
    )


def _paragraphs(text: str) -> list[str]:
    found = re.split(r"(?:^|\n)(?:[ \t]*\n)+", text)
    return [paragraph.rstrip(" \t\n") for paragraph in found if _words(paragraph)]


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
        or _NUMBERED.match(lines[0])
        or any(map(_INTERRUPTS.match, lines))
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
