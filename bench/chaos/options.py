"""What the chaos program can be told."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SPACING = 8.0  # seconds for a kill and the recovery from it, at least


@dataclass(frozen=True)
class Options:
    seconds: float
    candidates: int
    kills: int
    seed: int
    think: float
    data_dir: Path | None
    json: bool


def parse(argv: Sequence[str], about: str) -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=about)
    parser.add_argument("--seconds", type=float, default=600, help="how long candidates sit (600)")
    parser.add_argument("--candidates", type=int, default=200, help="at the same time (200)")
    parser.add_argument("--kills", type=int, default=24, help="how many (24)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--think", type=float, default=4.0, help="seconds between two choices of a candidate (4)"
    )
    parser.add_argument("--data-dir", type=Path, help="a new directory, and keep it")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, alone")
    options = Options(**vars(parser.parse_args(argv)))
    if options.seconds < options.kills * SPACING:
        parser.error(
            f"{options.kills} kills need {options.kills * SPACING:.0f} seconds or more: recovery "
            "takes some, and the launcher gives up on what ends five times within a minute"
        )
    return options
