"""A group's named rows as a CSV file for spreadsheets: consenting members only."""

from __future__ import annotations

import csv
import io

from cohorts.readings import Reading
from cohorts.reports import Dashboard

# A spreadsheet takes a cell that begins with one of these for a formula. Names are people's own
# words, so such a cell gets an apostrophe in front.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

# Without it, Excel reads UTF-8 as the machine's own code page and garbles names.
_BYTE_ORDER_MARK = "\ufeff"


def progress_csv(dashboard: Dashboard) -> str:
    """Five columns a domain: estimate, both ends of its interval, answers, standing."""
    out = io.StringIO()
    write = csv.writer(out).writerow
    heads = [
        "Member",
        "Joined",
        "Exams",
        "Last exam",
        "All domains: correct",
        "All domains: answers",
    ]
    for domain in dashboard.domains:
        heads += [
            f"{domain}: {part}"
            for part in ("estimate %", "likely from %", "likely to %", "answers", "standing")
        ]
    write([safe(head) for head in heads])
    for row in dashboard.sharing:
        cells: list[str | int] = [
            safe(row.name),
            row.membership.joined_at.date().isoformat(),
            row.activity.exams if row.activity else "",
            row.last.date().isoformat() if row.last else "",
            row.overall.correct if row.overall else "",
            row.overall.n if row.overall else "",
        ]
        for reading in row.cells:
            cells += _domain_cells(reading)
        write(cells)
    return _BYTE_ORDER_MARK + out.getvalue()


def _domain_cells(reading: Reading | None) -> list[str | int]:
    if reading is None:
        return [""] * 5
    return [reading.percent, reading.low, reading.high, reading.n, str(reading.band.label)]


def safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
