"""The list of a report's questions, folded, as HTML.

Everybody opens a report on the day of an exam, and Django's templates take a quarter of a
millisecond for each of its up to 125 lines. There are six kinds of lines; each is rendered once in
a process, with marks where a line has its own words, and a list is made by replacing them.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from django.template.loader import render_to_string
from django.utils.html import escape

from attempts.review import Line, Review

# Private-use characters: no text of ours has them.
_BASE, _POSITION, _QUERY, _DOMAIN, _OPENING = map(chr, range(0xE000, 0xE005))
_TEMPLATE: Final = "attempts/_report_question.html"


def folded_list(review: Review, base: str) -> str:
    """base: the address of the report."""
    return "".join(_folded(line, base, review.show.query) for line in review.lines)


def _folded(line: Line, base: str, query: str) -> str:
    item = line.item
    return (
        _kind(item.choice_id is not None, item.is_correct is True, item.flagged)
        .replace(_BASE, base)
        .replace(_QUERY, query)
        .replace(_POSITION, str(item.position))
        .replace(_DOMAIN, str(item.domain.number))
        .replace(_OPENING, escape(line.opening))
    )


@cache
def _kind(answered: bool, correct: bool, flagged: bool) -> str:
    item = {
        "position": _POSITION,
        "choice_id": answered or None,
        "is_correct": correct,
        "flagged": flagged,
        "domain": {"number": _DOMAIN},
    }
    context = {"line": {"item": item, "opening": _OPENING}, "base": _BASE, "query": _QUERY}
    return render_to_string(_TEMPLATE, context)
