"""Reads the records of a stored session, as far as the tests and benches need to know what is in the store. Not the program's own code,
so that what is found out by it does not depend on that: only the format is the same (`src/store/record`)."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

MAGIC = b"CBLKREC\x01"
LINE = 40
HASH = 32


@dataclass(frozen=True)
class Record:
    """One record of a log."""

    path: Path
    header: dict[str, Any]
    blocks: list[bytes]

    @property
    def state(self) -> dict[str, Any] | None:
        """The state in it, if it has one."""
        kind = self.header["kind"]
        return (kind.get("commit") or kind.get("snapshot")) if isinstance(kind, dict) else None

    def pages(self) -> bytes:
        """The contents of its pages; the first block says which they are."""
        return b"".join(zstandard.ZstdDecompressor().decompress(block, max_output_size=1 << 20) for block in self.blocks[1:])


def read(path: Path) -> Record:
    data = path.read_bytes()
    packed, raw, count = struct.unpack_from("<3I", data, len(MAGIC))
    assert data.startswith(MAGIC), path
    at = len(MAGIC) + 12
    header = json.loads(zstandard.ZstdDecompressor().decompress(data[at:at + packed], max_output_size=raw))
    at += packed
    sizes = [struct.unpack_from("<I", data, at + LINE * index)[0] for index in range(count)]
    at += LINE * count + HASH
    blocks = []
    for size in sizes:
        blocks.append(data[at:at + size])
        at += size
    assert at == len(data), path
    return Record(path, header, blocks)


def records(session: Path) -> list[Record]:
    """All records that are there, oldest first."""
    return [read(path) for path in sorted((session / "log").glob("*.rec"))]


def to_resume(session: Path) -> dict[str, Any] | None:
    """The cell after which the next kernel goes on: that of the current state, or of the run before if nothing was run since."""
    newest: list[Path] = sorted((session / "log").glob("*.rec"))
    timeline = read(newest[-1]).header["timeline"]
    step = timeline["steps"][timeline["position"]]
    state = step["state"] if isinstance(step, dict) and "state" in step else timeline["previous"]
    if state is None:
        return None
    # A state that was written again, whole, is in a record with a higher number.
    for path in reversed(newest):
        found = read(path).state
        if found and found["id"] == state:
            return found["cell"]
    raise AssertionError(f"the state {state} is in no record of {session}")


def seal(path: Path, changes: dict[str, Any]) -> None:
    """Changes keys of a `session.json`, checksum and all: as a program of another version would have written it."""
    value = {**json.loads(path.read_text()), **changes}
    del value["sha256"]
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).removesuffix("}")
    path.write_text(f'{body},"sha256":"{hashlib.sha256(body.encode()).hexdigest()}"}}\n')


def rewrite(session: Path, changes: dict[str, Any]) -> None:
    """Changes keys of the headers of all records, checksums, hashes of those before and all."""
    hashes: dict[int, str] = {}
    for record in records(session):
        seq = record.header["seq"]
        header = {**record.header, **changes, "prev": hashes.get(seq - 1, record.header["prev"])}
        if header["live"] is not None:
            header["live"] = [[number, hashes[number]] for number, _ in header["live"]]
        data = record.path.read_bytes()
        packed, _, count = struct.unpack_from("<3I", data, len(MAGIC))
        table = len(MAGIC) + 12 + packed
        raw = json.dumps(header).encode()
        short = zstandard.ZstdCompressor(level=1).compress(raw)
        head = MAGIC + struct.pack("<3I", len(short), len(raw), count) + short + data[table:table + LINE * count]
        hashes[seq] = hashlib.sha256(head).hexdigest()
        record.path.write_bytes(head + bytes.fromhex(hashes[seq]) + data[table + LINE * count + HASH:])
