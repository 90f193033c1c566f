"""What the figures say, in words: the sentence above each picture. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

from attempts.psychometrics.mastery import FEWEST_ANSWERS, Band

_NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six")

_STANDS: Final = {  # one domain, several domains
    Band.ABOVE: ("is above its target", "are above their target"),
    Band.BELOW: ("is below its target", "are below their target"),
    Band.UNCLEAR: ("is too close to call", "are too close to call"),
    Band.TOO_FEW: (
        f"has fewer than {FEWEST_ANSWERS} answers",
        f"have fewer than {FEWEST_ANSWERS} answers",
    ),
}


def minutes_left(left: timedelta) -> str:
    """Whole minutes, as a clock shows them."""
    minutes = left // timedelta(minutes=1)
    if minutes < 1:
        return "less than a minute"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def percent(share: float) -> int:
    """As every page shows it."""
    return round(100 * share)


def percent_words(whole: int) -> str:
    return f"{whole}\N{NO-BREAK SPACE}%"


class Verdict(StrEnum):
    """Where a likely range lies against a pass mark."""

    ABOVE = "above"
    BELOW = "below"
    UNSETTLED = "unsettled"

    @classmethod
    def of(cls, *, low: int, high: int, pass_mark: int) -> Verdict:
        """From whole percents: nothing is claimed that the figures on the page don't bear out."""
        if low > pass_mark:
            return cls.ABOVE
        if high < pass_mark:
            return cls.BELOW
        return cls.UNSETTLED


def standing_words(band: Band) -> str:
    return {
        Band.ABOVE: "Above target",
        Band.BELOW: "Below target",
        Band.UNCLEAR: "Too close to call",
        Band.TOO_FEW: "Not enough answers",
    }[band]


def domain_sentence(name: str, band: Band) -> str:
    return f"{name} {_STANDS[band][0]}."


def domains_sentence(bands: Iterable[Band]) -> str:
    """“Two domains are above their target, one is below its target and three are ...”"""
    counts = Counter(bands)
    if len(counts) == 1 and counts.total() > 2:
        ((band, count),) = counts.items()
        return f"All {number_word(count)} domains {_STANDS[band][1]}."
    parts: list[str] = []
    for band, (one, several) in _STANDS.items():
        if count := counts[band]:
            noun = "" if parts else " domain" if count == 1 else " domains"
            parts.append(f"{number_word(count)}{noun} {one if count == 1 else several}")
    return _sentence(parts)


def number_word(count: int) -> str:
    """one to six in letters, more in figures."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _sentence(parts: Sequence[str]) -> str:
    if not parts:
        return ""
    *rest, last = parts
    joined = f"{', '.join(rest)} and {last}" if rest else last
    return f"{joined[0].upper()}{joined[1:]}."


def visible_time(milliseconds: int) -> str:
    """“1 min 52 s”; empty when no browser told us."""
    if not milliseconds:
        return ""
    minutes, seconds = divmod(max(1, round(milliseconds / 1000)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def departures_sentence(count: int, milliseconds: int) -> str:
    """“You left the window 3 times, 2 minutes 10 seconds in all.”"""
    if not count:
        return "You did not leave the window."
    if count == 1:
        return f"You left the window once, for {_length(milliseconds)}."
    return f"You left the window {count} times, {_length(milliseconds)} in all."


def _length(milliseconds: int) -> str:
    seconds = round(milliseconds / 1000)
    if not seconds:
        return "less than a second"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    units = ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in units if n)
