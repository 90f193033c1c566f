"""The one role beyond superuser: an instructor authors questions and touches nothing else."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission

INSTRUCTORS = "Instructors"
_GRANTED = {
    "domains": ["view_outline", "view_domain", "view_objective"],
    "questions": [
        *(f"{verb}_{model}" for verb in ("view", "add", "change") for model in (
            "question", "questionversion", "choice", "scenario", "placement"
        )),
        "delete_choice",
    ],
}  # fmt: skip


def ensure_instructors() -> Group:
    """Create the group, or give an existing one what it must have. Never takes a grant away."""
    group, _ = Group.objects.get_or_create(name=INSTRUCTORS)
    for app, codenames in _GRANTED.items():
        group.permissions.add(
            *Permission.objects.filter(content_type__app_label=app, codename__in=codenames)
        )
    return group
