"""The exams' file: what it gives, what a changed database keeps, and files from before a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from attempts.models import Exam
from attempts.presets import PresetError, load_exams
from domains.outlines import LoadReport, fingerprint
from tests.world import ROOT

FILE = ROOT / "fixtures" / "exams.yaml"
QUICK = {
    "key": "quick",
    "title": "Quick check",
    "kind": "quick",
    "summary": "A lunch break's worth.",
    "item_count": 24,
    "minutes": 35,
    "feedback": "at_end",
    "navigation": "free",
}


@pytest.fixture(autouse=True)
def _no_exams_yet(db: None) -> None:
    Exam.objects.all().delete()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "exams.yaml"


def load(file: Path, *entries: dict[str, Any]) -> LoadReport:
    file.write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
    return load_exams(file)


def loaded_before_there_was_a_rule(**changed_since: Any) -> Exam:
    """A row as a version without navigation rules left it: its fingerprint knows nothing of one."""
    entry = {key: value for key, value in QUICK.items() if key not in {"key", "navigation"}}
    Exam.objects.create(
        key="quick", position=1, loaded_hash=fingerprint(entry | {"position": 1}), **entry
    )
    Exam.objects.filter(key="quick").update(**changed_since)
    return Exam.objects.get(key="quick")


def test_every_exam_of_ours_names_its_rule() -> None:
    assert load_exams(FILE).created == 5
    assert load_exams(FILE) == LoadReport(unchanged=5)
    rules = dict(Exam.objects.values_list("key", "navigation"))
    assert rules.pop("quick-forward") == "forward"
    assert set(rules.values()) == {"free"}


def test_the_forward_only_check_is_as_long_as_the_free_one() -> None:
    load_exams(FILE)
    shape = ("kind", "item_count", "minutes", "feedback")
    free, forward = (
        Exam.objects.values_list(*shape).get(key=key) for key in ("quick", "quick-forward")
    )
    assert free == forward == ("quick", 24, 35, "at_end")


def test_an_exam_loaded_before_there_was_a_rule_is_unchanged(file: Path) -> None:
    loaded_before_there_was_a_rule()
    assert load(file, QUICK) == LoadReport(unchanged=1)


def test_and_no_conflict_when_an_operator_has_changed_it_since(file: Path) -> None:
    loaded_before_there_was_a_rule(minutes=50)
    assert load(file, QUICK) == LoadReport(unchanged=1)
    assert Exam.objects.get(key="quick").minutes == 50


def test_and_it_follows_its_file_when_that_changes(file: Path) -> None:
    loaded_before_there_was_a_rule()
    assert load(file, QUICK | {"minutes": 40, "navigation": "forward"}) == LoadReport(updated=1)
    exam = Exam.objects.get(key="quick")
    assert (exam.minutes, exam.navigation) == (40, "forward")
    assert load(file, QUICK | {"navigation": "free"}) == LoadReport(updated=1)
    assert Exam.objects.get(key="quick").navigation == "free"


def test_a_rule_changed_here_stands(file: Path) -> None:
    loaded_before_there_was_a_rule(navigation="forward")
    assert load(file, QUICK) == LoadReport(unchanged=1)
    assert Exam.objects.get(key="quick").navigation == "forward"


def test_changed_here_and_in_the_file_is_a_conflict_that_names_both(file: Path) -> None:
    loaded_before_there_was_a_rule(minutes=50)
    report = load(file, QUICK | {"navigation": "forward"})
    assert len(report.conflicts) == 1
    assert "minutes is 50, the file says 35" in report.conflicts[0]
    assert "navigation is 'free', the file says 'forward'" in report.conflicts[0]
    exam = Exam.objects.get(key="quick")
    assert (exam.minutes, exam.navigation) == (50, "free")


@pytest.mark.parametrize("rule", ["sideways", "", None])
def test_an_unknown_rule_is_refused_by_name(file: Path, rule: object) -> None:
    with pytest.raises(PresetError, match=r"quick.*navigation"):
        load(file, QUICK | {"navigation": rule})
    assert not Exam.objects.exists()


def test_an_entry_without_a_rule_is_refused(file: Path) -> None:
    entry = {key: value for key, value in QUICK.items() if key != "navigation"}
    with pytest.raises(PresetError, match=r"needs exactly key, .*navigation"):
        load(file, entry)
