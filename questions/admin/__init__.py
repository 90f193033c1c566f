"""The instructor's desk: the bank as a list, the authoring pages, and scenarios."""

from __future__ import annotations

from questions.admin.bank import QuestionAdmin
from questions.admin.scenarios import ScenarioAdmin

__all__ = ["QuestionAdmin", "ScenarioAdmin"]
