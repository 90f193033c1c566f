"""Which stems resemble each other: other numbers make no other question."""

from __future__ import annotations

import pytest

from questions import likeness
from tests.questions.items import item


def test_the_same_item_with_other_numbers_is_alike() -> None:
    one = item(1, stem="A bank loses 40 laptops and 3 servers in a flood. What comes first?")
    two = item(2, stem="A bank loses 75 laptops and 9 servers in a flood. What comes first?")
    far = item(3, stem="The union asks who may read mailboxes at night. Who should decide?")
    (pair,) = likeness.likenesses([one, two, far])
    assert (pair.one, pair.other) == ("d1-item-1", "d1-item-2")
    assert pair.cosine == pytest.approx(1.0)
    assert likeness.likenesses([]) == []


def test_the_nearest_come_likest_first() -> None:
    others = {
        "far": "The union asks who may read mailboxes at night.",
        "near": "A bank lost laptops in a flood.",
        "same": "A bank lost forty laptops in a flood at its office.",
    }
    found = likeness.nearest("A bank lost nine laptops in a flood at its office.", others, 2)
    assert [key for key, _ in found] == ["same", "near"]
    assert found[0][1] > found[1][1] > 0
    assert likeness.nearest("", others) == likeness.nearest("x", {}) == []
