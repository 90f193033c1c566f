"""What an author types becomes harmless HTML."""

from __future__ import annotations

import re

import pytest

from questions.markdown import to_html


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//x.example></SCRIPT>",
        '<img src="x" onerror="alert(1)">',
        "![a picture](https://x.example/a.png)",
        "[a link](javascript:alert(1))",
        "[a link](https://x.example)",
        "[a link][1]\n\n[1]: javascript:alert(1)",
        "<javascript:alert(1)>",
        "<https://x.example>",
        '<p style="position:fixed">over everything</p>',
        '<a href="https://x.example">out</a>',
        "<iframe src=https://x.example></iframe>",
        '<svg><use href="#x" onload="alert(1)"/></svg>',
        "<style>body { display: none }</style>",
        '<form action="/admin/"><input name=a><button>ok</button></form>',
        '<b onclick="alert(1)">bold</b>',
        "<!-- a comment -->",
        "<details open ontoggle=alert(1)>",
        "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
        "`<script>`alert(1)</script>",
        "| a |\n|:-:|\n| <script>alert(1)</script> |",
    ],
)
def test_nothing_but_plain_tags_comes_out(source: str) -> None:
    html = to_html(source)
    tags = re.findall(r"<([^>]*)>", html)
    assert all(re.fullmatch(r"/?[a-z]+[0-9]?", tag) for tag in tags), html  # no attribute at all
    names = {tag.strip("/") for tag in tags}
    forbidden = {"a", "img", "script", "style", "iframe", "svg", "form", "input", "details"}
    assert not names & forbidden


def test_links_and_pictures_keep_their_words() -> None:
    assert to_html("See [the policy](https://x.example).") == "<p>See the policy.</p>"


def test_tables_lists_and_emphasis_stay() -> None:
    table = to_html("| risk | owner |\n|:--|--:|\n| fire | *COO* |")
    assert "<table>" in table
    assert "<th>risk</th>" in table
    assert "<td><em>COO</em></td>" in table
    assert "style" not in table
    assert to_html("- one\n- two") == "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"
    assert to_html("**FIRST**") == "<p><strong>FIRST</strong></p>"


def test_signs_are_escaped_not_lost() -> None:
    assert to_html("cost < benefit & 3 > 2") == "<p>cost &lt; benefit &amp; 3 &gt; 2</p>"


def test_raw_html_is_shown_as_text() -> None:
    assert to_html("use <b>bold</b>") == "<p>use &lt;b&gt;bold&lt;/b&gt;</p>"


def test_nothing_is_nothing() -> None:
    assert to_html("") == ""
