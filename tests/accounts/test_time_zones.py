from __future__ import annotations

from accounts.time_zones import by_region, choices


def flat(current: str) -> list[str]:
    names = []
    for value, label in choices(current):
        names += [value] if isinstance(label, str) else [name for name, _ in label]
    return names


def test_zones_are_grouped_and_labelled_by_place() -> None:
    regions = dict(by_region())
    assert ("Europe/Berlin", "Berlin") in regions["Europe"]
    assert ("America/Argentina/Buenos_Aires", "Buenos Aires, Argentina") in regions["Americas"]
    assert all(group for group in regions.values())


def test_names_without_a_place_are_not_offered() -> None:
    offered = flat("UTC")
    assert offered[0] == "UTC"
    assert not {"EST", "US/Eastern", "Etc/GMT+5", "localtime", "Factory"} & set(offered)
    assert len(offered) == len(set(offered)) > 300


def test_a_zone_set_some_other_way_stays_choosable() -> None:
    assert flat("US/Eastern")[:2] == ["US/Eastern", "UTC"]
    assert "Europe/Berlin" in flat("US/Eastern")
