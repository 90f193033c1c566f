"""Loading the bank's files: once is enough, a change is a version, a person's work is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attempts.models import Exposure
from questions import services
from questions.bank import BankError, Option, digest, read_bank, scenario_digest
from questions.loading import BankReport, load_bank
from questions.models import Placement, Question, QuestionVersion, Scenario
from tests.world import NOON, ROOT, World

pytestmark = pytest.mark.usefixtures("at_noon", "world")
SHIPPED = ROOT / "fixtures" / "bank"
NOW = NOON
KEY = "t-first"
FILE, OTHER_FILE = Path("2.1.yaml"), Path("6.1.yaml")
SCENARIO_FILE = Path("scenarios", "t.yaml")
ITEM = """\
- id: {id}
  objective: "{objective}"
  difficulty: 0.66
  level: analyse
  stem: What comes FIRST for {id}?
  options:
    - text: Name an owner
      correct: true
      rationale: Authority before action.
    - text: Buy a tool
      misjudgement: technical-fix-first
      rationale: People come first.
    - text: Wait
      misjudgement: under-reacts
      rationale: Nothing is decided by it.
    - text: Start at once
      misjudgement: wrong-order
      rationale: Nobody has decided.
  references: [A public source]
  scenario: t-set
  tags: [owner, policy]
"""
SCENARIO = "- id: t-set\n  title: A ferry\n  text: A Norwegian ferry operator.\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A bank of two questions beside the shipped one, loaded, and to be changed at will."""
    root = tmp_path / "bank"
    (root / "scenarios").mkdir(parents=True)
    (root / FILE).write_text(ITEM.format(id=KEY, objective="2.1"), encoding="utf-8")
    (root / OTHER_FILE).write_text(ITEM.format(id="t-other", objective="6.1"), encoding="utf-8")
    (root / SCENARIO_FILE).write_text(SCENARIO, encoding="utf-8")
    assert load(root) == BankReport(created=2)
    return root


def load(files: Path, now: datetime = NOW) -> BankReport:
    return load_bank(read_bank(files), now=now)


def edit(files: Path, old: str, new: str, file: Path = FILE) -> None:
    path = files / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def question(files: Path) -> Question:
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


def test_a_second_load_writes_nothing() -> None:
    bank = read_bank(SHIPPED)
    with CaptureQueriesContext(connection) as queries:
        report = load_bank(bank, now=NOW)
    assert report == BankReport(unchanged=len(bank.items))
    verbs = {query["sql"].split()[0] for query in queries}
    assert verbs <= {"SELECT", "SAVEPOINT", "RELEASE"}
    assert len(queries) < 20  # and it asks little, however large the bank


def test_a_changed_text_is_the_next_version_and_the_old_one_retires(
    files: Path, question: Question
) -> None:
    later = NOW + timedelta(days=1)
    edit(files, "FIRST", "LAST")
    assert load(files, later) == BankReport(new_versions=1, unchanged=1)
    old, new = question.versions.order_by("number")
    assert (old.status, old.published_at, old.retired_at) == ("retired", NOW, later)
    assert (new.status, new.published_at, new.number) == ("published", later, 2)
    assert (old.stem, new.stem) == (f"What comes FIRST for {KEY}?", f"What comes LAST for {KEY}?")
    assert load(files) == BankReport(unchanged=2)


def test_an_attempt_keeps_the_text_it_was_given(
    files: Path, question: Question, world: World
) -> None:
    edit(files, "  scenario: t-set\n", "")  # whose other item is of another domain
    load(files)
    others = Question.objects.exclude(pk=question.pk)
    Exposure.objects.bulk_create(Exposure(question=other, count=99) for other in others)
    attempt = world.start(world.ben, "drill", domain=2)  # the only one never shown comes first
    item = attempt.items.get(version__question=question)
    edit(files, "FIRST", "LAST")
    load(files)
    item.refresh_from_db()
    assert "FIRST" in item.version.stem
    again = world.start(world.ada, "drill", domain=2)
    assert again.items.get(version__question=question).version != item.version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("difficulty: 0.66", "difficulty: 0.67"),
        ("level: analyse", "level: evaluate"),
        ("[A public source]", "[Another source]"),
        ("misjudgement: wrong-order", "misjudgement: treats-symptom"),
        ("Authority before action", "Authority first"),
        ("text: Wait", "text: Wait and see"),
    ],
)
def test_whatever_a_candidate_or_the_score_sees_makes_a_version(
    files: Path, question: Question, old: str, new: str
) -> None:
    edit(files, old, new)
    assert load(files).new_versions == 1
    assert question.versions.count() == 2


