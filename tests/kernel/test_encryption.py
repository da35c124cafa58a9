"""Connections that are encrypted: CurveZMQ, with the keys that Jupyter puts into the connection file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import zmq
from frontend import DEADLINE, SANDBOXED, Frontend, address
from launch import connection, kernel_command, wait_for_ports
from raw_peer import RawPeer
from zmq.utils.monitor import parse_monitor_message

NULL_GREETING = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01NULL" + b"\0" * 48


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("encryption", ["required", "auto"])
def test_everything_works_encrypted(start, transport: str, encryption: str) -> None:
    kernel: Frontend = start(transport=transport, encryption=encryption)
    info = json.loads(Path(kernel.manager.connection_file).read_text())
    assert info["curve_publickey"] and info["curve_secretkey"]
    assert kernel.run_ok("print('hidden')\n1 + 1").result == {"text/plain": "2"}
    # Frames with lengths of one byte and of eight, in both directions, small ones and large.
    for size in (0, 1, 200, 255, 256, 5_000, 70_000, 3_000_000):
        assert len(kernel.run_ok(f"text = '{'x' * size}'; print(text)").stdout) == size + 1
    request = kernel.execute("input('name? ')", allow_stdin=True)
    assert kernel.receive_input_request()["prompt"] == "name? "
    kernel.answer("Ada")
    assert request.finish().result == {"text/plain": "'Ada'"}
    request = kernel.execute("print('begun')\nwhile True: pass")
    request.wait_for_stdout("begun\n")
    kernel.interrupt()
    assert request.finish().error["ename"] == "KeyboardInterrupt"
    assert kernel.value("len(text)") == "3000000", "nothing was lost"
    kernel.restart()
    assert kernel.run("text").error["ename"] == "NameError"
    kernel.request("shutdown_request", {"restart": False}, channel="control").receive_reply()
    kernel.wait_exit()


def test_without_keys_nothing_is_encrypted(start) -> None:
    kernel: Frontend = start(encryption="disabled")
    assert "curve_publickey" not in json.loads(Path(kernel.manager.connection_file).read_text())
    assert kernel.value("1 + 1") == "2"


@pytest.fixture
def encrypted(tmp_path: Path) -> Any:
    """What a kernel's connection file says that has keys."""
    public, secret = zmq.curve_keypair()
    path = tmp_path / "kernel.json"
    path.write_text(json.dumps(connection(key="abc", curve_publickey=public.decode(), curve_secretkey=secret.decode())))
    process = subprocess.Popen(kernel_command(path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield wait_for_ports(path, process)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("channel", ["shell", "iopub", "stdin", "control", "hb"])
def test_who_does_not_encrypt_is_turned_away(encrypted: dict[str, Any], channel: str) -> None:
    peer = RawPeer(encrypted, channel, shake=False)
    peer.socket.sendall(NULL_GREETING)
    got = b""
    while part := peer.socket.recv(1 << 16):
        got += part
    # Its greeting, which says what it wants, and not a byte more.
    assert len(got) == 64 and got[12:32].rstrip(b"\0") == b"CURVE", got
    peer.socket.close()


@pytest.mark.parametrize("channel", ["shell", "iopub", "stdin", "control", "hb"])
def test_who_has_another_servers_key_is_turned_away_and_who_has_the_right_one_is_not(encrypted: dict[str, Any], channel: str) -> None:
    kind = {"iopub": zmq.SUB, "hb": zmq.REQ}.get(channel, zmq.DEALER)
    another, _ = zmq.curve_keypair()
    for server, expected in ((another, False), (encrypted["curve_publickey"].encode(), True)):
        with zmq.Context() as context, context.socket(kind) as socket:
            socket.linger = 0
            socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
            socket.curve_serverkey = server
            monitor = socket.get_monitor_socket()
            socket.connect(address(encrypted, channel))
            ends = {zmq.EVENT_HANDSHAKE_SUCCEEDED: True, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: False,
                    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: False, zmq.EVENT_DISCONNECTED: False}
            outcome = None
            while outcome is None:
                assert monitor.poll(DEADLINE * 1000), "the handshake has no end"
                outcome = ends.get(parse_monitor_message(monitor.recv_multipart())["event"])
            assert outcome == expected
            socket.disable_monitor()


def test_a_key_of_the_clients_own_will_do(encrypted: dict[str, Any]) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as beat:
        beat.linger = 0
        beat.curve_publickey, beat.curve_secretkey = zmq.curve_keypair()
        beat.curve_serverkey = encrypted["curve_publickey"].encode()
        beat.connect(address(encrypted, "hb"))
        beat.send(b"ping")
        assert beat.poll(DEADLINE * 1000) and beat.recv() == b"ping"


@pytest.mark.skipif(not SANDBOXED, reason="what ipykernel says is its own")
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"curve_publickey": "x" * 40, "curve_secretkey": "short"}, "curve_secretkey is not a key"),
        ({"curve_publickey": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"}, "both"),
        ({"curve_publickey": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "curve_secretkey": "0" * 40}, "not the public key"),
    ],
)
def test_keys_that_cannot_be_used_end_the_start_with_a_word(tmp_path: Path, keys: dict[str, str], said: str) -> None:
    path = tmp_path / "kernel.json"
    path.write_text(json.dumps(connection(key="abc", **keys)))
    ended = subprocess.run(kernel_command(path), capture_output=True, text=True, timeout=DEADLINE)
    assert ended.returncode != 0 and said in ended.stderr, ended.stderr
    for key in keys.values():
        assert key not in ended.stderr
