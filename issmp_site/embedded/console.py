"""What the person at the terminal reads."""

from __future__ import annotations

import os
import sys
from typing import TextIO


class Problem(Exception):
    """A failure that can be foreseen. The message is one sentence: what happened, what to do."""


def say(line: str = "") -> None:
    _write(line, sys.stdout)


def complain(problem: Problem) -> None:
    _write(f"\n{problem}", sys.stderr)


def _write(line: str, stream: TextIO) -> None:
    """`up | head`, or a terminal that was closed: nobody reads on. That must not keep us from
    serving, and least of all from stopping everything in order."""
    try:
        print(line, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
