"""What a process has of the machine's memory, and the most that it had."""

from __future__ import annotations

import time
from pathlib import Path

from frontend import DEADLINE, Frontend
from launch import select_briefly

MIB = 1 << 20
# What may stay of a flood when it is over.
STAYS = 32 * MIB


class Resident:
    """The memory of a kernel's process, from the moment at which this is made."""

    def __init__(self, kernel: Frontend):
        self.pid = kernel.pid
        self.before = self._kib("RssAnon")
        # Sets the mark of the most memory back to what there is now.
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        self.at_first = self._kib("VmRSS")

    def _kib(self, key: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"/proc has no {key}")

    @property
    def growth(self) -> int:
        """Bytes of its own that it has more than at first."""
        return self._kib("RssAnon") - self.before

    @property
    def peak(self) -> int:
        """Bytes that it had at most, more than at first."""
        return self._kib("VmHWM") - self.at_first

    def assert_given_back(self, stays: int = STAYS) -> None:
        """It comes back to where it was: what was freed is looked for in the background."""
        deadline = time.monotonic() + DEADLINE
        while self.growth > stays and time.monotonic() < deadline:
            select_briefly()
        assert self.growth <= stays, f"{self.growth / MIB:.0f} MiB stayed"
