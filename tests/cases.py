"""One test that tries many cases, where a test for each would cost more than what it tries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

Test = Callable[..., None]


def for_each(name: str, cases: Iterable[object]) -> Callable[[Test], Test]:
    """Like `parametrize`, in one test; the first case that fails is named below its error."""
    all_cases = list(cases)

    def decorate(test: Test) -> Test:
        @wraps(test)
        def run(**others: Any) -> None:
            for case in all_cases:
                try:
                    test(**others, **{name: case})
                except BaseException as error:  # `pytest.fail` raises no Exception
                    error.add_note(f"{name}: {case!r}")
                    raise

        asked = inspect.signature(test)
        rest = [one for one in asked.parameters.values() if one.name != name]
        run.__signature__ = asked.replace(parameters=rest)  # type: ignore[attr-defined] # what pytest reads
        return run

    return decorate
