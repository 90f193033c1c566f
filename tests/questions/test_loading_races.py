"""Two loads of one bank at the same moment, without the lock and with it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import IntegrityError, connection

from questions import loading
from questions.bank import read_bank
from questions.loading import BankReport, load_bank
from questions.models import Question
from tests.questions.test_loading import ITEM, KEY, NOW
from tests.world import World

pytestmark = pytest.mark.xdist_group("races")
ALONE = ITEM.replace("  scenario: t-set\n", "")


@pytest.fixture
def bank(live_world: World, tmp_path: Path) -> Path:
    """A loaded question whose file has changed since."""
    root = tmp_path / "bank"
    root.mkdir()
    text = ALONE.format(id=KEY, objective="2.1")
    (root / "2.1.yaml").write_text(text, encoding="utf-8")
    load_bank(read_bank(root), now=NOW)
    (root / "2.1.yaml").write_text(text.replace("FIRST", "LAST"), encoding="utf-8")
    return root


def load_twice_at_once(bank: Path, monkeypatch: pytest.MonkeyPatch) -> list[BankReport]:
    """Both have read the database before either writes, where nothing keeps them apart."""
    both_have_read = threading.Barrier(2, timeout=2)
    run = loading._Loader.run

    def wait_and_run(self: loading._Loader) -> BankReport:
        with suppress(threading.BrokenBarrierError):
            both_have_read.wait()
        return run(self)

    monkeypatch.setattr(loading._Loader, "run", wait_and_run)

    def load() -> BankReport | None:
        try:
            return load_bank(read_bank(bank), now=NOW)
        except IntegrityError:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        done = [future.result() for future in [pool.submit(load), pool.submit(load)]]
    return [report for report in done if report]


def test_without_the_lock_one_change_is_published_twice_or_breaks(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_hold_the_bank", lambda: None)
    reports = load_twice_at_once(bank, monkeypatch)
    versions = Question.objects.get(key=KEY).versions.count()
    assert (len(reports), versions) != (2, 2)


def test_with_the_lock_the_second_finds_nothing_to_do(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = load_twice_at_once(bank, monkeypatch)
    assert sorted(report.new_versions for report in reports) == [0, 1]
    assert Question.objects.get(key=KEY).versions.count() == 2
