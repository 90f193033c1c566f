"""Loads the exams candidates can choose from `fixtures/exams.yaml`, keeping later changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import ValidationError
from django.db import transaction

from attempts.models import Exam
from domains.outlines import LoadReport, bring_up_to_date, fingerprint


class PresetError(Exception):
    """The file cannot be used; the text says why."""


_KEYS = ("title", "summary", "kind", "item_count", "minutes", "feedback", "navigation")


@transaction.atomic
def load_exams(path: Path) -> LoadReport:
    """Idempotent. Raises PresetError; then nothing of the file is loaded."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: not UTF-8, 2022-13-45
        raise PresetError(f"{path.name}: cannot be read: {error}") from error
    if not isinstance(entries, list):
        raise PresetError(f"{path.name}: must be a list of exams")
    report = LoadReport()
    for position, entry in enumerate(entries, 1):
        _load(entry, position, path.name, report)
    return report


def _load(entry: dict[str, Any], position: int, file: str, report: LoadReport) -> None:
    if not isinstance(entry, dict) or set(entry) != {"key", *_KEYS}:
        raise PresetError(f"{file}: entry {position} needs exactly key, {', '.join(_KEYS)}")
    wanted = {key: entry[key] for key in _KEYS} | {"position": position}
    exam = Exam.objects.filter(key=entry["key"]).first()
    current = {key: getattr(exam, key) for key in wanted} if exam else {}
    if exam:
        _renew_old_fingerprint(exam, wanted, current)
    if not bring_up_to_date(exam, current, wanted, f"Exam {entry['key']}", report):
        return
    exam = exam or Exam(key=entry["key"])
    for key, value in wanted.items():
        setattr(exam, key, value)
    exam.loaded_hash = fingerprint(wanted)
    try:
        exam.full_clean()
    except ValidationError as error:
        raise PresetError(f"{file}: {entry['key']}: {error}") from error
    exam.save()


def _renew_old_fingerprint(exam: Exam, *states: dict[str, Any]) -> None:
    """Until 0.2 an exam's entry had no navigation, and so the fingerprint kept of it: everything
    was free. Without this, an exam changed in the admin would look changed in its file as well."""
    for values in states:
        before = {key: value for key, value in values.items() if key != "navigation"}
        if exam.loaded_hash == fingerprint(before):
            exam.loaded_hash = fingerprint(before | {"navigation": Exam.Navigation.FREE})
            return
