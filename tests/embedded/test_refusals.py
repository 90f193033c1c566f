"""What `up` refuses: one sentence, a non-zero exit, nothing left running."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from issmp_site.embedded import datadir
from issmp_site.embedded.account import Account, blocked_at
from issmp_site.embedded.console import Problem
from issmp_site.embedded.datadir import DataDir
from issmp_site.embedded.up import parse
from tests.embedded.launcher import manage

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another account")


def refused(*argv: str | Path, **variables: str) -> str:
    """The sentence `up` refuses with."""
    done = manage("up", *argv, **variables)
    assert done.returncode == 1, done.stdout + done.stderr
    sentence = done.stderr.strip()
    assert "\n" not in sentence
    return sentence


def test_a_port_in_use(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused("--port", str(port), "--data-dir", place / "data")
    assert sentence.startswith(f"Port {port} is in use")
    assert "--port" in sentence
    assert not (place / "data" / "postgres" / "cluster").exists()


def test_a_database_of_another_major_version(place: Path) -> None:
    data = DataDir(place / "data")
    data.prepare()
    with data.locked():
        data.secrets()
    cluster = data.postgres / "cluster"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("9.6\n")
    data.root.chmod(0o711)
    sentence = refused("--port", "0", "--data-dir", data.root)
    assert "was made by Postgres 9.6" in sentence
    assert "dump it with the old version" in sentence


def test_a_directory_full_of_something_else(place: Path) -> None:
    (place / "thesis.txt").write_text("Chapter 1")
    sentence = refused("--port", "0", "--data-dir", place)
    assert "is not empty and not a data directory of Touchstone" in sentence
    assert [entry.name for entry in place.iterdir()] == ["thesis.txt"]


@as_root
def test_a_directory_the_servers_cannot_reach(place: Path) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    sentence = refused("--port", "0", "--data-dir", private / "data")
    assert f"may not enter {private}" in sentence
    assert not list(private.iterdir())
    assert private.stat().st_mode & 0o777 == 0o700, "nobody asked us to open it"


@as_root
@pytest.mark.parametrize(
    ("account", "words"),
    [("no-such-account", "which this machine does not have"), ("root", "refuses to run")],
)
def test_an_account_that_will_not_do(place: Path, account: str, words: str) -> None:
    assert words in refused("--port", "0", "--data-dir", place / "data", ISSMP_RUN_AS=account)


def test_a_file_where_the_directory_should_be(place: Path) -> None:
    (place / "data").write_text("")
    assert "cannot be" in refused("--port", "0", "--data-dir", place / "data")


def test_a_database_of_ones_own_that_does_not_answer(place: Path) -> None:
    sentence = refused(
        *("--port", "0", "--data-dir", place / "data"),
        DATABASE_URL="postgres://someone:password-not-shown@127.0.0.1:1/nothing",
    )
    assert sentence.startswith("The Postgres in DATABASE_URL")
    assert "password-not-shown" not in sentence


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL"])
def test_a_server_of_ones_own_that_is_no_url(place: Path, variable: str) -> None:
    sentence = refused(
        *("--port", "0", "--data-dir", place / "data"),
        **{variable: "someone:password-not-shown@127.0.0.1"},
    )
    assert sentence.startswith(f"{variable} cannot be read")
    assert "password-not-shown" not in sentence


def test_a_redis_of_ones_own_that_does_not_answer(place: Path) -> None:
    sentence = refused(
        *("--port", "0", "--data-dir", place / "data"), REDIS_URL="redis://127.0.0.1:1/0"
    )
    assert sentence.startswith("The Redis in REDIS_URL does not answer")


def test_postgres_programs_that_are_not_there(place: Path) -> None:
    sentence = refused(
        *("--port", "0", "--data-dir", place / "data"), ISSMP_POSTGRES_BIN=str(place)
    )
    assert sentence.startswith(f"ISSMP_POSTGRES_BIN is {place}")


def test_too_little_room_and_then_enough(place: Path) -> None:
    data = DataDir(place / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datadir, "NEEDED_BYTES", 10**18)
        with pytest.raises(Problem, match="MB are free"):
            data.prepare()
    data.prepare()


def test_lost_secrets_do_not_lead_to_new_ones_beside_an_old_database(place: Path) -> None:
    data = DataDir(place / "data")
    data.prepare()
    (data.postgres / "cluster").mkdir()
    with pytest.raises(Problem, match=r"secrets\.json is missing"):
        data.secrets()


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse([f"--port={port}"])
    assert exit_.value.code == 2
    assert "is not a port between 0 and 65535" in capsys.readouterr().err


def test_a_command_without_a_database(place: Path) -> None:
    done = manage("migrate", ISSMP_DATA_DIR=str(place / "nothing"))
    assert done.returncode == 1
    assert done.stderr == (
        "No database: start it with `python3 manage.py up`, or set DATABASE_URL.\n"
    )


@as_root
def test_what_is_private_is_told_apart_from_what_is_missing(place: Path) -> None:
    nobody = Account("nobody", 65534, 65534)
    private = place / "private"
    private.mkdir(mode=0o700)
    assert blocked_at(private / "below", nobody) == private
    assert blocked_at(place / "new" / "below", nobody) is None
