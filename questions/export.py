"""What a person wrote for the bank, as plain data. A pure read."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from accounts.models import User
from questions.models import QuestionVersion


class AuthoredRecord(TypedDict):
    question: str
    version: int
    status: str
    created_at: datetime


def authored_by(person: User) -> list[AuthoredRecord]:
    """Which versions, not their text: that belongs to the bank and stays when the person goes."""
    versions = QuestionVersion.objects.filter(created_by=person).select_related("question")
    return [
        {
            "question": version.question.key,
            "version": version.number,
            "status": version.status,
            "created_at": version.created_at,
        }
        for version in versions.order_by("created_at", "pk")
    ]
