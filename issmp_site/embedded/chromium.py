"""A Chromium for the browser tests: an installed one, else obtained the ordinary way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from issmp_site.embedded.account import can_run
from issmp_site.embedded.console import Problem, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_or_obtain() -> str:
    given = os.environ.get("CHROMIUM")
    if given:
        if _starts(given):
            return given
        raise Problem(f"CHROMIUM is {given}, which does not start: name a Chromium, or unset it.")
    if found := _find():
        return found
    say("Getting Chromium for the browser tests (once) ...")
    for attempt in _ways():
        if all(_succeeds(command) for command in attempt) and (found := _find()):
            return found
    raise Problem(
        "The browser tests need Chromium, and none was found or could be installed: run "
        "`apt install chromium` (or your system's equivalent), or set CHROMIUM to one you have."
    )


def _find() -> str | None:
    return next((path for path in _candidates() if _starts(path)), None)


def _candidates() -> Iterator[str]:
    for name in NAMES:
        if installed := shutil.which(name):
            yield installed
    downloads = _playwrights_place().glob("chromium_headless_shell-*/*/*headless*shell")
    yield from sorted(str(path) for path in downloads)


def _playwrights_place() -> Path:
    if given := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(given)
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path.home() / caches / "ms-playwright"


def _starts(path: str) -> bool:
    """A file is not enough: Ubuntu's may be a stub, a download may lack the system's libraries."""
    return can_run(None, [path, "--version", "--no-sandbox"])


def _ways() -> Iterator[Sequence[Sequence[str]]]:
    playwright = [sys.executable, "-m", "playwright"]
    download = [*playwright, "install", "chromium", "--only-shell"]
    yield [download]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        yield [[*playwright, "install-deps", "chromium"], download]
        yield [["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]]


def _succeeds(command: Sequence[str]) -> bool:
    """Its output is shown: it may take a minute, and says best itself why it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, env=environment)
    return done.returncode == 0