def test_a_change_of_place_or_tags_is_no_new_version(files: Path, question: Question) -> None:
    edit(files, "tags: [owner, policy]", "tags: [owner]")
    edit(files, 'objective: "2.1"', 'objective: "2.2"')
    assert load(files) == BankReport(replaced=1, unchanged=1)
    question.refresh_from_db()
    assert question.tags == ["owner"]
    assert question.versions.count() == 1
    assert {placed.objective.code for placed in question.placements.all()} == {"2.2"}
    assert load(files) == BankReport(unchanged=2)


def test_an_enmity_holds_on_both_sides_though_one_file_names_it(
    files: Path, question: Question
) -> None:
    other = Question.objects.get(key="t-other")
    edit(files, "tags: [owner, policy]", "enemies: [t-other]")
    load(files)
    assert (list(question.enemies.all()), list(other.enemies.all())) == ([other], [question])
    assert load(files) == BankReport(unchanged=2)
    edit(files, "enemies: [t-other]", "enemies: []")
    load(files)
    assert (list(question.enemies.all()), list(other.enemies.all())) == ([], [])
    assert load(files) == BankReport(unchanged=2)


def test_a_new_item_is_placed_in_both_outlines_by_its_successor(question: Question) -> None:
    older = question.placements.get(outline__key="2022").objective
    assert older.code == "2.1"
    assert question.placements.get(outline__key="current").objective == older.successor


def test_an_explicit_place_in_the_other_outline_wins(files: Path, question: Question) -> None:
    edit(files, 'objective: "2.1"', 'objective: {"2022": "2.1", current: "2.4"}')
    assert load(files).replaced == 1
    codes = {p.outline.key: p.objective.code for p in question.placements.all()}
    assert codes == {"2022": "2.1", "current": "2.4"}
    assert load(files) == BankReport(unchanged=2)


# --- An instructor was here -----------------------------------------------------------------


def test_an_instructors_text_is_kept_in_silence_while_the_file_stays(
    files: Path, question: Question
) -> None:
    mine = author_edits(question)
    report = load(files)
    assert report == BankReport(unchanged=2)
    assert question.versions.get(status="published") == mine


def test_both_changed_is_a_conflict_and_the_instructors_text_stays(
    files: Path, question: Question
) -> None:
    mine = author_edits(question)
    edit(files, "FIRST", "LAST")
    report = load(files)
    (conflict,) = report.conflicts
    assert conflict.startswith(f"{KEY} was changed here and in bank/2.1.yaml:1")
    assert question.versions.get(status="published") == mine
    assert question.versions.count() == 2


def test_a_draft_in_the_making_is_an_instructors_work_too(files: Path, question: Question) -> None:
    draft = services.draft_from_published(question)
    draft.stem = "Half a thought"
    draft.save()
    services.seal_draft(draft)
    edit(files, "FIRST", "LAST")
    assert len(load(files).conflicts) == 1
    draft.refresh_from_db()
    assert (draft.status, draft.stem) == ("draft", "Half a thought")


def test_a_tag_set_by_an_instructor_is_kept(files: Path, question: Question) -> None:
    question.tags = ["mine"]
    question.save()
    assert load(files).conflicts == []
    edit(files, "FIRST", "LAST")
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


def retyped(question: Question, stem: str) -> QuestionVersion:
    draft = services.draft_from_published(question)
    draft.stem = stem
    draft.save()
    services.publish(draft, now=NOW)
    return draft


