"""What a message, a flood or a peer that does nothing costs the kernel's process: bytes, while it lasts and after."""

from __future__ import annotations

import contextlib
import resource
from typing import Iterator

import pytest

from frontend import Footprint, Frontend, raw_client
from raw_peer import PING, RawPeer, frame, subscription
from resident import MIB, Resident

pytestmark = pytest.mark.sandbox

# Frames that are made by hand, as hostile code would.
SENDING = """
import struct, _host
def send(text):
    return _host.call(struct.pack("<I", len(text)) + text + bytes(4))
def fill(piece, size):
    return b'{"op":"display","data":[' + piece * (size // len(piece)) + b'0]}'
"""
PIECES = ["[],", "[0],", "{},", '{"":0},', '"a",', "0,", "[[[[[]]]]],", '{"a":{"b":[]}},']


@contextlib.contextmanager
def peers(kernel: Frontend, channel: str, count: int, **options) -> Iterator[list[RawPeer]]:
    info = kernel.client.get_connection_info()
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(RawPeer(info, channel, **options)) for _ in range(count)]


def assert_serves(kernel: Frontend, times: int = 1) -> None:
    """Whoever was there goes on, and who comes anew is served."""
    for _ in range(times):
        assert kernel.value("'x' * 400_000 == '" + "x" * 400_000 + "'") == "True"
    for channel in ("shell", "control"):
        with raw_client(kernel.client.get_connection_info(), channel) as client:
            client.kernel_info()


@pytest.mark.parametrize("piece", PIECES)
def test_a_message_of_much_structure_costs_little(kernel: Frontend, piece: str) -> None:
    kernel.run_ok(SENDING)
    fill = f"text = fill({piece.encode()!r}, 16 << 20)"
    kernel.run_ok(fill)
    resident = Resident(kernel)
    outcome = kernel.run_ok(f"answer = send(text)\nprint(answer)\ndel text")
    assert "message_max_bytes" in outcome.stdout
    assert resident.peak < 224 * MIB
    resident.assert_given_back()
    assert kernel.value("1 + 1") == "2"


def test_what_is_refused_is_counted_and_the_guest_pays_for_it(kernel: Frontend) -> None:
    kernel.run_ok(SENDING + "text = fill(b'[0],', 8 << 20)")
    one = kernel.run_ok("send(text);").usage["fuel_consumed"]
    three = kernel.run_ok("send(text); send(text); send(text);").usage["fuel_consumed"]
    assert three - one > 2 * (8 << 20)
    kernel.run_ok("del text")


def test_honest_large_displays_pass(start) -> None:
    kernel = start()
    kernel.run_ok("from IPython.display import display\nimport json")
    for name, code in {
        "a picture": "{'image/png': 'iVBORw0KGgo' * 1_000_000}",
        "numbers": "{'application/vnd.plotly.v1+json': {'data': [{'type': 'scatter', 'x': [i / 7 for i in range(200_000)]}], 'layout': {}}}",
        "a table": "{'text/html': '<table>' + ''.join(f'<tr><td>{i}</td><td>\"x\"</td></tr>' for i in range(30_000)) + '</table>'}",
    }.items():
        outcome = kernel.run_ok(f"data = {code}\ndisplay(data, raw=True)\nlen(json.dumps(data))")
        assert len(outcome.displays) == 1 and "cellblock" not in str(outcome.displays)[:200], name
    numbers = kernel.run_ok("display({'application/json': [31.245270191439438, 1e-7, 12345678901234567890, -0.0]}, raw=True)").displays
    assert numbers == [{"application/json": [31.245270191439438, 1e-7, 12345678901234567890, -0.0]}]


def test_many_large_displays_are_given_back(start) -> None:
    kernel = start(policy={"display_max_bytes": 2_000_000_000})
    kernel.run_ok("from IPython.display import display\npicture = {'image/png': 'iVBORw0KGg' * 1_000_000}")
    kernel.run_ok("display(picture, raw=True)")
    resident = Resident(kernel)
    outcome = kernel.run_ok("for _ in range(40): display(picture, raw=True)")
    assert len(outcome.displays) == 40
    assert resident.peak < 160 * MIB
    resident.assert_given_back()


