"""Time zones as a person looks for them: by part of the world, then by city."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Final

Choice = tuple[str, str]
Group = tuple[str, list[Choice]]

_REGIONS: Final = {
    "Africa": "Africa",
    "America": "Americas",
    "Antarctica": "Antarctica",
    "Arctic": "Arctic",
    "Asia": "Asia",
    "Atlantic": "Atlantic Ocean",
    "Australia": "Australia",
    "Europe": "Europe",
    "Indian": "Indian Ocean",
    "Pacific": "Pacific Ocean",
}


@cache
def by_region() -> tuple[Group, ...]:
    """Every zone named after a place. The old names without one (EST, US/Eastern) are left out."""
    found: dict[str, list[Choice]] = {region: [] for region in _REGIONS}
    for name in sorted(zoneinfo.available_timezones()):
        region, _, place = name.partition("/")
        if region in found:
            found[region].append((name, _label(place)))
    return tuple((_REGIONS[region], choices) for region, choices in found.items())


def choices(current: str) -> list[Choice | Group]:
    """For a select. The current zone is always among them, so that saving never changes it unasked.

    It may be one we no longer list: an import or an administrator can set any name there is.
    """
    offered: list[Choice | Group] = [("UTC", "UTC (the same everywhere)"), *by_region()]
    listed = {name for _, group in by_region() for name, _ in group} | {"UTC"}
    if current not in listed:
        offered.insert(0, (current, current))
    return offered


def _label(place: str) -> str:
    """`Argentina/Buenos_Aires` -> `Buenos Aires, Argentina`: typing the city finds it."""
    return ", ".join(reversed(place.replace("_", " ").split("/")))
