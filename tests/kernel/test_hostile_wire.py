"""What a broken or hostile client may send: logged, nothing dies."""

from __future__ import annotations

import json
import socket as sockets

import pytest

from frontend import DEADLINE, SANDBOXED, Frontend, RawClient, raw_client

CHANNELS = ("shell", "control")


@pytest.fixture(params=CHANNELS)
def client(kernel: Frontend, request):
    with raw_client(kernel.client.get_connection_info(), request.param) as client:
        yield client


def execute_frames(client: RawClient, code: str) -> list[bytes]:
    return client.frames("execute_request", {"code": code, "silent": False, "store_history": False,
                                             "user_expressions": {}, "allow_stdin": False, "stop_on_error": False})


@pytest.mark.parametrize("signature", [b"", b"0" * 64, b"zz", b"\xff" * 64, b"A" * 100_000], ids=["empty", "zeros", "short", "binary", "long"])
def test_a_wrong_signature_is_ignored(kernel: Frontend, client: RawClient, signature: bytes) -> None:
    kernel.run_ok("touched = False")
    frames = execute_frames(client, "touched = True")
    frames[1] = signature
    client.send(frames)
    client.kernel_info()
    assert kernel.value("touched") == "False"


def test_a_changed_message_is_ignored(kernel: Frontend, client: RawClient) -> None:
    kernel.run_ok("touched = 0")
    for frame in (2, 3, 4, 5):
        frames = execute_frames(client, "touched = 1")
        frames[frame] = frames[frame].replace(b"}", b" }")
        client.send(frames)
    client.kernel_info()
    assert kernel.value("touched") == "0"


def test_a_replayed_message_is_ignored(kernel: Frontend) -> None:
    kernel.run_ok("times = 0")
    with raw_client(kernel.client.get_connection_info()) as client:
        frames = execute_frames(client, "times += 1")
        for _ in range(5):
            client.send(frames)
        client.kernel_info()
    assert kernel.value("times") == "1"


MALFORMED = {
    "nothing": [b""],
    "only the delimiter": [b"<IDS|MSG>"],
    "no delimiter": [b"a", b"b", b"c", b"d", b"e", b"f"],
    "too few frames": [b"<IDS|MSG>", b"sig", b"{}"],
    "delimiter last": [b"x", b"<IDS|MSG>"],
    "two delimiters": [b"<IDS|MSG>", b"<IDS|MSG>", b"sig", b"{}", b"{}", b"{}", b"{}"],
    "many frames": [b"x"] * 2000,
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_frames_are_ignored(kernel: Frontend, client: RawClient, kind: str) -> None:
    client.send(MALFORMED[kind])
    if kind != "many frames":  # such a client may be cut off
        client.kernel_info()
    for channel in CHANNELS:
        with raw_client(kernel.client.get_connection_info(), channel) as other:
            other.kernel_info()


DICTS = {
    "not JSON": [b"{", b"{}", b"{}", b"{}"],
    "not UTF-8": [b"\xff\xfe", b"{}", b"{}", b"{}"],
    "header is a list": [b"[]", b"{}", b"{}", b"{}"],
    "header is null": [b"null", b"{}", b"{}", b"{}"],
    "empty header": [b"{}", b"{}", b"{}", b"{}"],
    "header of wrong types": [b'{"msg_id": 5, "msg_type": ["x"], "session": null}', b"{}", b"{}", b"{}"],
    "content is a number": [b'{"msg_id": "m1", "msg_type": "execute_request"}', b"{}", b"{}", b"7"],
    "content of wrong types": [b'{"msg_id": "m2", "msg_type": "execute_request"}', b"{}", b"{}",
                               b'{"code": 5, "silent": "x", "user_expressions": []}'],
    "metadata is a string": [b'{"msg_id": "m3", "msg_type": "complete_request"}', b"{}", b'"m"', b"{}"],
    "deep nesting": [b'{"msg_id": "m4", "msg_type": "kernel_info_request"}', b"{}", b"{}", b"[" * 100_000 + b"]" * 100_000],
    "empty dict frames": [b"", b"", b"", b""],
}


@pytest.mark.parametrize("kind", DICTS)
def test_malformed_but_signed_messages_are_survived(kernel: Frontend, kind: str) -> None:
    with raw_client(kernel.client.get_connection_info()) as client:
        dicts = DICTS[kind]
        client.send([client.DELIMITER, client.sign(dicts), *dicts])
        client.kernel_info()
    assert kernel.value("1 + 1") == "2"


def test_huge_frames_are_survived(kernel: Frontend) -> None:
    with raw_client(kernel.client.get_connection_info()) as client:
        client.send([b"<IDS|MSG>", b"bad", *[b"x" * 40_000_000] * 4])
    with raw_client(kernel.client.get_connection_info()) as client:
        client.kernel_info()


def test_a_huge_valid_message_is_answered(kernel: Frontend) -> None:
    outcome = kernel.run("text = '" + "x" * 5_000_000 + "'\nlen(text)", store_history=False)
    assert outcome.result == {"text/plain": "5000000"}


def test_bytes_that_are_no_zmtp_are_survived(kernel: Frontend) -> None:
    info = kernel.client.get_connection_info()
    for channel in ("shell", "control", "stdin", "iopub", "hb"):
        for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 5000, b"\xff\0\0\0\0\0\0\0\x01\x7f" + b"\0" * 3, b""):
            with sockets.create_connection((info["ip"], info[f"{channel}_port"]), timeout=DEADLINE) as peer:
                peer.sendall(junk)
    outcome = kernel.run_ok("print('alive')\n1 + 1")
    assert outcome.stdout == "alive\n"
    with raw_client(info, "control") as client:
        client.kernel_info()


def test_a_client_that_vanishes_before_its_reply_harms_nobody(kernel: Frontend) -> None:
    info = kernel.client.get_connection_info()
    for _ in range(20):
        with raw_client(info) as client:
            client.send(execute_frames(client, "vanished = 1"))
    assert kernel.run_ok("print('alive')").stdout == "alive\n"


def test_the_signing_key_is_not_in_the_guest(kernel: Frontend) -> None:
    if not SANDBOXED:
        pytest.skip("ipykernel's cells run in the process that holds the key")
    key = kernel.client.session.key.decode()
    half = len(key) // 2
    kernel.run_ok(f"halves = ({key[:half]!r}, {key[half:]!r})", store_history=False)
    outcome = kernel.run_ok("import gc, os\nwanted = ''.join(halves)\n"
                            "[type(o) for o in gc.get_objects() if isinstance(o, dict) and wanted in map(str, list(o.values())[:50])"
                            " and o is not globals()] , any(wanted in str(v) for v in os.environ.values())")
    assert outcome.result["text/plain"].endswith("False)")


def test_replies_go_to_the_client_that_asked(kernel: Frontend) -> None:
    info = kernel.client.get_connection_info()
    clients = [RawClient(info) for _ in range(5)]
    try:
        sent = {}
        for client in clients:
            frames = client.frames("kernel_info_request", {})
            sent[client] = json.loads(frames[2])["msg_id"]
            client.send(frames)
        for client in clients:
            assert client.receive()["parent_header"]["msg_id"] == sent[client]
            assert not client.socket.poll(0)
    finally:
        for client in clients:
            client.close()
