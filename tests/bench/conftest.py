from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.stack import running


@pytest.fixture(scope="session")
def installation() -> Iterator[Path]:
    """The data directory of one that runs, for the programs to use one after the other."""
    with running(None) as stack:
        yield stack.data.root
