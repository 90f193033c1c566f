from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.embedded.launcher import Launcher


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that root's server account may enter, unlike pytest's `tmp_path`."""
    place = Path(tempfile.mkdtemp(prefix="touchstone-place-"))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def up(place: Path) -> Iterator[Callable[..., Launcher]]:
    """Starts `up`; whatever the test leaves running is ended."""
    started: list[Launcher] = []

    def start(*argv: str, **variables: str) -> Launcher:
        launcher = Launcher(place / "data", *argv, **variables)
        started.append(launcher)
        return launcher

    yield start
    for launcher in started:
        launcher.stop()
