"""No process is left behind, and none of a stranger's is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from issmp_site.embedded import proctable, supervisor
from issmp_site.embedded.console import Problem
from issmp_site.embedded.leftovers import Record, end_leftovers
from issmp_site.embedded.processes import Process, Program, Tail
from issmp_site.embedded.supervisor import Interrupts, Supervisor
from tests.embedded.launcher import CHECKOUT, alive, gone, soon

only_linux = pytest.mark.skipif(not proctable.LINUX, reason="needs the Linux kernel's help")


def shell(name: str, script: str, folder: Path, **env: str) -> Program:
    return Program(
        name=name,
        argv=["/bin/sh", "-c", script],
        env={"PATH": os.defpath, **env},
        cwd=folder,
        log=folder / f"{name}.log",
        patience=0.5,
    )


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """Puts pytest's own signal handlers back."""
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield Interrupts()
    for signum, handler in before.items():
        signal.signal(signum, handler)


def test_stopping_takes_a_stubborn_program_and_its_children_along(tmp_path: Path) -> None:
    process = Process(
        shell("stubborn", "trap '' TERM; sleep 60 & wait; sleep 60", tmp_path), tmp_path
    )
    assert soon(lambda: len(proctable.group(process.pid)) == 2)
    members = set(proctable.group(process.pid))
    process.stop(lambda: False)
    assert gone(members)
    assert not list(tmp_path.glob("*.json"))


def test_a_program_that_stands_back_does_so_with_its_children(tmp_path: Path) -> None:
    program = replace(shell("modest", "sleep 1; sleep 60 & wait", tmp_path), niceness=7)
    process = Process(program, tmp_path)
    assert soon(lambda: len(proctable.group(process.pid)) == 2)
    for pid in proctable.group(process.pid):
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 7
        session = Path(f"/proc/{pid}/autogroup")
        assert not session.exists() or session.read_text().endswith("nice 7\n")
    process.stop(lambda: False)


def test_children_of_a_program_that_died_go_with_it(tmp_path: Path) -> None:
    process = Process(shell("parent", "sleep 60 & sleep 60; true", tmp_path), tmp_path)
    assert soon(lambda: len(proctable.group(process.pid)) == 3)
    members = set(proctable.group(process.pid))
    os.kill(process.pid, signal.SIGKILL)
    assert soon(lambda: process.exit_code() is not None)
    assert gone(members)


@only_linux
def test_a_killed_launcher_takes_its_programs_along(tmp_path: Path) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path)], cwd=CHECKOUT, stdout=subprocess.PIPE
    )
    assert launcher.stdout is not None
    child = int(launcher.stdout.readline())
    assert alive({child})
    launcher.kill()
    launcher.communicate()
    assert gone({child})


LAUNCHER = """
import sys, time
from pathlib import Path
from tests.embedded.test_processes import shell
from issmp_site.embedded.processes import Process
folder = Path(sys.argv[1])
print(Process(shell("child", "exec sleep 60", folder), folder).pid, flush=True)
time.sleep(60)
"""


def test_the_next_start_ends_what_was_left(tmp_path: Path) -> None:
    left = Process(shell("left", "exec sleep 60", tmp_path), tmp_path)
    assert end_leftovers(tmp_path, tmp_path) == ["left"]
    assert gone({left.pid})
    assert end_leftovers(tmp_path, tmp_path) == []


def test_a_stranger_with_a_recorded_number_is_left_alone(tmp_path: Path) -> None:
    """Numbers come around again: the record says 17, and by now 17 is somebody else."""
    stranger = Process(shell("stranger", "exec sleep 60", tmp_path), tmp_path)
    records = tmp_path / "records"
    records.mkdir()
    Record(stranger.pid, "another-boot/1", int(signal.SIGTERM)).write(records / "ours.json")
    assert end_leftovers(records, tmp_path) == []
    assert alive({stranger.pid})
    assert not list(records.iterdir())
    stranger.stop(lambda: True)


@only_linux
def test_orphans_of_a_lost_leader_are_ended_if_they_say_they_are_ours(tmp_path: Path) -> None:
    script = "sleep 60 & exec true"
    ours = subprocess.Popen(
        ["/bin/sh", "-c", script], start_new_session=True, env={"ISSMP_DATA_DIR": str(tmp_path)}
    )
    theirs = subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True)
    for leader in (ours, theirs):
        Record.of(leader.pid, signal.SIGTERM).write(tmp_path / f"{leader.pid}.json")
        leader.wait()
    kept = set(proctable.group(theirs.pid))
    assert end_leftovers(tmp_path, tmp_path) == [str(ours.pid)]
    assert not proctable.group(ours.pid)
    assert alive(kept) == kept
    os.killpg(theirs.pid, signal.SIGKILL)


def test_a_record_cut_short_by_a_crash_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "web.json").write_text('{"pid": 1')
    assert end_leftovers(tmp_path, tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_what_keeps_dying_ends_everything(
    tmp_path: Path, interrupts: Interrupts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervisor, "TICK", 0.01)
    keeper = Supervisor(tmp_path, interrupts)
    keeper.start(shell("steady", "exec sleep 60", tmp_path))
    keeper.start(shell("broken", "exit 3", tmp_path))
    steady = keeper.pid("steady")
    with pytest.raises(Problem, match="broken stopped 5 times within a minute"):
        keeper.watch(lambda: None)
    keeper.stop()
    assert gone({steady})


def test_dying_while_starting_is_told_with_its_last_words(
    tmp_path: Path, interrupts: Interrupts
) -> None:
    keeper = Supervisor(tmp_path, interrupts)
    keeper.start(shell("web", "echo the disk is full; exit 1", tmp_path))
    with pytest.raises(Problem, match="web stopped while starting: the disk is full"):
        keeper.wait("web", lambda: False)
    keeper.stop()


def test_a_second_signal_hurries_but_a_pair_at_once_does_not(interrupts: Interrupts) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGHUP)
    assert soon(lambda: interrupts.wanted)
    assert not interrupts.hurried
    interrupts._first = -1.0  # long ago
    os.kill(os.getpid(), signal.SIGINT)
    assert soon(lambda: interrupts.hurried)


def test_a_log_is_passed_on_in_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("before\n")
    tail = Tail(log)
    with log.open("a") as file:
        file.write("whole\nhal")
    assert tail.lines() == ["whole"]
    with log.open("a") as file:
        file.write("f\n")
    assert tail.lines() == ["half"]
    log.write_text("new\n")
    assert tail.lines() == ["new"]
