"""Which pooled figures may be shown, so that nobody's answers can be read out of them. Pure.

A group's lead sees named rows of those who agreed to that, and pooled figures of those who agreed
to *that*. Whoever chose only the second is to be hidden in a crowd, and a crowd is at least
`minimum` people (settings.COHORT_MIN_MEMBERS). One rule covers every sum a lead could do:

- a pooled figure is about a crowd;
- so is what is left of it when the named rows are subtracted, unless nothing is left;
- so is the difference between one figure and the next, unless there is none. One person who joins,
  leaves or sits another exam therefore never changes what is shown: figures with somebody in them
  who has withdrawn disappear at once, and new ones wait until a crowd's answers have changed.

What this does not do: it is no protection against a lead who fills the group with accounts of their
own, against members who tell each other, against what the lead saw before somebody withdrew, or
against comparing figures that do not follow each other directly. Figures are exact; no noise is
added. And within a crowd one person may have answered most: the lead cannot tell who.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One member's part in a pooled figure."""

    member: int
    version: str
    """Differs whenever this member's counted answers do."""
    named: bool
    """The lead sees this member's domain results by name as well."""


def pool(consenting: Sequence[Source], minimum: int) -> tuple[Source, ...]:
    """Those whose answers may be added up; empty if no sum can be shown at all."""
    if len(_hidden(consenting)) < minimum:
        consenting = [source for source in consenting if source.named]
    return tuple(consenting) if len(consenting) >= minimum else ()


def may_follow(before: Sequence[Source], after: Sequence[Source], minimum: int) -> bool:
    """May figures of `after` be shown to someone who has seen those of `before`?"""
    # Without `named`: changing one's mind about that changes no sum and must not feign a crowd.
    changes = {(source.member, source.version) for source in before} ^ {
        (source.member, source.version) for source in after
    }
    changed = {member for member, _ in changes}
    return not changed or len(changed) >= minimum


def domains_may_follow(before: Sequence[Source], after: Sequence[Source], minimum: int) -> bool:
    """The same for domain figures, whose named part is on show anyway, person by person."""
    return may_follow(_hidden(before), _hidden(after), minimum)


def still_covered(
    sources: Sequence[Source], pooling: AbstractSet[int], named: AbstractSet[int], minimum: int
) -> bool:
    """May figures made earlier still be shown, given who agrees to what at this moment?

    pooling, named: the members who now share for group figures, and by name.
    """
    members = {source.member for source in sources}
    hidden = members - named
    return members <= pooling and (not hidden or len(hidden) >= minimum)


def _hidden(sources: Sequence[Source]) -> list[Source]:
    return [source for source in sources if not source.named]
