"""Where lines break: nothing is lost, and nothing becomes another thing."""

from __future__ import annotations

import random

import pytest

from questions.flowing import fill, join
from questions.markdown import to_html

VERBATIM = (
    "- one\n- two",
    "1. first\n2. second",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "> said\n> so",
    "# Title\nunder it",
    "    code\n    more",
    "Hard  \nbreak",
    "Hard\\\nbreak",
    "Title\n=====",
    "[ref]: https://example.org\nwords",
    "a | b\n--- | ---\n1 | 2",
    "1. one\n\n   more of it\n   and more\n\n2. two",
    "- one\n\n  more of it\n\n    deeper\n    still",
)


def test_a_paragraph_is_one_line_and_paragraphs_stay_apart() -> None:
    assert (
        join("A line\nand  another\n\n\nThe end\r\nof it\n")
        == "A line and another\n\nThe end of it"
    )
    assert join("  \n ") == ""


@pytest.mark.parametrize("text", VERBATIM)
def test_blocks_keep_their_lines(text: str) -> None:
    assert join(f"Before\nit.\n\n{text}\n\nAfter\nit.") == f"Before it.\n\n{text}\n\nAfter it."
    assert join(fill(text, 10)) == join(text)


def test_code_is_left_alone_with_its_blank_lines() -> None:
    text = "Look:\n\n```\na\n\n  b\n```\n\nDone\nhere."
    assert join(text) == fill(text, 5) == text


def test_lines_are_filled_to_the_width_and_no_further() -> None:
    text = "word " * 60
    lines = fill(text, 40).split("\n")
    assert max(map(len, lines)) <= 40
    assert min(map(len, lines[:-1])) > 40 - len(" word")
    assert fill("x" * 90, 40) == "x" * 90  # a word is never broken


@pytest.mark.parametrize("mark", ["-", "*", "+", "1.", "1)", "#", ">", "|", "---", "==", "<b>"])
def test_no_line_begins_what_would_be_another_block(mark: str) -> None:
    for length in range(1, 30):
        text = f"{'x' * length} {mark} y and then some more"
        filled = fill(text, 20)
        assert join(filled) == text
        assert not any(line.startswith(mark) for line in filled.split("\n"))


def test_a_line_may_begin_with_a_year_but_not_a_list() -> None:
    assert join("The hall opens in\n2026. After that\nnothing is.") == (
        "The hall opens in 2026. After that nothing is."
    )
    assert join("2026. A list\nof one") == "2026. A list\nof one"


def test_any_text_survives_and_reads_the_same() -> None:
    pieces = [
        "word",
        "-",
        "*",
        "1.",
        "  ",
        "\n",
        "\n\n",
        "> ",
        "|",
        "# ",
        "*em*",
        "`c`",
        "\t",
        "=",
        "é",
    ]
    for seed in range(3000):
        rng = random.Random(seed)
        text = "".join(rng.choice([*pieces, " "]) for _ in range(rng.randint(1, 25)))
        joined = join(text)
        assert join(joined) == joined, repr(text)
        assert join(fill(text, 12)) == joined, repr(text)


@pytest.mark.parametrize(
    "text",
    [
        "A plain paragraph, long enough to be broken more than once.\n\nAnd?",
        "Facts:\n\n- 40 staff\n- 3 sites\n\nWhat comes first, when neither can be had?",
        "| Site | Loss |\n|---|---|\n| A | 4 |\n\nWhich one is covered by the retention?",
    ],
)
def test_a_candidate_reads_the_same_page(text: str) -> None:
    assert " ".join(to_html(fill(text, 30)).split()) == " ".join(to_html(join(text)).split())
