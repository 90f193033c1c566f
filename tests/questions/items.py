"""Items made to measure, for tests that look at wording alone."""

from __future__ import annotations

from typing import Any

from questions.bank import Item, Option

WORDS = (
    "A regional hospital network runs forty clinics in three countries and has promised its "
    "board that patient records stay available through any single failure. The budget for this "
    "year is spent, the supplier of the records system is late with its own tests, and the "
    "clinical director refuses another weekend without service before the winter."
)
STEM = f"{WORDS}\n\nWhat should the security executive propose?"
REASON = "It answers the constraint that the situation names, and leaves the rest as agreed."
# Same length, same form, and none shares a word of weight with the stem or with another.
TEXTS = (
    "Rehearse paper charts beside nurses each Monday",
    "Rent spare servers abroad until spring arrives ",
    "Split tests among vendors with signed timetables"[:47],
    "Move imaging first and give pharmacies a hotline"[:47],
)


def item(number: int = 1, *, key: int = 0, **changes: Any) -> Item:
    """A sound item; `texts` replaces the options' texts, `rationales` the rationales."""
    texts = changes.pop("texts", TEXTS)
    rationales = changes.pop("rationales", (REASON,) * 4)
    options = tuple(
        Option(text, why, correct=place == key, misjudgement="" if place == key else "wrong-order")
        for place, (text, why) in enumerate(zip(texts, rationales, strict=True))
    )
    fields: dict[str, Any] = {
        "id": f"d1-item-{number}",
        "objectives": {"2022": "1.1"},
        "difficulty": 0.65,
        "level": "apply",
        "stem": STEM,
        "options": options,
        "references": ("A public source",),
        "file": "bank/1.1.yaml",
        "line": number,
    }
    return Item(**{**fields, **changes})
