"""One real `manage.py up` on a fresh data directory, and what stands beside it: the mail it shows
at the terminal, and a second terminal with `manage.py shell`."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.embedded.launcher import Launcher, manage, soon

PASSWORD = "paper and ink, one accent"


class Installation:
    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self.url = launcher.wait_ready(timeout=180)

    def mailed_link(self, address: str) -> str:
        """The link in the latest message to this address, once it has been sent."""
        assert soon(lambda: self._link_to(address) is not None), self.launcher.output
        link = self._link_to(address)
        assert link is not None
        return link

    def _link_to(self, address: str) -> str | None:
        _, found, message = self.launcher.output.rpartition(f"To: {address}\n")
        link = re.search(rf"{re.escape(self.url)}/\S+", message) if found else None
        return link.group() if link else None

    def shell(self, code: str) -> str:
        """What this program prints in `manage.py shell` of a second terminal."""
        done = manage("shell", "-v", "0", "-c", code, ISSMP_DATA_DIR=str(self.launcher.data_dir))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def fresh_installation() -> Iterator[Installation]:
    """With its demo accounts, all of them with PASSWORD."""
    place = Path(tempfile.mkdtemp(prefix="touchstone-road-"))
    place.chmod(0o711)  # root's server account may enter
    launcher = Launcher(place / "data", ISSMP_DEMO_PASSWORD=PASSWORD)
    try:
        yield Installation(launcher)
    finally:
        launcher.stop()
        shutil.rmtree(place)
