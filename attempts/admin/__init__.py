"""Staff's view of exams and attempts: what is offered, what is under way, and what helps."""

from __future__ import annotations

from attempts.admin.attempts import AttemptAdmin
from attempts.admin.exams import ExamAdmin

__all__ = ["AttemptAdmin", "ExamAdmin"]
