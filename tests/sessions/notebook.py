"""The vocabulary of the tests of sessions: a notebook, its kernels one after another, and where its session is kept.

    kernel = notebook.open()
    kernel.run_ok("x = 1")
    notebook.settle(kernel)          # what was answered is stored
    notebook.kill(kernel)            # kill -9
    kernel = notebook.open()
    assert notebook.notice(kernel)   # a saved session is there
    said(kernel.run_ok("%session resume"))
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, TypeVar

from fixtures import Start
from frontend import DEADLINE, Frontend, Outcome
from launch import connection, kernel_command, select_briefly
from policies import write_policy

T = TypeVar("T")


@dataclass
class Notebook:
    """One notebook, as Jupyter names it, of a user whose data are in `data`."""

    start: Start
    data: Path
    name: str = "/home/user/analysis.ipynb"
    # Keys of the policy's table `session`.
    session: dict[str, Any] = field(default_factory=dict)
    # The policy's other keys.
    policy: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def open(self, *, id: str | None = None, arguments: tuple[str, ...] = (), **session: Any) -> Frontend:
        """Another kernel for the notebook, or for the session with this id; `session` changes the policy's table for it."""
        which = {"CELLBLOCK_SESSION": id} if id else {"JPY_SESSION_NAME": self.name}
        return self.start(env={**self.environment(), **which}, arguments=(*self.options(session), *arguments))

    def spawn(self, **session: Any) -> subprocess.Popen[bytes]:
        """The same, without a client, and without waiting for it."""
        file = self.data / f"connection-{time.monotonic_ns()}.json"
        file.write_text(json.dumps(connection()))
        return subprocess.Popen([*kernel_command(file), *self.options(session)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env={**os.environ, **self.environment(), "JPY_SESSION_NAME": self.name})

    def options(self, session: dict[str, Any]) -> tuple[str, ...]:
        """The command line's options for a policy."""
        self.data.mkdir(parents=True, exist_ok=True)
        path = self.data / f"policy-{time.monotonic_ns()}.toml"
        return "--policy", str(write_policy(path, {**self.policy, "session": {**self.session, **session}}))

    def environment(self) -> dict[str, str]:
        return {"XDG_DATA_HOME": str(self.data), **self.env}

    # --- ends ------------------------------------------------------------------------------------

    @staticmethod
    def settle(kernel: Frontend) -> None:
        """Waits until everything that was answered is in the store: the status is asked of the store, behind it all."""
        outcome = kernel.run_ok("%session")
        assert not outcome.stderr, outcome.stderr

    @staticmethod
    def kill(kernel: Frontend, *, close: bool = True) -> None:
        kernel.process.kill()
        kernel.manager.provisioner.process.wait(timeout=DEADLINE)
        if close:
            kernel.close()

    @classmethod
    def crash(cls, kernel: Frontend) -> None:
        """kill -9, with everything that was answered in the store."""
        cls.settle(kernel)
        cls.kill(kernel)

    @staticmethod
    def shut_down(kernel: Frontend) -> None:
        """As a server does that ends, or culls an idle kernel."""
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=False)
        kernel.close()

    # --- what is seen ----------------------------------------------------------------------------

    @staticmethod
    def notice(kernel: Frontend) -> list[str]:
        """The host's lines with the first cell of a kernel, which has nothing to say of its own."""
        outcome = kernel.run_ok("pass")
        lines = said(outcome)
        assert "".join(f"[cellblock] {line}\n" for line in lines) == outcome.stdout, outcome.describe()
        return lines

    def store(self) -> Path:
        """Where sessions are kept, if nothing else is said."""
        return self.data / "cellblock"

    def sessions(self) -> list[Path]:
        """The directories of all sessions."""
        directory = self.store() / "sessions"
        return sorted(directory.iterdir()) if directory.exists() else []

    def session_dir(self, id: str | None = None) -> Path:
        """The only session's directory, or the one with this id."""
        found = [path for path in self.sessions() if id in (None, path.name)]
        assert len(found) == 1, f"not one session, but {found}"
        return found[0]

    def id(self) -> str:
        return self.session_dir().name

    def files(self, id: str | None = None) -> dict[str, bytes]:
        """The workspace as the host sees it: paths below `/app`, and bytes. Directories end in a slash."""
        return tree(self.session_dir(id) / "workspace" / "app")


def said(outcome: Outcome) -> list[str]:
    """What the host itself said in a cell's output, without the mark of its lines."""
    return re.findall(r"^\[cellblock\] (.*)$", outcome.stdout, re.MULTILINE)


def tree(root: Path) -> dict[str, bytes]:
    """Everything below a directory; directories end in a slash."""
    def entry(path: Path) -> tuple[str, bytes]:
        name = path.relative_to(root).as_posix()
        return (f"{name}/", b"") if path.is_dir() else (name, path.read_bytes())

    return dict(sorted(entry(path) for path in root.rglob("*")))


def until(look: Callable[[], T], what: str, seconds: float = DEADLINE) -> T:
    """Looks again and again until there is something to see. For what sends no message when it happens."""
    deadline = time.monotonic() + seconds
    while True:
        if seen := look():
            return seen
        assert time.monotonic() < deadline, f"in vain waited for: {what}"
        select_briefly()


def refused(outcome: Outcome, *words: str) -> str:
    """What a cell that could not be done says: an error with these words in it, and nothing of our insides."""
    assert outcome.status == "error", outcome.describe()
    text = outcome.content["evalue"]
    for word in words:
        assert word.lower() in text.lower(), f"{word!r} is not in {text!r}"
    for inside in ("Traceback", "cellblock_bridge", "panicked", ".rs:"):
        assert inside not in outcome.everything, outcome.describe()
    return text
