"""What a kernel logged, for tests: lines of JSON, each checked against the documentation of events."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

from frontend import DEADLINE
from launch import select_briefly

PAGE = Path(__file__).parents[2] / "docs" / "logging.md"
LINE = {"timestamp", "level", "target"}


@functools.cache
def documented() -> dict[str, set[str]]:
    """The events of `docs/logging.md`, and the fields of each."""
    sections = re.split(r"^### `(.*)`$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return {name: set(re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE)) for name, body in zip(sections[::2], sections[1::2])}


def sha256(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


class Log:
    """A log file in JSON."""

    def __init__(self, path: Path):
        self.path = path

    def arguments(self, level: str = "info") -> tuple[str, ...]:
        return "--log", level, "--log-format", "json", "--log-file", str(self.path)

    @property
    def text(self) -> str:
        return self.path.read_text() if self.path.exists() else ""

    def lines(self) -> list[dict[str, Any]]:
        """All lines that are whole. What is an event is one of the documented ones, with documented fields only."""
        whole = self.text.rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.split("\n") if line]
        for line in lines:
            assert LINE < set(line), line
            if line["target"] == "cellblock::event":
                assert set(line) - LINE - {"event"} <= documented()[line["event"]], line
        return lines

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """The events of this name that have these fields."""
        return [line for line in self.lines() if line.get("event") == name and fields.items() <= line.items()]

    def event(self, name: str, **fields: Any) -> dict[str, Any]:
        """The only such event."""
        (event,) = self.events(name, **fields)
        return event

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Waits until there are so many of them. For what sends no message when it happens."""
        deadline = time.monotonic() + DEADLINE
        while len(found := self.events(name)) < count:
            assert time.monotonic() < deadline, f"no {name} came: {self.text[-3000:]}"
            select_briefly()
        return found