def test_much_text_is_given_back(start) -> None:
    kernel = start(policy={"stdout_max_bytes": 200_000_000})
    kernel.run_ok("line = 'x' * 999 + '\\n'\nprint(line, end='')")
    resident = Resident(kernel)
    assert len(kernel.run_ok("for _ in range(100_000): print(line, end='')").stdout) == 100_000_000
    assert resident.peak < 100 * MIB
    resident.assert_given_back()


def test_one_large_write_is_given_back(start) -> None:
    kernel = start()
    kernel.run_ok("text = 'x' * 30_000_000\nprint(text[:10])")
    assert len(kernel.run_ok("import sys\nsys.stdout.write(text);").stdout) == 30_000_000
    resident = Resident(kernel)
    assert len(kernel.run_ok("sys.stdout.write(text);").stdout) == 30_000_000
    # What the guest and the host copy of it at once is there, but not once more for each station on the way.
    assert resident.peak < 256 * MIB
    resident.assert_given_back()


@pytest.mark.parametrize("channel", ["shell", "control", "stdin", "iopub", "hb"])
def test_commands_whose_answers_nobody_reads(kernel: Frontend, channel: str) -> None:
    assert_serves(kernel)
    resident = Resident(kernel)
    subscribing = b"".join(subscription(b"topic%d" % n) + subscription(b"topic%d" % n, cancel=True) for n in range(1000))
    floods = [PING * 4000, *([subscribing] if channel == "iopub" else []), *([frame(b"beat") * 4000] if channel == "hb" else [])]
    for flood in floods:
        with peers(kernel, channel, 4) as flooding:
            for peer in flooding:
                peer.push(flood, 64 * MIB)
            assert_serves(kernel)
    assert resident.peak < 100 * MIB
    resident.assert_given_back()


def test_subscriptions_are_bounded(kernel: Frontend) -> None:
    assert_serves(kernel)
    resident = Resident(kernel)
    with peers(kernel, "iopub", 50) as subscribing:
        for peer in subscribing:
            peer.push(b"".join(subscription(b"%08d" % n + b"x" * 1000) for n in range(2000)), 2_100_000)
        assert_serves(kernel)
        assert resident.growth < 64 * MIB
    resident.assert_given_back()


@pytest.mark.parametrize("count", [4, 16, 100])
def test_large_messages_that_never_come_are_in_nobodys_way(kernel: Frontend, count: int) -> None:
    assert_serves(kernel)
    resident = Resident(kernel)
    with peers(kernel, "shell", count, identity=b"stalls") as _, peers(kernel, "shell", count) as stalling:
        for peer in stalling:
            peer.push(frame(b"x" * (4 * MIB), announced=100 * MIB), 1)
        assert_serves(kernel, times=3)
        assert resident.peak < 400 * MIB
    resident.assert_given_back()


def test_connections_that_do_nothing_shut_nobody_out(kernel: Frontend) -> None:
    assert_serves(kernel)
    resident = Resident(kernel)
    with contextlib.ExitStack() as stack:
        for channel in ("shell", "control", "stdin", "iopub", "hb"):
            for shake in (True, False):
                stack.enter_context(peers(kernel, channel, 300, shake=shake))
            if channel == "iopub":
                for peer in stack.enter_context(peers(kernel, channel, 600)):
                    peer.socket.sendall(subscription(b""))
        assert_serves(kernel)
        newcomer = kernel.manager.client()
        newcomer.start_channels()
        try:
            newcomer.wait_for_ready(timeout=120)
            newcomer.execute_interactive("1 + 1", timeout=120, output_hook=lambda message: None)
        finally:
            newcomer.stop_channels()
    resident.assert_given_back()


def test_a_process_without_descriptors_lets_a_client_in(start) -> None:
    kernel = start()
    assert_serves(kernel)
    _, hard = resource.prlimit(kernel.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(kernel.pid, resource.RLIMIT_NOFILE, (Footprint.of(kernel.pid).descriptors + 30, hard))
    with peers(kernel, "shell", 100, shake=False):
        assert_serves(kernel)


def test_unsigned_messages_end_a_connection_at_last(kernel: Frontend) -> None:
    assert_serves(kernel)
    resident = Resident(kernel)
    forged = b"".join(frame(part, more=True) for part in (b"<IDS|MSG>", b"0" * 64, b"{}", b"{}", b"{}")) + frame(b"{" + b" " * 2000 + b"}")
    with peers(kernel, "shell", 2) as forging:
        for peer in forging:
            assert peer.push(forged, 256 * MIB) < 256 * MIB
    assert_serves(kernel)
    resident.assert_given_back()
