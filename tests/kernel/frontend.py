"""The vocabulary that the kernel tests speak.

A `Frontend` owns one kernel process and one client; `execute` and `request` give a `Request`, whose
messages are then received one at a time, in order:

    cell = kernel.execute("print('hi'); 1 + 1")
    cell.receive_busy()
    cell.receive_execute_input()
    cell.receive_stdout("hi\\n")
    cell.receive_result("2")
    cell.receive_idle()          # fails if any output was left unasserted
    cell.receive_reply()

`kernel.run(code)` is for tests that are not about the order: it receives everything and gives an `Outcome`.
All waits are waits for a message, with a generous deadline; nothing sleeps.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import time
import uuid
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any, Iterator

import psutil
import zmq
from jupyter_client import BlockingKernelClient, KernelManager

# Which kernel is under test. Any other name is a stand-in that proves the tests themselves.
KERNEL_NAME = os.environ.get("CELLBLOCK_TEST_KERNEL", "sandboxed-python")
SANDBOXED = KERNEL_NAME == "sandboxed-python"
# How a queued request that was aborted is answered; ipykernel still says what older clients expect.
ABORTED_STATUS = "error" if SANDBOXED else "aborted"
# Seconds after which a message that has not come is taken to be lost.
DEADLINE = float(os.environ.get("CELLBLOCK_TEST_DEADLINE", "120"))

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def plain(text: str) -> str:
    """`text` without its colours."""
    return ANSI.sub("", text)


@dataclass
class Outcome:
    """Everything that came back for one request."""

    reply: dict[str, Any]
    messages: list[dict[str, Any]]

    @property
    def content(self) -> dict[str, Any]:
        return self.reply["content"]

    @property
    def status(self) -> str:
        return self.content["status"]

    def of(self, msg_type: str) -> list[dict[str, Any]]:
        return [m["content"] for m in self.messages if m["msg_type"] == msg_type]

    def _stream(self, name: str) -> str:
        return "".join(c["text"] for c in self.of("stream") if c["name"] == name)

    @property
    def stdout(self) -> str:
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        return self._stream("stderr")

    @property
    def result(self) -> dict[str, str] | None:
        results = self.of("execute_result")
        return results[0]["data"] if results else None

    @property
    def displays(self) -> list[dict[str, str]]:
        return [c["data"] for c in self.of("display_data")]

    @property
    def error(self) -> dict[str, Any] | None:
        errors = self.of("error")
        return errors[0] if errors else None

    @property
    def traceback(self) -> str:
        """The traceback, without colours."""
        assert self.error, f"no error came, but {self.describe()}"
        return plain("\n".join(self.error["traceback"]))

    @property
    def everything(self) -> str:
        """All that the user could see of it, as one text."""
        return plain(json.dumps([m["content"] for m in self.messages] + [self.content], default=str))

    @property
    def usage(self) -> dict[str, Any]:
        """Cellblock's own account of the cell, from the reply's metadata."""
        return self.reply["metadata"]["cellblock"]

    def describe(self) -> str:
        return str([(m["msg_type"], m["content"]) for m in self.messages] + [self.content])[:3000]


class Request:
    """One request on its way, and the messages that answer it."""

    def __init__(self, frontend: "Frontend", msg: dict[str, Any], channel: str):
        self.frontend = frontend
        self.msg = msg
        self.msg_id: str = msg["header"]["msg_id"]
        self.channel = channel
        self.deadline = DEADLINE

    # --- single messages, in order ---------------------------------------------------------------

    def next_message(self) -> dict[str, Any]:
        return self.frontend.next_iopub(self.msg_id, self.deadline)

    def receive(self, msg_type: str) -> dict[str, Any]:
        msg = self.next_message()
        assert msg["msg_type"] == msg_type, f"expected {msg_type}, got {msg['msg_type']}: {msg['content']}"
        return msg["content"]

    def receive_status(self, state: str) -> None:
        content = self.receive("status")
        assert content["execution_state"] == state, f"expected {state}, got {content}"

    def receive_busy(self) -> None:
        self.receive_status("busy")

    def receive_idle(self) -> None:
        """The request's end: whatever came before and was not received is a failure."""
        self.receive_status("idle")

    def receive_execute_input(self) -> dict[str, Any]:
        content = self.receive("execute_input")
        assert content["code"] == self.msg["content"]["code"]
        return content

    def receive_stream(self, name: str, text: str) -> None:
        """Text may come in any number of messages; exactly `text` is taken."""
        got = ""
        while got != text:
            content = self.receive("stream")
            assert content["name"] == name, f"expected {name} {text!r} after {got!r}, got {content}"
            got += content["text"]
            assert text.startswith(got), f"expected {text!r}, got {got!r}"

    def receive_stdout(self, text: str) -> None:
        self.receive_stream("stdout", text)

    def receive_stderr(self, text: str) -> None:
        self.receive_stream("stderr", text)

    def receive_result(self, text: str) -> dict[str, Any]:
        content = self.receive("execute_result")
        assert content["data"]["text/plain"] == text
        return content

    def receive_display(self) -> dict[str, Any]:
        return self.receive("display_data")

    def receive_error(self, ename: str) -> dict[str, Any]:
        content = self.receive("error")
        assert content["ename"] == ename, f"expected {ename}, got {content}"
        return content

    def receive_reply(self, status: str = "ok") -> dict[str, Any]:
        reply = self.reply()
        assert reply["content"]["status"] == status, reply["content"]
        return reply

    # --- the rest --------------------------------------------------------------------------------

    def reply(self) -> dict[str, Any]:
        return self.frontend.next_reply(self.channel, self.msg_id, self.deadline)

    def wait_for_stdout(self, text: str) -> str:
        """Everything on stdout until `text` is part of it."""
        got = ""
        while text not in got:
            msg = self.next_message()
            assert msg["msg_type"] not in ("error", "execute_result"), msg["content"]
            if msg["msg_type"] == "status":
                assert msg["content"]["execution_state"] == "busy", f"ended without {text!r}: {got!r}"
            if msg["msg_type"] == "stream":
                got += msg["content"]["text"]
        return got

    def finish(self) -> Outcome:
        """Receives everything up to and with idle and the reply."""
        messages = []
        while True:
            msg = self.next_message()
            messages.append(msg)
            if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
                break
        return Outcome(self.reply(), messages)


