"""`manage.py up`, for real: every test starts Postgres, Redis, worker, beat and web."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from tests.embedded.launcher import PROGRAMS, Launcher, alive, answers, gone, manage, soon

Up = Callable[..., Launcher]

MAKE_A_USER = "from accounts.models import User; User.objects.create_user('a@example.org')"
COUNT_USERS = "from accounts.models import User; print(User.objects.count())"


def test_starts_serves_stops_and_has_the_data_next_time(up: Up) -> None:
    first = up("--no-demo")
    url = first.wait_ready()
    assert answers(url)
    assert set(first.programs()) == PROGRAMS
    assert "candidate@example.org" not in first.output

    second = manage("up", "--port", "0", "--data-dir", first.data_dir)
    assert second.returncode != 0
    assert f"already running on {first.data_dir} at {url} (process {first.pid})" in second.stderr

    beside = manage("shell", "-v", "0", "-c", MAKE_A_USER, ISSMP_DATA_DIR=str(first.data_dir))
    assert beside.returncode == 0, beside.stderr

    running = first.groups()
    assert first.stop(signal.SIGTERM) == 0
    assert not alive(running)
    assert first.output.endswith("Stopped.\n")

    again = up("--no-demo")
    again.wait_ready()
    found = manage("shell", "-v", "0", "-c", COUNT_USERS, ISSMP_DATA_DIR=str(again.data_dir))
    assert found.stdout.strip() == "1"
    assert again.stop(signal.SIGINT) == 0


def test_replaces_what_dies_and_recovers_after_everything_was_killed(up: Up) -> None:
    first = up("--no-demo")
    url = first.wait_ready()
    for name in ("postgres", "web"):
        old = first.programs()[name]
        os.kill(old, signal.SIGKILL)
        assert gone({old})
    assert soon(lambda: set(first.programs()) == PROGRAMS and answers(url)), first.output
    assert "postgres stopped unexpectedly (SIGKILL)" in first.output
    first.kill_everything()

    again = up("--no-demo")
    assert answers(again.wait_ready())
    assert again.stop() == 0


def test_a_database_of_ones_own_is_used_and_gets_no_demo(up: Up) -> None:
    launcher = up(DATABASE_URL=os.environ["DATABASE_URL"], REDIS_URL=os.environ["REDIS_URL"])
    assert answers(launcher.wait_ready())
    assert set(launcher.programs()) == PROGRAMS - {"postgres", "redis"}
    assert "Demo" not in launcher.output
    assert not any((launcher.data_dir / "postgres").iterdir())
    assert launcher.stop(signal.SIGHUP) == 0