def test_a_file_brought_to_what_is_here_settles_the_conflict(
    files: Path, question: Question
) -> None:
    """By hand, or by an export: the file may break its lines elsewhere."""
    mine = retyped(question, "A new situation for t-first.\n\nWhat comes FIRST?")
    edit(files, "FIRST", "LAST")
    assert len(load(files).conflicts) == 1
    edit(
        files,
        "stem: What comes LAST for t-first?",
        "stem: |-\n    A new situation\n    for t-first.\n\n    What comes\n    FIRST?",
    )
    assert load(files) == BankReport(unchanged=2)
    assert question.versions.get(status="published") == mine
    edit(files, "FIRST", "LAST")  # and the file has the last word again
    assert load(files) == BankReport(new_versions=1, unchanged=1)


def test_lines_broken_elsewhere_are_no_change(files: Path, question: Question) -> None:
    edit(
        files,
        "stem: What comes FIRST for t-first?",
        "stem: |-\n    What comes\n    FIRST for t-first?",
    )
    assert load(files) == BankReport(unchanged=2)
    assert question.versions.count() == 1


def loaded_by_an_earlier_release(question: Question) -> None:
    """Until 0.2 a file's line breaks were part of the text, and of the fingerprint kept of it."""
    stem = "What comes\nFIRST for t-first?"
    with connection.cursor() as cursor:  # published text is frozen for everybody else
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE questions_questionversion DISABLE TRIGGER USER")
        question.versions.update(stem=stem)
        version = question.versions.get()
        content = {**services.content_of(version), "stem": stem}
        question.versions.update(content_hash=digest(content))
        cursor.execute("ALTER TABLE questions_questionversion ENABLE TRIGGER USER")
    placements = {p.outline.key: p.objective.code for p in question.placements.all()}
    placing = ["t-set", [], ["owner", "policy"]]
    question.loaded_hash = digest([digest(content), placing, placements])
    question.save()


def test_a_bank_loaded_by_an_earlier_release_is_not_published_anew(
    files: Path, question: Question
) -> None:
    loaded_by_an_earlier_release(question)
    assert load(files) == BankReport(unchanged=2)
    assert question.versions.count() == 1


def test_a_change_after_an_earlier_release_is_no_conflict(files: Path, question: Question) -> None:
    loaded_by_an_earlier_release(question)
    edit(files, "FIRST", "LAST")
    assert load(files) == BankReport(new_versions=1, unchanged=1)


def test_a_scenario_of_an_earlier_release_may_change_in_its_file(files: Path) -> None:
    scenario = Scenario.objects.get(key="t-set")
    scenario.text = "A Norwegian\nferry operator."
    scenario.loaded_hash = scenario_digest(scenario.title, scenario.text)
    scenario.save()
    edit(files, "A Norwegian ferry operator", "A Danish ferry operator", SCENARIO_FILE)
    assert load(files).conflicts == []
    assert Scenario.objects.get(key="t-set").text == "A Danish ferry operator."


def test_an_enemy_that_is_in_no_file_is_kept(files: Path, question: Question) -> None:
    """Retired and exported away, or written here: the files say nothing of it."""
    own = Question.objects.create(key="written-here")
    question.enemies.add(own)
    edit(files, "FIRST", "LAST")
    assert load(files) == BankReport(new_versions=1, unchanged=1)
    assert list(question.enemies.all()) == [own]


# --- Scenarios ------------------------------------------------------------------------------


def scenario_edited_here(text: str = "By hand") -> Scenario:
    """What an instructor does in the admin."""
    scenario = Scenario.objects.get(key="t-set")
    scenario.text = text
    services.save_scenario(scenario)
    return scenario


def scenario_texts(question: Question) -> list[str]:
    return list(question.versions.order_by("number").values_list("scenario_text", flat=True))


def test_a_changed_scenario_makes_the_next_version_of_its_questions(
    files: Path, question: Question
) -> None:
    edit(files, "A Norwegian ferry operator", "A Danish ferry operator", SCENARIO_FILE)
    assert load(files) == BankReport(new_versions=2)
    assert "A Danish ferry operator" in Scenario.objects.get(key="t-set").text_html
    assert scenario_texts(question) == ["A Norwegian ferry operator.", "A Danish ferry operator."]
    assert load(files) == BankReport(unchanged=2)