class Frontend:
    """A kernel process and a client of it."""

    def __init__(
        self,
        kernel_name: str = KERNEL_NAME,
        *,
        arguments: tuple[str, ...] = (),
        transport: str = "tcp",
        encryption: str = "disabled",
        env: dict[str, str] | None = None,
        cwd: str | None = None,
        stderr_path: Path | None = None,
    ):
        self.manager = KernelManager(kernel_name=kernel_name, transport=transport, transport_encryption=encryption)
        # What jupyter_client's provisioner uses to keep the standard error apart.
        self._stderr = open(stderr_path, "wb") if stderr_path else None
        self.stderr_path = stderr_path
        environment = {**os.environ, **(env or {})}
        options: dict[str, Any] = {"env": environment}
        if self._stderr:
            options["stderr"] = self._stderr
        if cwd:
            options["cwd"] = cwd
        self.started_at = time.monotonic()
        self.manager.start_kernel(extra_arguments=list(arguments), **options)
        try:
            self.connect()
        except BaseException:
            # Sockets that are left open would hold up the end of the whole run.
            self.close()
            raise

    def connect(self) -> None:
        """A client whose iopub subscription is known to be live: the kernel welcomes it."""
        self.client: BlockingKernelClient = self.manager.client()
        self._iopub: dict[str, deque] = defaultdict(deque)
        self._replies: dict[str, deque] = defaultdict(deque)
        self.trail: list[tuple[str, str]] = []
        self.client.start_channels(hb=False)
        deadline = time.monotonic() + DEADLINE
        while True:
            msg = self._get("iopub", deadline)
            if msg["msg_type"] == "iopub_welcome":
                break
            self._file_iopub(msg)

    @property
    def pid(self) -> int:
        return self.manager.provisioner.process.pid

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.pid)

    @property
    def alive(self) -> bool:
        return self.manager.is_alive()

    # --- requests --------------------------------------------------------------------------------

    def request(self, msg_type: str, content: dict[str, Any] | None = None, *, channel: str = "shell",
                metadata: dict[str, Any] | None = None, buffers: list[bytes] | None = None,
                header: dict[str, Any] | None = None) -> Request:
        msg = self.client.session.msg(msg_type, content or {}, metadata=metadata)
        msg["header"].update(header or {})
        socket = getattr(self.client, f"{channel}_channel").socket
        if buffers:
            self.client.session.send(socket, msg, buffers=buffers)
        else:
            self.client.session.send(socket, msg)
        return Request(self, msg, channel)

    def execute(self, code: str, *, silent: bool = False, store_history: bool = True,
                user_expressions: dict[str, str] | None = None, allow_stdin: bool = False,
                stop_on_error: bool = True, metadata: dict[str, Any] | None = None) -> Request:
        return self.request(
            "execute_request",
            {
                "code": code,
                "silent": silent,
                "store_history": store_history,
                "user_expressions": user_expressions or {},
                "allow_stdin": allow_stdin,
                "stop_on_error": stop_on_error,
            },
            metadata=metadata,
        )

    def run(self, code: str, **options: Any) -> Outcome:
        return self.execute(code, **options).finish()

    def run_ok(self, code: str, **options: Any) -> Outcome:
        outcome = self.run(code, **options)
        assert outcome.status == "ok", outcome.describe()
        return outcome

    def value(self, expression: str) -> str:
        """The `text/plain` of an expression."""
        result = self.run_ok(expression, store_history=False).result
        assert result is not None, f"{expression} has no result"
        return result["text/plain"]

    def ask(self, msg_type: str, content: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """The content of the reply to a request."""
        return self.request(msg_type, content, **options).finish().content

    def ask_comms(self, target_name: str | None = None) -> dict[str, Any]:
        return self.ask("comm_info_request", {"target_name": target_name} if target_name else {})["comms"]

    def interrupt(self) -> None:
        """As the notebook's stop button does it: by message or signal, as the kernelspec says."""
        if self.manager.kernel_spec.interrupt_mode == "message":
            # Not through the manager: its session numbers its messages as the client's does, from nought.
            self.request("interrupt_request", channel="control")
        else:
            self.manager.interrupt_kernel()

    # --- stdin -----------------------------------------------------------------------------------

    def receive_input_request(self) -> dict[str, Any]:
        msg = self._get("stdin", time.monotonic() + DEADLINE)
        assert msg["msg_type"] == "input_request", msg
        return msg["content"]

    def answer(self, line: str) -> None:
        self.client.input(line)

    # --- messages --------------------------------------------------------------------------------

    def _get(self, channel: str, deadline: float) -> dict[str, Any]:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no message on {channel} in time; the kernel is "
                                     f"{'alive' if self.alive else 'dead'}; seen: {self.trail[-20:]}{self.stderr()}")
            try:
                return getattr(self.client, f"get_{channel}_msg")(timeout=min(left, 2))
            except Empty:
                if not self.alive:
                    raise AssertionError(f"the kernel died while {channel} was waited for{self.stderr()}") from None

    def _file_iopub(self, msg: dict[str, Any]) -> None:
        parent = msg["parent_header"].get("msg_id", "")
        self.trail.append((msg["msg_type"], msg["content"].get("execution_state", "")))
        self._iopub[parent].append(msg)

    def next_iopub(self, parent: str, seconds: float = DEADLINE) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        queue = self._iopub[parent]
        while not queue:
            self._file_iopub(self._get("iopub", deadline))
        return queue.popleft()

    def next_reply(self, channel: str, parent: str, seconds: float = DEADLINE) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        queue = self._replies[parent]
        while not queue:
            msg = self._get(channel, deadline)
            self.trail.append((msg["msg_type"], ""))
            self._replies[msg["parent_header"].get("msg_id", "")].append(msg)
        return queue.popleft()

    # --- the process -----------------------------------------------------------------------------

    def stderr(self) -> str:
        if not self.stderr_path or not self.stderr_path.exists():
            return ""
        return "\nkernel's stderr:\n" + self.stderr_path.read_text(errors="replace")[-4000:]

    def restart(self) -> None:
        self.client.stop_channels()
        self.manager.restart_kernel()
        self.connect()

    def wait_exit(self, seconds: float = DEADLINE) -> float:
        """How long the process took to end from now."""
        began = time.monotonic()
        self.manager.provisioner.process.wait(timeout=seconds)
        return time.monotonic() - began

    def close(self) -> None:
        self.client.stop_channels()
        if self.alive:
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        if self._stderr:
            self._stderr.close()


