"""Much output, and clients that do not take it."""

from __future__ import annotations

import os
import select
import signal
import statistics
import subprocess
import sys
import time

import psutil
import pytest

from frontend import SANDBOXED, Footprint, Frontend, address

MIB = 1024 * 1024
# A megabyte of numbered lines of a hundred bytes each.
LINES_OF_A_MEGABYTE = 10_000


def write(megabytes: int) -> str:
    """A cell that writes this much, as numbered lines."""
    line = "f'{block * 10_000 + i:09d} ' + 'x' * 89 + '\\n'"
    return f"for block in range({megabytes}): print(''.join({line} for i in range(10_000)), end='')"


def roomy(start) -> Frontend:
    """A kernel whose policy lets a cell write more than the notebook profile's 50 MB."""
    return start(policy={"stdout_max_bytes": 2_000_000_000}) if SANDBOXED else start()


def receive_lines(kernel: Frontend, cell, megabytes: int) -> int:
    """Receives and checks every line; gives the kernel's highest private memory while it came."""
    highest, rest, line = 0, "", 0
    tail = " " + "x" * 89
    messages = 0
    while line < megabytes * LINES_OF_A_MEGABYTE:
        msg = cell.next_message()
        if msg["msg_type"] != "stream":
            assert msg["msg_type"] != "error", msg["content"]
            assert msg["content"].get("execution_state") != "idle", f"only {line} lines came"
            continue
        lines = (rest + msg["content"]["text"]).split("\n")
        rest = lines.pop()
        for got in lines:
            assert got == f"{line:09d}{tail}", f"line {line} is {got!r}"
            line += 1
        messages += 1
        if messages % 16 == 1:
            highest = max(highest, Footprint.of(kernel.pid).private_bytes)
    assert rest == ""
    cell.receive_idle()
    cell.receive_reply()
    return highest


def test_a_hundred_megabytes_arrive_complete_and_in_order_in_bounded_memory(start) -> None:
    kernel = roomy(start)
    receive_lines(kernel, kernel.execute(write(1)), 1)
    before = Footprint.of(kernel.pid).private_bytes
    highest = receive_lines(kernel, kernel.execute(write(100)), 100)
    if SANDBOXED:  # ipykernel sets no bound
        assert highest - before < 64 * MIB, f"{(highest - before) / MIB:.1f} MiB more"


def test_a_hundred_thousand_prints_arrive(start) -> None:
    kernel = start()
    outcome = kernel.run_ok("for i in range(100_000): print(i)")
    assert outcome.stdout == "".join(f"{i}\n" for i in range(100_000))


def test_text_is_coalesced(start) -> None:
    outcome = start().run_ok("for i in range(100_000): print(i)")
    streams = outcome.of("stream")
    assert len(streams) < 2_000
    if SANDBOXED:
        assert max(len(c["text"].encode()) for c in streams) <= 128 * 1024


def test_text_waits_no_longer_than_it_must(start) -> None:
    kernel = start()
    cell = kernel.execute("import time\nprint(time.time())\ntime.sleep(3)")
    cell.receive_busy()
    cell.receive_execute_input()
    printed = float(cell.receive("stream")["text"])
    waited = time.time() - printed
    cell.finish()
    assert waited < 1, f"{waited:.3f} s"


def test_a_thousand_displays_arrive_in_order(start) -> None:
    outcome = start().run_ok("for i in range(1000): display(i)")
    assert [d["text/plain"] for d in outcome.displays] == [str(i) for i in range(1000)]


def test_a_flood_can_be_interrupted(start) -> None:
    kernel = start(policy={"stdout_max_bytes": 20_000_000_000}) if SANDBOXED else start()
    kernel.run_ok("1")  # jupyter_client numbers a manager's and a client's first message alike
    cell = kernel.execute("while True: print('x' * 1000)")
    cell.wait_for_stdout("x")
    kernel.interrupt()
    outcome = cell.finish()
    assert outcome.error["ename"] == "KeyboardInterrupt"
    assert kernel.value("1 + 1") == "2"


# --- a client that stops -------------------------------------------------------------------------


STOPPED = """
import sys, zmq
context = zmq.Context()
socket = context.socket(zmq.SUB)
socket.rcvhwm = 1
socket.subscribe(b"")
socket.connect(sys.argv[1])
socket.recv_multipart()
print("subscribed", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def stopped_client():
    """Subscribes to a kernel's iopub in a process of its own that is then stopped dead."""
    processes = []

    def stop(kernel: Frontend) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-c", STOPPED, address(kernel.client.get_connection_info(), "iopub")],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        # Not every kernel welcomes a second subscriber: speak until it hears.
        while not select.select([process.stdout], [], [], 0.02)[0]:
            kernel.run_ok("0")
        assert process.stdout.readline() == "subscribed\n"
        os.kill(process.pid, signal.SIGSTOP)
        return process

    yield stop
    for process in processes:
        os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait()


def iopub_peers(kernel: Frontend) -> list:
    port = kernel.client.get_connection_info()["iopub_port"]
    return [c for c in kernel.process.net_connections("tcp") if c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED]


def round_trips(kernel: Frontend, count: int) -> list[float]:
    """Seconds from a request to its output at the client, `count` times."""
    times = []
    for i in range(count):
        began = time.monotonic()
        cell = kernel.execute(f"print({i})", store_history=False)
        cell.wait_for_stdout(f"{i}\n")
        times.append(time.monotonic() - began)
        cell.finish()
    return times


def test_a_stopped_client_delays_no_other(start, stopped_client) -> None:
    kernel = roomy(start)
    calm = statistics.median(round_trips(kernel, 50))
    stopped_client(kernel)
    receive_lines(kernel, kernel.execute(write(30)), 30)
    times = round_trips(kernel, 100)
    assert statistics.median(times) - calm < 0.05
    assert max(times) < 1, f"{max(times):.3f} s"


@pytest.mark.sandbox  # libzmq, under ipykernel, drops messages instead and keeps the client
def test_a_stopped_client_is_cut_off_when_its_bound_is_full(start, stopped_client) -> None:
    kernel = roomy(start)
    receive_lines(kernel, kernel.execute(write(1)), 1)
    alone = len(iopub_peers(kernel))
    stopped_client(kernel)
    assert len(iopub_peers(kernel)) == alone + 1
    before = Footprint.of(kernel.pid).private_bytes
    highest = receive_lines(kernel, kernel.execute(write(150)), 150)
    assert len(iopub_peers(kernel)) == alone
    assert highest - before < 64 * MIB, f"{(highest - before) / MIB:.1f} MiB more"
    assert kernel.value("1 + 1") == "2"


@pytest.mark.sandbox
def test_the_guest_waits_for_a_slow_client_and_nothing_is_lost(start) -> None:
    kernel = roomy(start)
    cell = kernel.execute(write(60))
    # This client looks at nothing until control has answered a hundred times.
    for _ in range(100):
        kernel.request("kernel_info_request", channel="control").reply()
    highest = receive_lines(kernel, cell, 60)
    assert highest < Footprint.of(kernel.pid).private_bytes + 64 * MIB
