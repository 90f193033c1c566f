"""What the person at the terminal reads."""

from __future__ import annotations

import os
import sys
from pathlib import Path


class Problem(Exception):
    """A failure that can be foreseen. The message is one sentence: what happened, what to do."""


def say(line: str = "") -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:  # `up | head`: nobody reads on, which is no reason to stop serving
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - open until we exit


def complain(problem: Problem) -> None:
    print(f"\n{problem}", file=sys.stderr, flush=True)
