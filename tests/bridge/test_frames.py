"""The door's codec against the fake host's own, and against damage."""

from __future__ import annotations

import datetime
import random
import struct
import sys

import pytest
from fake_host import decode as host_decode
from fake_host import encode as host_encode
from guests import BRIDGE

sys.path.insert(0, str(BRIDGE / "cellblock_bridge"))
import frames  # noqa: E402  # on its own: the package would bring IPython up


def _random_value(rng: random.Random, depth: int = 0) -> object:
    kind = rng.randrange(8 if depth < 4 else 5)
    if kind == 0:
        return rng.randrange(-(2**60), 2**60)
    if kind == 1:
        return rng.random()
    if kind == 2:
        return "".join(chr(rng.choice([65, 0, 10, 0xE9, 0x1F600, 0x2028])) for _ in range(5))
    if kind in (3, 4):
        return rng.choice([None, True, False])
    if kind == 5:
        return [_random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {str(n): _random_value(rng, depth + 1) for n in range(rng.randrange(4))}


@pytest.mark.parametrize("seed", range(200))
def test_what_one_side_encodes_the_other_decodes(seed: int) -> None:
    rng = random.Random(seed)
    message = {"value": _random_value(rng)}
    buffers = [rng.randbytes(rng.randrange(40)) for _ in range(rng.randrange(4))]
    assert host_decode(frames.encode(message, buffers)) == (message, buffers)
    assert frames.decode(host_encode(message, buffers)) == (message, buffers)


@pytest.mark.parametrize("seed", range(300))
def test_damaged_frames_raise_frame_errors_only(seed: int) -> None:
    rng = random.Random(seed)
    frame = bytearray(frames.encode({"a": [1, "x"], "b": {"c": None}}, [b"123", b""]))
    for _ in range(rng.randrange(1, 5)):
        frame[rng.randrange(len(frame))] = rng.randrange(256)
    if rng.random() < 0.5:
        del frame[rng.randrange(len(frame)) :]
    try:
        message, _ = frames.decode(bytes(frame))
    except frames.FrameError:
        return
    assert isinstance(message, dict)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x02\0\0\0{}",
        b"\x02\0\0\0[]\0\0\0\0",
        b"\x02\0\0\0{}\0\0\0\0x",
        b"\x02\0\0\0{}\xff\xff\xff\xff",
        b"\xff\xff\xff\xff{}",
        struct.pack("<I", 200_000) + b"[" * 200_000 + b"\0\0\0\0",
    ],
)
def test_no_whole_frame(frame: bytes) -> None:
    with pytest.raises(frames.FrameError):
        frames.decode(frame)


def test_values_without_a_json_form_are_sent_as_clients_expect_them() -> None:
    class Count(int):
        pass

    message = {
        "bytes": b"\x89PNG",
        "date": datetime.date(2024, 1, 2),
        "set": {1},
        "nan": float("nan"),
        "inf": [float("-inf")],
        "count": Count(3),
        "iterator": iter([1, 2]),
    }
    assert host_decode(frames.encode(message))[0] == {
        "bytes": "iVBORw==",
        "date": "2024-01-02",
        "set": [1],
        "nan": "nan",
        "inf": ["-inf"],
        "count": 3,
        "iterator": [1, 2],
    }


def test_lone_surrogates_do_not_break_the_frame() -> None:
    assert host_decode(frames.encode({"a": "x\ud800y"}))[0] == {"a": "x?y"}


def test_what_cannot_be_sent_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="object"):
        frames.encode({"a": object()})


def test_a_value_that_contains_itself_is_an_error() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ValueError):
        frames.encode({"a": loop})


def test_buffers_of_any_kind_and_shape() -> None:
    strided = memoryview(b"abcdef")[::2]
    sent = [
        bytearray(b"1"),
        memoryview(b""),
        strided,
        memoryview(struct.pack("<2i", 1, 2)).cast("i"),
    ]
    assert host_decode(frames.encode({}, sent))[1] == [b"1", b"", b"ace", struct.pack("<2i", 1, 2)]
