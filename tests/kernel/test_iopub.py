"""The iopub channel: its welcome, its order, several subscribers."""

from __future__ import annotations

import contextlib
import json
from typing import Iterator

import pytest

from frontend import SANDBOXED, Frontend, RawClient, raw_client


@contextlib.contextmanager
def second_subscriber(kernel: Frontend) -> Iterator[RawClient]:
    """Another subscriber, once its subscription is known to be live."""
    with raw_client(kernel.client.get_connection_info(), "iopub") as other:
        if SANDBOXED:
            while other.receive()["msg_type"] != "iopub_welcome":
                pass
        else:  # ipykernel welcomes its first subscriber only: speak until this one hears
            while not other.socket.poll(50):
                kernel.request("kernel_info_request").finish()
        yield other


@pytest.mark.sandbox  # ipykernel welcomes its first subscriber only
def test_every_subscriber_is_welcomed(kernel: Frontend) -> None:
    info = kernel.client.get_connection_info()
    with raw_client(info, "iopub") as second:
        welcome = second.receive()
        assert welcome["msg_type"] == "iopub_welcome"
        assert welcome["content"] == {"subscription": ""}
        assert welcome["parent_header"] == {}
        with raw_client(info, "iopub") as third:
            assert third.receive()["msg_type"] == "iopub_welcome"


def test_every_subscriber_sees_the_same_output(kernel: Frontend) -> None:
    with second_subscriber(kernel) as other:
        cell = kernel.execute("print('for all')\n42")
        mine = [(m["msg_type"], m["content"]) for m in cell.finish().messages]
        theirs = []
        while not theirs or theirs[-1][1].get("execution_state") != "idle":
            msg = other.receive()
            if msg["parent_header"].get("msg_id") == cell.msg_id:
                theirs.append((msg["msg_type"], msg["content"]))
        assert theirs == mine


def test_a_subscriber_that_vanishes_harms_nobody(kernel: Frontend) -> None:
    for _ in range(20):
        with second_subscriber(kernel):
            kernel.execute("print('to nobody' * 1000)")
    assert kernel.run_ok("print('still here')").stdout == "still here\n"


def test_every_message_is_signed_and_complete(kernel: Frontend) -> None:
    with second_subscriber(kernel) as other:
        kernel.run_ok("print('x')\ndisplay(1)\n2")
        seen = set()
        while "execute_result" not in seen:
            msg = other.receive()  # checks the signature
            seen.add(msg["msg_type"])
            assert set(msg["header"]) >= {"msg_id", "session", "username", "date", "msg_type", "version"}
            assert len(msg["topic"]) == 1
            json.dumps(msg["content"])


def test_message_ids_are_unique(kernel: Frontend) -> None:
    outcome = kernel.run_ok("for i in range(50): display(i)")
    ids = [m["header"]["msg_id"] for m in outcome.messages] + [outcome.reply["header"]["msg_id"]]
    assert len(set(ids)) == len(ids)
