from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from tests.cohorts.circle import NOW, Circle
from tests.world import World


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    """The clock stands, so that weeks and days away are the same in every run."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def circle(world: World) -> Circle:
    return Circle(world)


@pytest.fixture
def lead(circle: Circle, client: Client) -> Client:
    """A browser in which the lead is logged in."""
    client.force_login(circle.lead)
    return client
