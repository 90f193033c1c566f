"""Which Chromium the browser tests get."""

from __future__ import annotations

from pathlib import Path

import pytest

from issmp_site.embedded import chromium
from issmp_site.embedded.console import Problem


def program(path: Path, exit_code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr(chromium, "_ways", list)


def test_the_one_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = program(tmp_path / "my-chromium")
    monkeypatch.setenv("CHROMIUM", str(named))
    assert chromium.find_or_obtain() == str(named)


def test_one_named_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(Problem, match="CHROMIUM is /nowhere/chromium, which does not start"):
        chromium.find_or_obtain()


def test_a_stub_is_passed_over_for_playwrights_own(tmp_path: Path) -> None:
    """Ubuntu's chromium-browser without snap is there and does not start."""
    program(tmp_path / "bin" / "chromium-browser", exit_code=1)
    shell = "playwright/chromium_headless_shell-1/chrome-linux/headless_shell"
    own = program(tmp_path / shell)
    assert chromium.find_or_obtain() == str(own)


def test_none_to_be_had() -> None:
    with pytest.raises(Problem, match="`apt install chromium`"):
        chromium.find_or_obtain()
