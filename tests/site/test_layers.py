"""The arrows between the apps go one way, and the check that says so can say no."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world import ROOT

APPS = ("accounts", "domains", "questions", "attempts", "cohorts", "issmp_site")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_goes_down() -> None:
    report = lint_imports(ROOT)
    assert report.returncode == 0, report.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("domains/quotas.py", "import attempts.models", "Arrows go one way"),
        ("attempts/tasks.py", "import issmp_site.health", "Arrows go one way"),
        ("questions/bank.py", "import django.db", "Measurement knows nothing of storage"),
    ],
)
def test_an_import_that_goes_up_is_caught(
    tmp_path: Path, file: str, line: str, contract: str
) -> None:
    for app in APPS:
        shutil.copytree(ROOT / app, tmp_path / app, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    report = lint_imports(tmp_path)
    assert report.returncode != 0
    assert f"{contract} BROKEN" in report.stdout
