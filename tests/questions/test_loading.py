"""Loading the bank's files: once is enough, a change is a version, a person's work is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from questions import services
from questions.bank import BankError, Option, read_bank
from questions.loading import BankReport, load_bank
from questions.models import Placement, Question, QuestionVersion, Scenario
from tests.world import ROOT, World

pytestmark = pytest.mark.usefixtures("world")
NOW = timezone.now().replace(microsecond=0)
KEY = "d2-repository-retirement"
FILE = Path("2-lifecycle", "2.1.yaml")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The shipped files, to be changed at will."""
    return Path(shutil.copytree(ROOT / "fixtures" / "bank", tmp_path / "bank"))


def load(files: Path, now: datetime = NOW) -> BankReport:
    return load_bank(read_bank(files), now=now)


def edit(files: Path, old: str, new: str, file: Path = FILE) -> None:
    path = files / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def question() -> Question:
    return Question.objects.get(key=KEY)


def author_edits(question: Question, now: datetime = NOW) -> QuestionVersion:
    """What an instructor does in the admin: the next version, by hand."""
    draft = services.draft_from_published(question)
    draft.stem = "An instructor's better stem. What comes FIRST?"
    draft.save()
    services.publish(draft, now=now)
    return draft


def test_the_first_load_publishes_everything_once() -> None:
    """Done by the test database's set-up; this is what it left."""
    assert Question.objects.count() == QuestionVersion.objects.count() >= 84
    assert not QuestionVersion.objects.exclude(status="published").exists()
    assert all(q.placements.count() == 2 for q in Question.objects.prefetch_related("placements"))


def test_a_second_load_writes_nothing(files: Path) -> None:
    with CaptureQueriesContext(connection) as queries:
        report = load(files)
    assert report == BankReport(unchanged=Question.objects.count())
    written = [
        query["sql"]
        for query in queries
        if query["sql"].split()[0] not in {"SELECT", "SAVEPOINT", "RELEASE"}
    ]
    assert written == []
    assert len(queries) < 20  # and asks little, however large the bank


def test_a_changed_text_is_the_next_version_and_the_old_one_retires(
    files: Path, question: Question, world: World
) -> None:
    attempt = world.start(world.ada, "drill", domain=2, seed=1)
    edit(files, "FIRST?", "FIRST, and why?")
    report = load(files)
    assert (report.new_versions, report.unchanged) == (1, Question.objects.count() - 1)
    old, new = question.versions.order_by("number")
    assert (old.status, old.retired_at) == ("retired", NOW)
    assert (new.status, new.published_at, new.number) == ("published", NOW, 2)
    assert "FIRST, and why?" in new.stem
    assert "FIRST, and why?" not in old.stem
    held = set(attempt.items.values_list("version", flat=True))
    assert new.pk not in held  # the open attempt keeps what it was given
    assert load(files).unchanged == Question.objects.count()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("difficulty: 0.66", "difficulty: 0.67"),
        ("level: analyse", "level: evaluate"),
        (
            '"NIST SP 800-88 Rev. 2 (2025), Guidelines for Media Sanitization"',
            '"NIST SP 800-88 Rev. 2 (2025)"',
        ),
        ("misjudgement: wrong-order", "misjudgement: treats-symptom"),
        ("Disposal is a decision of", "Disposal is always a decision of"),
    ],
)
def test_whatever_a_candidate_or_the_score_sees_makes_a_version(
    files: Path, question: Question, old: str, new: str
) -> None:
    edit(files, old, new)
    assert load(files).new_versions == 1
    assert question.versions.count() == 2


def test_a_change_of_place_or_tags_is_no_new_version(files: Path, question: Question) -> None:
    edit(files, "tags: [disposal, retention, data-ownership]", "tags: [disposal]")
    edit(files, 'objective: "2.1"', 'objective: "2.2"')
    report = load(files)
    assert (report.replaced, report.new_versions) == (1, 0)
    question.refresh_from_db()
    assert question.tags == ["disposal"]
    assert question.versions.count() == 1
    assert {placed.objective.code for placed in question.placements.all()} == {"2.2"}
    assert load(files).unchanged == Question.objects.count()


def test_a_new_item_is_placed_in_both_outlines_by_its_successor(files: Path) -> None:
    text = (files / FILE).read_text(encoding="utf-8")
    (files / FILE).write_text(text.replace(KEY, "d2-new-one", 1).replace("FIRST", "NEXT", 1))
    report = load(files)
    assert report.created == 1
    placed = Placement.objects.filter(question__key="d2-new-one").select_related("objective")
    older = placed.get(outline__key="2022").objective
    current = placed.get(outline__key="current").objective
    assert older.code == "2.1"
    assert older.successor == current


def test_an_explicit_place_in_the_other_outline_wins(files: Path, question: Question) -> None:
    edit(files, 'objective: "2.1"', 'objective: {"2022": "2.1", current: "2.4"}')
    assert load(files).replaced == 1
    codes = {p.outline.key: p.objective.code for p in question.placements.all()}
    assert codes == {"2022": "2.1", "current": "2.4"}
    assert load(files).unchanged == Question.objects.count()


# --- An instructor was here -----------------------------------------------------------------


def test_an_instructors_text_is_kept_in_silence_while_the_file_stays(
    files: Path, question: Question
) -> None:
    mine = author_edits(question)
    report = load(files)
    assert (report.conflicts, report.unchanged) == ([], Question.objects.count())
    assert question.versions.get(status="published") == mine


