"""Outline files: the two that ship, loading twice, an edit in the admin, and malformed ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from domains.models import Domain, Objective, Outline
from domains.outlines import LoadReport, OutlineError, load_outlines, read_outline
from tests.world import ROOT, World

pytestmark = pytest.mark.usefixtures("world")
SHIPPED = ROOT / "fixtures" / "outlines"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "outlines"))


def edit(files: Path, old: str, new: str, file: str = "current.yaml") -> None:
    path = files / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- What ships (shared/EXAM.md) ------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "weights"),
    [("2022", [20, 18, 19, 17, 15, 11]), ("current", [21, 15, 20, 18, 12, 14])],
)
def test_weights(key: str, weights: list[int]) -> None:
    outline = Outline.objects.get(key=key)
    assert list(outline.domains.values_list("weight", flat=True)) == weights
    assert sum(weights) == 100


def test_the_current_outline_is_the_default() -> None:
    assert Outline.objects.default().key == "current"


def test_the_28_objectives_of_2022_are_there_and_each_leads_on() -> None:
    objectives = Objective.objects.filter(domain__outline__key="2022")
    per_domain = [objectives.filter(domain__number=n).count() for n in range(1, 7)]
    assert per_domain == [10, 4, 3, 2, 4, 5]
    assert not objectives.filter(successor=None).exists()
    assert not objectives.exclude(successor__domain__outline__key="current").exists()


def test_only_1_1_to_1_6_of_the_current_outline_are_called_verified() -> None:
    verified = Objective.objects.filter(domain__outline__key="current", verified=True)
    assert set(verified.values_list("code", flat=True)) == {f"1.{n}" for n in range(1, 7)}


# --- Loading --------------------------------------------------------------------------------


def test_a_second_load_writes_nothing(files: Path) -> None:
    rows = Outline.objects.count() + Domain.objects.count() + Objective.objects.count()
    with CaptureQueriesContext(connection) as queries:
        assert load_outlines(files) == LoadReport(unchanged=rows)
    verbs = {query["sql"].split()[0] for query in queries}
    assert verbs <= {"SELECT", "SAVEPOINT", "RELEASE"}


def test_a_changed_file_updates_what_it_names(files: Path) -> None:
    edit(files, "Give security its place", "Give security a seat")
    report = load_outlines(files)
    assert (report.updated, report.created, report.conflicts) == (1, 0, [])
    changed = Objective.objects.get(domain__outline__key="current", code="1.1")
    assert changed.title.startswith("Give security a seat")
    assert load_outlines(files).updated == 0


def test_an_edit_in_the_admin_is_kept_in_silence_while_the_file_stays(
    world: World, files: Path
) -> None:
    Domain.objects.filter(pk=world.domain(1).pk).update(name="A better name")
    assert load_outlines(files).conflicts == []
    assert Domain.objects.get(pk=world.domain(1).pk).name == "A better name"


def test_both_changed_is_a_conflict_and_what_is_here_stays(world: World, files: Path) -> None:
    Domain.objects.filter(pk=world.domain(1).pk).update(name="A better name")
    edit(files, "Leadership and Organizational Management", "Leadership")
    (conflict,) = load_outlines(files).conflicts
    assert conflict.startswith("Domain 1 of outline current was changed here and in its file")
    assert "name is 'A better name', the file says 'Leadership'" in conflict
    assert Domain.objects.get(pk=world.domain(1).pk).name == "A better name"


def test_the_same_edit_on_both_sides_is_no_conflict(world: World, files: Path) -> None:
    Domain.objects.filter(pk=world.domain(1).pk).update(name="Leadership")
    edit(files, "Leadership and Organizational Management", "Leadership")
    assert load_outlines(files).conflicts == []


def test_a_successor_a_person_set_is_kept_and_told(files: Path) -> None:
    source = Objective.objects.get(domain__outline__key="2022", code="2.1")
    chosen = Objective.objects.get(domain__outline__key="current", code="2.4")
    Objective.objects.filter(pk=source.pk).update(successor=chosen)
    (conflict,) = load_outlines(files).conflicts
    assert "2.1 of outline 2022 has another successor here" in conflict
    source.refresh_from_db()
    assert source.successor == chosen


def test_weights_that_would_no_longer_add_up_refuse_the_load(world: World, files: Path) -> None:
    """One weight was changed here and kept; the file's others would not fit it."""
    Domain.objects.filter(pk=world.domain(1).pk).update(weight=22)
    Domain.objects.filter(pk=world.domain(2).pk).update(weight=14)
    edit(files, "weight: 20", "weight: 19")
    edit(files, "weight: 18", "weight: 19")
    before = list(Domain.objects.order_by("pk").values_list("pk", "weight", "loaded_hash"))
    edit(files, "weight: 15", "weight: 16")
    edit(files, "weight: 12", "weight: 11")
    with pytest.raises(OutlineError, match="would add up to 99, not 100"):
        load_outlines(files)
    assert list(Domain.objects.order_by("pk").values_list("pk", "weight", "loaded_hash")) == before


