"""Reads outline files and brings the database up to them, without overriding later work.

Every row remembers the fingerprint of what the file last gave it. A row that no longer matches
its own fingerprint was changed in the admin: it is left alone, and a changed file is reported as
a conflict.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import yaml
from django.db import transaction

from domains.models import Domain, Objective, Outline


class OutlineError(Exception):
    """An outline file cannot be used; the text says which, where and why."""


@dataclass(slots=True)
class LoadReport:
    """What a load did, counted, and the conflicts it left for a person."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    conflicts: list[str] = field(default_factory=list)


class _Fingerprinted(Protocol):
    loaded_hash: str

    def save(self) -> None: ...


def fingerprint(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def bring_up_to_date(
    row: _Fingerprinted | None,
    current: dict[str, Any],
    wanted: dict[str, Any],
    label: str,
    report: LoadReport,
) -> bool:
    """Should `wanted` be written over `row`? Counts the answer in `report`.

    current: what the row says now, in the same keys as `wanted`; ignored for a new row.
    """
    if row is None:
        report.created += 1
        return True
    if row.loaded_hash == fingerprint(wanted) or current == wanted:
        report.unchanged += 1
        return False
    if row.loaded_hash != fingerprint(current):
        report.conflicts.append(
            f"{label} was changed here and in its file; what is here was kept. "
            f"Here: {_difference(current, wanted)}."
        )
        return False
    report.updated += 1
    return True


def _difference(current: dict[str, Any], wanted: dict[str, Any]) -> str:
    return "; ".join(
        f"{key} is {current[key]!r}, the file says {wanted[key]!r}"
        for key in wanted
        if current.get(key) != wanted[key]
    )


def read_outline(path: Path) -> dict[str, Any]:
    """One outline file as plain data, checked. Raises OutlineError with file and reason."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: bad UTF-8, 2022-13-45
        raise OutlineError(f"{path.name}: cannot be read: {error}") from error
    problem = _problem(data)
    if problem:
        raise OutlineError(f"{path.name}: {problem}")
    assert isinstance(data, dict)
    return data


def _problem(data: Any) -> str:
    if not isinstance(data, dict) or not data.get("key") or not data.get("title"):
        return "needs a key and a title"
    if not isinstance(data.get("effective_from"), date | None):
        return "effective_from must be a date such as 2022-11-01, or null"
    domains = data.get("domains")
    if not isinstance(domains, list) or not all(isinstance(domain, dict) for domain in domains):
        return "needs a list of domains"
    codes: set[str] = set()
    for domain in domains:
        for key, kind in (("number", int), ("name", str), ("weight", int), ("objectives", list)):
            if not isinstance(domain.get(key), kind):
                return (
                    f"domain {domain.get('number', '?')}: {key} is missing or not {kind.__name__}"
                )
        for objective in domain["objectives"]:
            if not isinstance(objective, dict) or not isinstance(objective.get("code"), str):
                return f"domain {domain['number']}: every objective needs a quoted code"
            if not objective.get("title"):
                return f"objective {objective['code']}: needs a title"
            link = objective.get("successor")
            if link is not None and not (
                isinstance(link, dict) and set(link) == {"outline", "code"}
            ):
                return f"objective {objective['code']}: successor needs exactly outline and code"
            if objective["code"] in codes:
                return f"objective {objective['code']} is given twice"
            codes.add(objective["code"])
    numbers = [domain["number"] for domain in domains]
    if len(set(numbers)) < len(numbers):
        return "two domains have the same number"
    for domain in domains:
        if not 1 <= domain["weight"] <= 100:
            return f"domain {domain['number']}: the weight {domain['weight']} is no percentage"
    total = sum(domain["weight"] for domain in domains)
    if total != 100:
        return f"the weights add up to {total}, not 100"
    return ""


@transaction.atomic
def load_outlines(folder: Path) -> LoadReport:
    """Load every outline of a folder. Idempotent; raises OutlineError before writing anything."""
    files = [read_outline(path) for path in sorted(folder.glob("*.yaml"))]
    defaults = [data["key"] for data in files if data.get("default")]
    if len(defaults) != 1:
        raise OutlineError(f"exactly one outline must be the default, not {len(defaults)}")
    report = LoadReport()
    for data in files:
        _load_outline(data, report)
    for data in files:
        _link_successors(data, report)
    for outline in Outline.objects.all():
        total = sum(outline.domains.values_list("weight", flat=True))
        if total != 100:
            raise OutlineError(f"the weights of {outline.title} would add up to {total}, not 100")
    return report


def _load_outline(data: dict[str, Any], report: LoadReport) -> None:
    outline = Outline.objects.filter(key=data["key"]).first()
    wanted = {
        "title": data["title"],
        "effective_from": data.get("effective_from"),
        "is_default": bool(data.get("default")),
        "note": data.get("note", ""),
    }
    current = {key: getattr(outline, key) for key in wanted} if outline else {}
    if bring_up_to_date(outline, current, wanted, f"Outline {data['key']}", report):
        if wanted["is_default"]:
            Outline.objects.filter(is_default=True).update(is_default=False)
        outline, _ = Outline.objects.update_or_create(
            key=data["key"], defaults={**wanted, "loaded_hash": fingerprint(wanted)}
        )
    assert outline is not None
    for entry in data["domains"]:
        domain = outline.domains.filter(number=entry["number"]).first()
        wanted = {"name": entry["name"], "weight": entry["weight"]}
        current = {key: getattr(domain, key) for key in wanted} if domain else {}
        label = f"Domain {entry['number']} of outline {outline.key}"
        if bring_up_to_date(domain, current, wanted, label, report):
            domain, _ = Domain.objects.update_or_create(
                outline=outline,
                number=entry["number"],
                defaults={**wanted, "loaded_hash": fingerprint(wanted)},
            )
        assert domain is not None
        for line in entry["objectives"]:
            _load_objective(domain, line, report)


def _load_objective(domain: Domain, line: dict[str, Any], report: LoadReport) -> None:
    objective = domain.objectives.filter(code=line["code"]).first()
    wanted = {"title": line["title"], "verified": line.get("verified", True)}
    current = {key: getattr(objective, key) for key in wanted} if objective else {}
    label = f"Objective {line['code']} of outline {domain.outline.key}"
    if bring_up_to_date(objective, current, wanted, label, report):
        Objective.objects.update_or_create(
            domain=domain,
            code=line["code"],
            defaults={**wanted, "loaded_hash": fingerprint(wanted)},
        )


def _link_successors(data: dict[str, Any], report: LoadReport) -> None:
    """Fill successors that are still empty; one that a person set is never replaced."""
    for domain in data["domains"]:
        for line in domain["objectives"]:
            if not (link := line.get("successor")):
                continue
            target = Objective.objects.filter(
                domain__outline__key=link["outline"], code=link["code"]
            ).first()
            if target is None:
                raise OutlineError(
                    f"objective {line['code']} of {data['key']}: "
                    f"no successor {link['code']} in outline {link['outline']}"
                )
            source = Objective.objects.get(domain__outline__key=data["key"], code=line["code"])
            if source.successor_id is None:
                source.successor = target
                source.save(update_fields=["successor"])
            elif source.successor_id != target.pk:
                report.conflicts.append(
                    f"Objective {source.code} of outline {data['key']} has another successor here "
                    f"than in its file; what is here was kept."
                )
