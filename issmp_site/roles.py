"""The roles beyond superuser. An instructor authors questions; exam staff help when an exam goes
wrong. Neither touches anything else, and a person may be both."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import Group, Permission

INSTRUCTORS: Final = "Instructors"
EXAM_STAFF: Final = "Exam staff"

_GRANTED: Final = {
    INSTRUCTORS: {
        "domains": ["view_outline", "view_domain", "view_objective"],
        "questions": [
            *(f"{verb}_{model}" for verb in ("view", "add", "change") for model in (
                "question", "questionversion", "choice", "scenario", "placement"
            )),
            "delete_choice",
        ],
    },
    EXAM_STAFF: {
        "accounts": ["view_user"],
        "attempts": ["view_attempt", "remedy_attempt"],
    },
}  # fmt: skip


def ensure_roles() -> None:
    """Create the groups, or give existing ones what they must have. Never takes a grant away."""
    for name, granted in _GRANTED.items():
        group, _ = Group.objects.get_or_create(name=name)
        for app, codenames in granted.items():
            group.permissions.add(
                *Permission.objects.filter(content_type__app_label=app, codename__in=codenames)
            )
