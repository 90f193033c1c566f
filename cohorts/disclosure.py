"""Which pooled figures may be shown, so that nobody's answers can be read out of them. Pure.

A group's lead sees named rows of those who agreed to that, and pooled figures of those who agreed
to *that*. Whoever chose only the second is to be hidden in a crowd, and a crowd is at least
`minimum` people (settings.COHORT_MIN_MEMBERS). One rule covers every sum a lead could do. It holds
for all members counted, and again for each domain and each question among those who met it:

- a pooled figure is about a crowd;
- so is what is left of it when the named rows are subtracted, unless nothing is left;
- so is the difference between one figure and the next of the same thing, unless there is none. One
  person who joins, leaves or sits another exam therefore never changes what is shown: figures with
  somebody in them who has withdrawn disappear at once, and new ones wait until a crowd's answers
  have changed. Domains are estimated from each other, so they wait together; a question waits
  alone, and stays as it was meanwhile.

Named rows tell no answer to a single question, yet questions keep the second rule too: a named
member with everything right, or everything wrong, in a domain has in effect told each answer in it.

What this does not do: it is no protection against a lead who fills the group with accounts of their
own, against members who tell each other, or against what the lead saw before somebody withdrew or
gave their name. Figures are exact; no noise is added. That a question is not listed tells a little
as well. And within a crowd one person may have answered most: the lead cannot tell who.
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
    """Differs whenever what this member adds to the figure does."""
    named: bool
    """The lead sees this member's domain results by name as well."""


def pool(consenting: Sequence[Source], minimum: int) -> tuple[Source, ...]:
    """Those whose answers may be added up; empty if no sum can be shown at all."""
    if len(_hidden(consenting)) < minimum:
        consenting = [source for source in consenting if source.named]
    return tuple(consenting) if len(consenting) >= minimum else ()


def is_crowd(sources: Sequence[Source], minimum: int) -> bool:
    """May one figure of exactly these people's answers be shown, as far as it goes by itself?"""
    hidden = len(_hidden(sources))
    return len(sources) >= minimum and (not hidden or hidden >= minimum)


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
