"""`manage.py bank`: check and coverage from files alone; export and load undo each other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from questions import authoring, services
from questions.bank import read_bank
from questions.loading import BankReport, load_bank
from questions.models import Question, QuestionVersion, Scenario
from tests.world import ROOT, World

FIXTURES = ROOT / "fixtures"
SHIPPED = FIXTURES / "bank"


def run(*args: str | Path) -> str:
    out = StringIO()
    call_command("bank", *map(str, args), stdout=out, no_color=True)
    return out.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The bank's folder and what stands beside it, to be spoilt."""
    shutil.copytree(FIXTURES, tmp_path / "fixtures")
    return tmp_path / "fixtures" / "bank"


def spoil(folder: Path, old: str, new: str) -> Path:
    for path in sorted(folder.rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        if old in text:
            path.write_text(text.replace(old, new, 1), encoding="utf-8")
            return path
    raise AssertionError(old)


# --- check ----------------------------------------------------------------------------------


def test_check_prints_every_gate_with_figure_and_limit(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        page = run("check")
    bank = read_bank(SHIPPED)
    assert page.startswith(f"{len(bank.items)} items, {len(bank.scenarios)} scenarios, ")
    gates = [line for line in page.splitlines() if line.startswith(("pass  ", "MISS  "))]
    assert len(gates) == 26
    assert all(line.startswith("pass") for line in gates)
    assert any("All cues combined, cross-validated" in line and " % " in line for line in gates)


def test_check_fails_with_file_line_and_item(copy: Path) -> None:
    path = spoil(copy, "difficulty: 0.", "level: apply\n  difficulty: 0.")
    with pytest.raises(
        CommandError, match=rf"{path.name}:\d+: is not valid YAML: 'level' is given"
    ):
        run("check", copy)


def test_a_missed_gate_names_the_item_and_fails(copy: Path) -> None:
    item = next(item for item in read_bank(copy).items if not item.scenario)
    spoil(copy, " ".join(item.stem.split()[:3]), "Another beginning of it")
    out = StringIO()
    with pytest.raises(CommandError, match=r"1 of 26 gates is missed\.") as failed:
        call_command("bank", "check", str(copy), stdout=out, no_color=True)
    assert failed.value.returncode == 1
    told = out.getvalue().split("answered as keyed, one option defensible")[-1]
    assert f"{item.file}:{item.line}: {item.id}: reading: Its text changed" in told


def test_check_for_programs_is_json_alone(copy: Path) -> None:
    report = json.loads(run("check", "--json"))
    assert report["passed"] is True
    assert {"name", "figure", "limit", "value", "passed", "findings"} == set(report["gates"][0])
    spoil(copy, "difficulty: 0.", "difficulty: 0.30 # 0.")
    (copy.parent / "blind-readings.yaml").write_text("[]")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("bank", "check", "--json", str(copy), stdout=out)
    assert json.loads(out.getvalue())["passed"] is False


def test_a_broken_file_is_told_to_programs_too(copy: Path) -> None:
    spoil(copy, "level: apply", "level: guess")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("bank", "check", "--json", str(copy), stdout=out)
    report = json.loads(out.getvalue())
    assert report["passed"] is False
    assert "'level' must be one of" in report["faults"][0]


def test_an_export_can_be_checked_where_it_lies(world: World, tmp_path: Path) -> None:
    """Its outlines, exams and readings are those of the installation."""
    run("export", tmp_path / "bank")
    assert "MISS" not in run("check", tmp_path / "bank")


@pytest.mark.parametrize("action", ["check", "coverage"])
def test_files_alone_are_enough(tmp_path: Path, action: str) -> None:
    """As on a machine where nothing runs: no database, no secret, no settings."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("ISSMP_", "DATABASE", "REDIS"))
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "bank", action],
        env={**kept, "ISSMP_DATA_DIR": str(tmp_path), "ISSMP_VENV": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert " items" in done.stdout


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), ([], 2), (["chekc"], 2)])
def test_usage_needs_no_server(tmp_path: Path, words: list[str], code: int) -> None:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("ISSMP_", "DATABASE", "REDIS"))
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "bank", *words],
        env={**kept, "ISSMP_DATA_DIR": str(tmp_path), "ISSMP_VENV": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "check" in done.stdout + done.stderr
    assert "No database" not in done.stderr


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda f: shutil.rmtree(f), "There is no folder"),
        (lambda f: (f.parent / "exams.yaml").write_text("[]"), "no exam of kind simulation"),
        (lambda f: (f.parent / "exams.yaml").write_bytes(b"\xff"), "exams.yaml: cannot be read"),
        (
            lambda f: (f.parent / "exams.yaml").write_text("- {kind: simulation, item_count: -1}"),
            "no exam of kind simulation",
        ),
        (
            lambda f: [path.unlink() for path in (f.parent / "outlines").iterdir()],
            "there is no outline in",
        ),
        (
            lambda f: (f.parent / "blind-readings.yaml").write_text("- id: x"),
            "blind-readings.yaml: entry 1: KeyError",
        ),
        (
            lambda f: (f.parent / "blind-readings.yaml").write_text("just words"),
            "must be a list of mappings",
        ),
        (
            lambda f: (f.parent / "outlines" / "2022.yaml").write_text("key: x"),
            "2022.yaml: needs a key and a title",
        ),
    ],
)
def test_what_stands_beside_the_bank_is_checked_too(copy: Path, prepare: Any, message: str) -> None:
    prepare(copy)
    with pytest.raises(CommandError, match=message):
        run("check", copy)


# --- coverage -------------------------------------------------------------------------------


def test_coverage_counts_every_objective_of_an_outline() -> None:
    bank = read_bank(SHIPPED)
    for key, title in (("2022", "ISSMP outline of 2022"), ("", "Current ISSMP outline")):
        page = run("coverage", *([f"--outline={key}"] if key else []))
        assert page.startswith(f"{title}: {len(bank.items)} items")
        rows = {line.split()[0]: line.split() for line in page.splitlines() if line[:1].isspace()}
        assert int(rows["2.3"][1]) == sum(i.objectives["2022"] == "2.3" for i in bank.items)
        assert len([code for code in rows if "." in code]) == 28
        assert page.strip().splitlines()[-1] == "Full forms of 125 with no item in common: 2"


def test_an_unknown_outline_is_refused_with_those_there_are() -> None:
    with pytest.raises(CommandError, match=r"no outline '2031'; there are 2022, current\."):
        run("coverage", "--outline=2031")


# --- export ---------------------------------------------------------------------------------


def test_an_export_after_a_load_is_the_same_byte_for_byte(world: World, tmp_path: Path) -> None:
    said = run("export", tmp_path / "bank")
    assert contents(tmp_path / "bank") == contents(SHIPPED)
    assert f"{len(contents(SHIPPED))} written, 0 removed, 0 as they were" in said
    again = run("export", tmp_path / "bank")
    assert "0 written, 0 removed" in again
    assert load_bank(read_bank(tmp_path / "bank"), now=timezone.now()).unchanged == len(
        read_bank(SHIPPED).items
    )


def authored(world: World, key: str, **changes: Any) -> QuestionVersion:
    """What an instructor does at the desk: the next version, typed and published."""
    question = Question.objects.get(key=key)
    services.draft_from_published(question, by=world.ines)
    stored = authoring.read(question)
    sheet = replace(stored.sheet, **changes)
    version = authoring.save(question, sheet, revision=stored.revision, by=world.ines)
    services.publish(version, now=timezone.now())
    return version


def test_an_instructors_work_returns_to_files_and_is_theirs_no_more(
    world: World, tmp_path: Path
) -> None:
    """Typed without line breaks, in one long line; the file breaks it, and a load of that file
    finds nothing to do."""
    key = read_bank(SHIPPED).items[3].id
    stem = f"{'A long situation with many facts in it. ' * 12}\r\n\r\nWhat should come first?"
    version = authored(world, key, stem=stem, tags=("zeta", "alpha"))
    folder = tmp_path / "bank"
    run("export", folder)
    (changed,) = [item for item in read_bank(folder).items if item.id == key]
    assert changed.tags == ("alpha", "zeta")
    assert changed.stem.endswith("in it.\n\nWhat should come first?")
    count = len(read_bank(SHIPPED).items)
    for _ in range(2):
        assert load_bank(read_bank(folder), now=timezone.now()) == BankReport(unchanged=count)
    assert Question.objects.get(key=key).versions.get(status="published") == version
    # From here on the file has the last word again, as nobody touched the question since.
    spoil(folder, "What should come first?", "What should come last?")
    assert load_bank(read_bank(folder), now=timezone.now()).new_versions == 1


def test_only_what_candidates_get_is_written(world: World, tmp_path: Path) -> None:
    first, second, third = [i.id for i in read_bank(SHIPPED).items if not i.scenario][:3]
    services.retire(Question.objects.get(key=first), now=timezone.now())
    draft = services.draft_from_published(Question.objects.get(key=second))
    draft.stem = "Half a thought"
    draft.save()
    Question.objects.create(key="only-a-draft")
    one, other = Question.objects.get(key=first), Question.objects.get(key=third)
    one.enemies.add(other)
    run("export", tmp_path / "bank")
    items = {item.id: item for item in read_bank(tmp_path / "bank").items}
    assert first not in items
    assert "only-a-draft" not in items
    assert "Half a thought" not in items[second].stem
    assert first not in items[third].enemies  # a file can only name what it knows


def test_a_scenario_is_written_as_it_was_published(world: World, tmp_path: Path) -> None:
    scenario = Scenario.objects.order_by("key")[0]
    before = scenario.text
    scenario.text = "Under way."
    services.save_scenario(scenario)
    run("export", tmp_path / "bank")
    texts = {s.id: s.text for s in read_bank(tmp_path / "bank").scenarios}
    assert texts[scenario.key] == before


def test_a_place_of_its_own_in_another_outline_is_written_down(
    world: World, tmp_path: Path
) -> None:
    question = Question.objects.get(key=read_bank(SHIPPED).items[0].id)
    placement = question.placements.get(outline__key="current")
    other = placement.objective.domain.objectives.exclude(pk=placement.objective_id)[0]
    placement.objective = other
    placement.save()
    run("export", tmp_path / "bank")
    (item,) = [i for i in read_bank(tmp_path / "bank").items if i.id == question.key]
    assert item.objectives["current"] == other.code
    assert set(item.objectives) == {"2022", "current"}


def test_an_export_removes_what_is_gone_and_leaves_what_is_not_its_own(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "bank"
    (folder / "old").mkdir(parents=True)
    bank_file = SHIPPED / "domain-2" / "2.1.yaml"
    gone = bank_file.read_text(encoding="utf-8").replace("- id: d2-", "- id: d2-former-")
    (folder / "old" / "9.9.yaml").write_text(gone, encoding="utf-8")
    (folder / "README.md").write_text("mine")
    assert "1 removed" in run("export", folder)
    assert not (folder / "old").exists()
    assert (folder / "README.md").read_text() == "mine"


def test_an_export_one_folder_too_high_costs_nothing(world: World, copy: Path) -> None:
    """Outlines, exams and readings are YAML too, and no bank files."""
    before = contents(copy.parent)
    run("export", copy.parent)
    after = contents(copy.parent)
    assert {name for name in before if not name.startswith("bank/")} <= set(after)


def test_files_of_the_old_folders_are_superseded(world: World, copy: Path) -> None:
    (copy / "domain-1").rename(copy / "1-leadership")
    assert "removed" in run("export", copy)
    assert contents(copy) == contents(SHIPPED)


def test_nothing_published_is_no_reason_to_remove_a_bank(world: World, copy: Path) -> None:
    QuestionVersion.objects.update(status="retired", retired_at=timezone.now())
    before = contents(copy)
    with pytest.raises(CommandError, match=r"Nothing was written\. Nothing is published here"):
        run("export", copy)
    assert contents(copy) == before


def test_what_would_not_load_again_is_not_written(world: World, tmp_path: Path) -> None:
    Question.objects.filter(key=read_bank(SHIPPED).items[0].id).update(key="under_score--x")
    with pytest.raises(CommandError, match="under_score--x: 'id' must be lowercase words"):
        run("export", tmp_path / "bank")
    assert not (tmp_path / "bank").exists()


def test_a_question_without_an_objective_is_named(world: World, tmp_path: Path) -> None:
    question = Question.objects.order_by("key")[0]
    question.placements.all().delete()
    with pytest.raises(CommandError, match=f"{question.key}: it belongs to no objective"):
        run("export", tmp_path / "bank")


def test_a_folder_where_a_file_should_be_is_told(world: World, tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "domain-1").write_text("a file")
    with pytest.raises(CommandError, match=r"Nothing was written\. .*domain-1 cannot be written"):
        run("export", tmp_path / "bank")


@pytest.mark.parametrize("move_to", ["another set", "no set"])
def test_a_draft_that_moves_to_another_set_moves_nothing_published(
    world: World, tmp_path: Path, move_to: str
) -> None:
    first, second = Scenario.objects.order_by("key")[:2]
    question = first.questions.order_by("key")[0]
    services.draft_from_published(question, by=world.ines)
    stored = authoring.read(question)
    sheet = replace(stored.sheet, scenario=second.pk if move_to == "another set" else None)
    authoring.save(question, sheet, revision=stored.revision, by=world.ines)
    run("export", tmp_path / "bank")
    assert contents(tmp_path / "bank") == contents(SHIPPED)


def test_of_a_set_published_in_part_the_newer_text_is_written(world: World, tmp_path: Path) -> None:
    scenario = Scenario.objects.order_by("key")[0]
    question = scenario.questions.order_by("key")[0]  # the others come after it by key
    scenario.text = "The newer text."
    services.save_scenario(scenario)
    services.publish(services.draft_from_published(question), now=timezone.now())
    run("export", tmp_path / "bank")
    bank = read_bank(tmp_path / "bank")
    assert {s.id: s.text for s in bank.scenarios}[scenario.key] == "The newer text."
    assert len([i for i in bank.items if i.scenario == scenario.key]) == scenario.questions.count()


def test_an_export_onto_a_file_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "bank").write_text("a file")
    with pytest.raises(CommandError, match="is not a folder"):
        run("export", tmp_path / "bank")
