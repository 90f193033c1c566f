"""What is decided about the cluster before Postgres itself is asked."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from issmp_site.embedded import proctable
from issmp_site.embedded.binaries import PostgresBinaries
from issmp_site.embedded.datadir import DataDir, Secrets
from issmp_site.embedded.postgres import Postgres
from issmp_site.embedded.processes import Program


def cluster_in(folder: Path) -> Postgres:
    """One that was made before, by the Postgres we have."""
    data = DataDir(folder)
    data.prepare()
    postgres = Postgres.on(PostgresBinaries(Path("/nowhere"), 18), data, Secrets.generate())
    postgres.cluster.mkdir()
    (postgres.cluster / "PG_VERSION").write_text("18\n")
    (data.postgres / "socket").mkdir()
    return postgres


def nothing_to_run(program: Program) -> None:
    raise AssertionError(f"{program.name} was run")


@pytest.mark.skipif(not proctable.LINUX, reason="elsewhere Postgres decides alone")
def test_locks_of_a_server_that_crashed_are_cleared(tmp_path: Path) -> None:
    """Their number may belong to a living process again, which Postgres would take for itself."""
    postgres = cluster_in(tmp_path / "data")
    locks = [
        postgres.cluster / "postmaster.pid",
        postgres.data.postgres / "socket" / ".s.PGSQL.5432.lock",
    ]
    for lock in locks:
        lock.write_text("1\n")
    postgres.prepare(nothing_to_run)
    assert not [lock for lock in locks if lock.exists()]


def test_the_url_names_a_directory_or_where_its_name_is_too_long_a_port(place: Path) -> None:
    near, far = cluster_in(place / "near"), cluster_in(place / ("far-" * 20))
    socket = quote(str(place / "near" / "postgres" / "socket"), safe="")
    assert near.url.partition("@")[2] == f"{socket}:5432/touchstone"
    assert far.url.partition("@")[2].startswith("127.0.0.1:")