# --- Malformed files ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("weight: 21", "weight: 22", "the weights add up to 101, not 100"),
        ("weight: 21", "weight: many", "domain 1: weight is missing or not int"),
        ("    weight: 21\n", "", "domain 1: weight is missing"),
        ("weight: 15", "weight: 0", "domain 2: the weight 0 is no percentage"),
        ("number: 2", "number: 1", "two domains have the same number"),
        ('code: "1.2"', 'code: "1.1"', "objective 1.1 is given twice"),
        ('code: "1.2"', "code: 1.2", "domain 1: every objective needs a quoted code"),
        ("title: Align security with how the organisation is governed", "title:", "needs a title"),
        ('key: "current"', "key:", "needs a key and a title"),
        ("effective_from: null", "effective_from: soon", "effective_from must be a date"),
        ("effective_from: null", "effective_from: 2022-13-45", "cannot be read"),
        ("domains:", "parts:", "needs a list of domains"),
        ("number: 1", "number: [1", "cannot be read"),
        ("      verified: false", "      successor: '1.1'", "successor needs exactly outline"),
        (
            "      verified: false",
            '      successor: {outline: "2022", code: "9.9"}',
            "no successor 9.9 in outline 2022",
        ),
        ("default: true", "default: false", "exactly one outline must be the default, not 0"),
    ],
)
def test_a_malformed_file_is_refused_and_nothing_is_written(
    files: Path, old: str, new: str, reason: str
) -> None:
    edit(files, "Give security its place", "Give security a seat")
    edit(files, old, new)
    with pytest.raises(OutlineError, match=reason):
        load_outlines(files)
    assert not Objective.objects.filter(title__startswith="Give security a seat").exists()


def test_a_refusal_names_the_file(files: Path) -> None:
    edit(files, "weight: 21", "weight: 22")
    with pytest.raises(OutlineError, match=r"^current\.yaml: "):
        read_outline(files / "current.yaml")


def test_a_file_that_is_not_text_is_refused(files: Path) -> None:
    (files / "current.yaml").write_bytes(b"key: \xff")
    with pytest.raises(OutlineError, match=r"^current\.yaml: cannot be read"):
        load_outlines(files)


# --- The named rules ------------------------------------------------------------------------


def domain_of(outline: Outline) -> Domain:
    return outline.domains.get(number=1)


TRIES: dict[str, Callable[[Outline], object]] = {
    "one_default_outline": lambda o: Outline.objects.update(is_default=True),
    "domain_number_once_per_outline": lambda o: Domain.objects.create(
        outline=o, number=1, name="x", weight=1
    ),
    "domain_weight_is_percent": lambda o: o.domains.filter(number=1).update(weight=0),
    "objective_code_once_per_domain": lambda o: Objective.objects.create(
        domain=domain_of(o), code="1.1", title="x"
    ),
}


def test_every_named_rule_is_tried_below() -> None:
    declared = {
        constraint.name
        for model in apps.get_app_config("domains").get_models()
        for constraint in model._meta.constraints
    }
    assert declared == set(TRIES)


@pytest.mark.parametrize("name", TRIES)
def test_the_database_keeps_the_rule(world: World, name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        TRIES[name](world.outline)