def test_a_question_that_leaves_its_scenario_is_another_text(
    files: Path, question: Question
) -> None:
    edit(files, "  scenario: t-set\n", "")
    assert load(files) == BankReport(new_versions=1, unchanged=1)
    question.refresh_from_db()
    assert question.scenario is None
    assert scenario_texts(question) == ["A Norwegian ferry operator.", ""]
    assert load(files) == BankReport(unchanged=2)


def test_a_changed_scenario_reaches_the_drafts_of_questions_written_here(files: Path) -> None:
    own = Question.objects.create(key="written-here", scenario=Scenario.objects.get(key="t-set"))
    services.write_draft(
        own, stem="Mine?", difficulty=0.5, level="apply", references=["x"], options=[]
    )
    edit(files, "A Norwegian ferry operator", "A Danish ferry operator", SCENARIO_FILE)
    load(files)
    assert scenario_texts(own) == ["A Danish ferry operator."]


def test_a_scenario_changed_here_is_kept_and_publishes_nothing(
    files: Path, question: Question
) -> None:
    scenario_edited_here()
    assert load(files) == BankReport(unchanged=2)
    edit(files, "A Norwegian ferry operator", "A Swedish ferry operator", SCENARIO_FILE)
    report = load(files)
    (conflict,) = report.conflicts
    assert conflict.startswith("Scenario t-set was changed here and in")
    assert report.unchanged == 2
    assert Scenario.objects.get(key="t-set").text == "By hand"
    assert scenario_texts(question) == ["A Norwegian ferry operator."]


def test_a_changed_item_of_a_scenario_changed_here_is_a_conflict(
    files: Path, question: Question
) -> None:
    """Its next version would publish a scenario that only the instructor may publish."""
    scenario_edited_here()
    edit(files, "FIRST", "LAST")
    (conflict,) = load(files).conflicts
    assert conflict.startswith(f"{KEY} was changed in bank/2.1.yaml:1 and its scenario here")
    assert question.versions.count() == 1


def test_a_scenario_brought_over_by_hand_settles_the_conflict(
    files: Path, question: Question
) -> None:
    edit(files, "A Norwegian ferry operator", "A Danish ferry operator", SCENARIO_FILE)
    scenario_edited_here("A Danish ferry operator.")
    assert load(files) == BankReport(new_versions=2)
    assert scenario_texts(question)[-1] == "A Danish ferry operator."
    assert load(files) == BankReport(unchanged=2)


# --- All or nothing -------------------------------------------------------------------------


def everything() -> tuple[list[object], ...]:
    return (
        list(Question.objects.order_by("pk").values_list("pk", "loaded_hash", "tags")),
        list(QuestionVersion.objects.order_by("pk").values_list("pk", "status", "content_hash")),
        list(Placement.objects.order_by("pk").values_list("pk", "objective")),
    )


def test_an_unknown_objective_refuses_the_whole_load(files: Path) -> None:
    before = everything()
    edit(files, "FIRST", "LAST")
    edit(files, 'objective: "6.1"', 'objective: "6.9"', OTHER_FILE)
    with pytest.raises(BankError, match=r"6\.1\.yaml:\d+: .*outline 2022 has no objective 6\.9"):
        load(files)
    assert everything() == before


def test_a_failure_in_the_middle_leaves_nothing_of_the_load(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything()
    edit(files, "FIRST", "LAST")
    edit(files, "FIRST", "LAST", OTHER_FILE)
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
    edit(files, "FIRST", "LAST")
    out, err = run(str(files))
    assert out.strip() == (
        "Bank: 0 new questions, 0 new versions, 0 placed anew, 1 unchanged, 1 conflicts."
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
        (faulty_file, r"Mend these and try again; nothing was done:\nbank/.*2\.1\.yaml:\d+: "),
    ],
)
def test_the_command_refuses_in_words(
    files: Path, prepare: Callable[[Path], str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run(prepare(files))