def test_both_changed_is_a_conflict_and_the_instructors_text_stays(
    files: Path, question: Question
) -> None:
    mine = author_edits(question)
    edit(files, "FIRST?", "FIRST, and why?")
    report = load(files)
    (conflict,) = report.conflicts
    assert conflict.startswith(f"{KEY} was changed here and in bank/2-lifecycle/2.1.yaml:")
    assert question.versions.get(status="published") == mine
    assert question.versions.count() == 2


def test_a_draft_in_the_making_is_an_instructors_work_too(files: Path, question: Question) -> None:
    draft = services.draft_from_published(question)
    draft.stem = "Half a thought"
    draft.save()
    services.seal_draft(draft)
    edit(files, "FIRST?", "FIRST, and why?")
    assert len(load(files).conflicts) == 1
    draft.refresh_from_db()
    assert (draft.status, draft.stem) == ("draft", "Half a thought")


def test_a_tag_set_by_an_instructor_is_kept(files: Path, question: Question) -> None:
    question.tags = ["mine"]
    question.save()
    assert load(files).conflicts == []
    edit(files, "FIRST?", "FIRST, and why?")
    assert len(load(files).conflicts) == 1
    question.refresh_from_db()
    assert question.tags == ["mine"]


def test_a_question_an_instructor_retired_stays_retired(files: Path, question: Question) -> None:
    services.retire(question, now=NOW)
    assert load(files).conflicts == []
    assert not question.versions.filter(status="published").exists()


def test_a_question_written_here_is_left_alone(files: Path) -> None:
    own = Question.objects.create(key="written-here")
    services.write_draft(
        own,
        stem="Mine?",
        difficulty=0.5,
        level="apply",
        references=["x"],
        options=[Option("a", "b", correct=True)],
    )
    load(files)
    assert own.versions.get().status == "draft"


# --- Scenarios ------------------------------------------------------------------------------

SCENARIO_FILE = Path("scenarios", "1-leadership.yaml")


def test_a_changed_scenario_is_brought_up_unless_changed_here(files: Path) -> None:
    edit(files, "A Norwegian ferry operator", "A Danish ferry operator", SCENARIO_FILE)
    load(files)
    scenario = Scenario.objects.get(key="d1-ferry-programme")
    assert "A Danish ferry operator" in scenario.text_html
    scenario.text = "By hand"
    scenario.save()
    assert load(files).conflicts == []
    edit(files, "A Danish ferry operator", "A Swedish ferry operator", SCENARIO_FILE)
    (conflict,) = load(files).conflicts
    assert conflict.startswith("Scenario d1-ferry-programme was changed here and in")
    scenario.refresh_from_db()
    assert scenario.text == "By hand"


# --- All or nothing -------------------------------------------------------------------------


def everything() -> tuple[list[object], ...]:
    return (
        list(Question.objects.order_by("pk").values_list("pk", "loaded_hash", "tags")),
        list(QuestionVersion.objects.order_by("pk").values_list("pk", "status", "content_hash")),
        list(Placement.objects.order_by("pk").values_list("pk", "objective")),
    )


def test_an_unknown_objective_refuses_the_whole_load(files: Path) -> None:
    before = everything()
    edit(files, "FIRST?", "FIRST, and why?")
    edit(files, 'objective: "6.1"', 'objective: "6.9"', Path("6-compliance", "6.1.yaml"))
    with pytest.raises(BankError, match=r"6\.1\.yaml:\d+: .*outline 2022 has no objective 6\.9"):
        load(files)
    assert everything() == before


def test_a_failure_in_the_middle_leaves_nothing_of_the_load(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything()
    edit(files, "FIRST?", "FIRST, and why?")
    edit(
        files,
        "rationale: >-\n",
        "rationale: >-\n        Changed.\n",
        Path("6-compliance", "6.5.yaml"),
    )
    published: list[str] = []
    publish = services.publish

    def fail_the_second(version: QuestionVersion, *, now: datetime) -> None:
        if published:
            raise ConnectionError("the database went away")
        publish(version, now=now)
        published.append(version.question.key)

    monkeypatch.setattr(services, "publish", fail_the_second)
    with pytest.raises(ConnectionError):
        load(files)
    assert published == [KEY]
    assert everything() == before


# --- The command ----------------------------------------------------------------------------


def run(*args: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("bank", "load", *args, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def test_the_command_says_what_it_did(files: Path, question: Question) -> None:
    author_edits(question, NOW + timedelta(minutes=1))
    edit(files, "FIRST?", "FIRST, and why?")
    out, err = run(str(files))
    count = Question.objects.count()
    assert out.strip() == (
        f"Bank: 0 new questions, 0 new versions, 0 placed anew, {count - 1} unchanged, 1 conflicts."
    )
    assert KEY in err


def test_the_command_loads_the_shipped_bank_by_itself() -> None:
    out, err = run()
    assert f"{Question.objects.count()} unchanged" in out
    assert err == ""


def wrong_folder(files: Path) -> str:
    return str(files / "nowhere")


def faulty_file(files: Path) -> str:
    edit(files, "level: analyse", "level: guess")
    return str(files)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (wrong_folder, "There is no folder"),
        (faulty_file, r"Nothing was loaded\. Mend these and load again:\nbank/.*2\.1\.yaml:\d+: "),
    ],
)
def test_the_command_refuses_in_words(
    files: Path, prepare: Callable[[Path], str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run(prepare(files))
