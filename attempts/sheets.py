"""The keyless sheets of a form: one for the room's page, all of them for a browser that is to go on
without a network.

What is published never changes, so each version is rendered once in a process, with marks where an
attempt has its own words; a sheet is then put together by replacing them. Key and rationale are not
even read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape

from attempts.access import may_open
from attempts.models import Attempt, Exam
from attempts.options import LETTERS, Option
from attempts.room import Cell, told
from questions.models import Choice, QuestionVersion

# Private-use characters: no text of ours has them.
_POSITION, _COUNT, _ACTION, _OPTIONS, _LETTER, _KEY, _LABEL = map(chr, range(0xE000, 0xE007))
_REVISION, _TOLD = map(chr, range(0xE007, 0xE009))
_HOW_IT_STANDS: Final = f' data-item="{_TOLD}"'
_MOST_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True)
class _Cut:
    """One version's sheet, cut where a form puts its own words."""

    sheet: str
    options: Mapping[int, tuple[str, str]]
    """choice id -> as it looks, and as it looks when it is chosen"""
    scenario_text: str


_cuts: dict[int, _Cut] = {}


def sheets_of(attempt: Attempt, items: Iterable[Cell]) -> dict[int, str]:
    """Position -> its sheet, for every item that may be read ahead by the exam's rules; as nobody
    has touched it yet, for the browser knows how it stands.

    At most two queries, none once the versions have been rendered by this process.
    """
    items = list(items)
    ahead = [item for item in items if _may_be_read_ahead(attempt, item)]
    together = ahead if attempt.navigation == Exam.Navigation.FORWARD else items
    cuts = _cuts_of({item.version_id for item in together})
    sets = defaultdict(list)
    for item in together:
        sets[cuts[item.version_id].scenario_text].append(item.position)
    # Reversing a URL costs more than everything else that is done for an item.
    first = reverse("attempt-item", args=(attempt.public_id, 1))
    before, _, after = first.rpartition("1")
    return {
        item.position: _put_together(
            cuts[item.version_id],
            item,
            attempt,
            action=f"{before}{item.position}{after}",
            scenario=sets[cuts[item.version_id].scenario_text],
        )
        .replace(_HOW_IT_STANDS, "")
        .replace(_REVISION, "0")
        for item in ahead
    }


def sheet_of(attempt: Attempt, item: Cell, items: Iterable[Cell]) -> str:
    """The sheet of one item as it stands, for the page that shows it. items: the attempt's.

    At most two queries, none once the form's versions have been rendered by this process.
    """
    cuts = _cuts_of({one.version_id for one in items})
    cut = cuts[item.version_id]
    scenario = [
        one.position for one in items if cuts[one.version_id].scenario_text == cut.scenario_text
    ]
    action = reverse("attempt-item", args=(attempt.public_id, item.position))
    sheet = _put_together(cut, item, attempt, action=action, scenario=scenario, as_it_stands=True)
    return sheet.replace(_TOLD, escape(json.dumps(told(item)))).replace(
        _REVISION, str(item.revision)
    )


def cells_of(base: str, count: int) -> str:
    """The navigator's cells for a script that knows itself how each question stands."""
    cell = _neutral_cell().replace(_ACTION, base)
    return "".join(cell.replace(_POSITION, str(position)) for position in range(1, count + 1))


@cache
def _neutral_cell() -> str:
    context = {"room": {"base": _ACTION}, "cell": {"position": _POSITION}}
    return render_to_string("attempts/_cell.html", context)


def _may_be_read_ahead(attempt: Attempt, item: Cell) -> bool:
    """An answered question of a drill shows its key, and that comes from the server alone."""
    if attempt.feedback == Exam.Feedback.AFTER_ANSWER and item.choice_id is not None:
        return False
    return may_open(attempt, item.position)


def scenario_key(attempt: Attempt, positions: list[int]) -> str:
    """What a browser remembers a scenario by, that was closed on one question of its set."""
    return f"{attempt.public_id}:{positions[0]}" if positions else ""


def scenario_label(positions: list[int]) -> str:
    if len(positions) < 2:
        return "Scenario"
    return f"Scenario for questions {positions[0]} to {positions[-1]}"


def _put_together(
    cut: _Cut,
    item: Cell,
    attempt: Attempt,
    *,
    action: str,
    scenario: list[int],
    as_it_stands: bool = False,
) -> str:
    options = "".join(
        cut.options[choice][as_it_stands and choice == item.choice_id].replace(_LETTER, letter)
        for letter, choice in zip(LETTERS, item.choice_order, strict=True)
    )
    sheet = cut.sheet
    if cut.scenario_text:
        sheet = sheet.replace(_KEY, scenario_key(attempt, scenario))
        sheet = sheet.replace(_LABEL, scenario_label(scenario))
    return (
        sheet.replace(_POSITION, str(item.position))
        .replace(_COUNT, str(attempt.item_count))
        .replace(_ACTION, action)
        .replace(_OPTIONS, options)
    )


def _cuts_of(versions: set[int]) -> dict[int, _Cut]:
    known = {pk: cut for pk in versions if (cut := _cuts.get(pk)) is not None}
    missing = versions - known.keys()
    if missing:
        fresh = _render(missing)
        if len(_cuts) + len(fresh) > _MOST_KEPT:
            _cuts.clear()
        _cuts.update(fresh)
        known.update(fresh)
    return known


def _render(versions: set[int]) -> dict[int, _Cut]:
    options: defaultdict[int, dict[int, tuple[str, str]]] = defaultdict(dict)
    choices = Choice.objects.filter(version__in=versions).order_by()
    for choice in choices.only("version_id", "text_html"):
        options[choice.version_id][choice.pk] = (_option(choice, False), _option(choice, True))
    columns = QuestionVersion.objects.only("scenario_text", "scenario_html", "stem_html")
    return {
        version.pk: _Cut(
            render_to_string("attempts/_sheet.html", {**_MARKS, "version": version}),
            options[version.pk],
            version.scenario_text,
        )
        for version in columns.filter(pk__in=versions)
    }


def _option(choice: Choice, chosen: bool) -> str:
    return render_to_string(
        "attempts/_option.html", {"option": Option(_LETTER, choice, chosen=chosen)}
    )


_MARKS: Final = {
    "position": _POSITION,
    "count": _COUNT,
    "action": _ACTION,
    "revision": _REVISION,
    "told": _TOLD,
    "options_html": _OPTIONS,
    "scenario_key": _KEY,
    "scenario_label": _LABEL,
}