@contextlib.contextmanager
def started(**options: Any) -> Iterator[Frontend]:
    kernel = Frontend(**options)
    try:
        yield kernel
    finally:
        kernel.close()


class RawClient:
    """Speaks the wire by hand: for what `jupyter_client` would never send, and for seeing frames as they are."""

    DELIMITER = b"<IDS|MSG>"

    def __init__(self, connection: dict[str, Any], channel: str = "shell"):
        self.key = connection["key"].encode() if isinstance(connection["key"], str) else connection["key"]
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB if channel == "iopub" else zmq.DEALER)
        self.socket.linger = 0
        if channel == "iopub":
            self.socket.subscribe(b"")
        self.socket.connect(address(connection, channel))

    def sign(self, frames: list[bytes]) -> bytes:
        digest = hmac.new(self.key, digestmod=hashlib.sha256)
        for frame in frames:
            digest.update(frame)
        return digest.hexdigest().encode()

    def frames(self, msg_type: str, content: Any, *, header: dict[str, Any] | None = None,
               metadata: Any = None) -> list[bytes]:
        """Delimiter, signature and the four dicts."""
        full = {"msg_id": uuid.uuid4().hex, "session": "raw", "username": "tester",
                "date": "2026-01-01T00:00:00.000000Z", "msg_type": msg_type, "version": "5.3", **(header or {})}
        dicts = [json.dumps(d).encode() for d in (full, {}, metadata or {}, content)]
        return [self.DELIMITER, self.sign(dicts), *dicts]

    def send(self, frames: list[bytes]) -> None:
        self.socket.send_multipart(frames)

    def receive(self, seconds: float = DEADLINE) -> dict[str, Any]:
        """The next message; the four dicts, the buffers and the signature as they came."""
        if not self.socket.poll(seconds * 1000):
            raise AssertionError("no message in time")
        return self.parse(self.socket.recv_multipart())

    def parse(self, frames: list[bytes]) -> dict[str, Any]:
        at = frames.index(self.DELIMITER)
        signature, dicts, buffers = frames[at + 1], frames[at + 2:at + 6], frames[at + 6:]
        assert signature == self.sign(dicts), "the kernel's own signature is wrong"
        header, parent, metadata, content = (json.loads(d) for d in dicts)
        return {"topic": frames[:at], "header": header, "msg_type": header["msg_type"], "parent_header": parent,
                "metadata": metadata, "content": content, "buffers": buffers}

    def kernel_info(self) -> dict[str, Any]:
        """Proof that the kernel still answers on this socket."""
        frames = self.frames("kernel_info_request", {})
        self.send(frames)
        msg_id = json.loads(frames[2])["msg_id"]
        while True:
            reply = self.receive()
            if reply["parent_header"].get("msg_id") == msg_id:
                assert reply["msg_type"] == "kernel_info_reply"
                return reply

    def close(self) -> None:
        self.socket.close()
        self.context.term()


def address(connection: dict[str, Any], channel: str) -> str:
    port = connection[f"{channel}_port"]
    if connection["transport"] == "ipc":
        return f"ipc://{connection['ip']}-{port}"
    return f"tcp://{connection['ip']}:{port}"


@contextlib.contextmanager
def raw_client(connection: dict[str, Any], channel: str = "shell") -> Iterator[RawClient]:
    client = RawClient(connection, channel)
    try:
        yield client
    finally:
        client.close()


@dataclass
class Footprint:
    """What a process holds, for tests that nothing is leaked."""

    descriptors: int
    threads: int
    private_bytes: int = field(default=0)

    @classmethod
    def of(cls, pid: int) -> "Footprint":
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
        )
        kib = sum(int(status[key].split()[0]) for key in ("RssAnon", "RssShmem"))
        return cls(len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"]), kib * 1024)
