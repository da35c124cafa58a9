"""What a notebook may hold when its kernel dies: for each thing a cell before, and a cell after that goes on with it and checks it.

The cells run in the guest. `before` and `after` of all pieces run in one session, so each has names of its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    name: str
    before: str
    after: str


PIECES = [
    Piece("numpy", """
import numpy as np
matrix = np.arange(12.0).reshape(3, 4)
view = matrix[1]
""", """
view[0] = 100
assert matrix[1, 0] == 100 and matrix.sum() == 162, matrix
"""),
    Piece("pandas", """
import pandas as pd
frame = pd.DataFrame({"city": ["Bern", "Wien", "Bern"], "n": [1, 2, 3]}, index=pd.date_range("2026-01-01", periods=3))
groups = frame.groupby("city")
""", """
assert groups["n"].sum().to_dict() == {"Bern": 4, "Wien": 2}
frame.loc[pd.Timestamp("2026-01-04")] = ["Graz", 4]
assert frame["n"].cumsum().tolist() == [1, 3, 6, 10] and str(frame.index.dtype).startswith("datetime64")
"""),
    Piece("class", """
class Account:
    opened = 0
    def __init__(self, owner):
        self.owner, self.balance = owner, 0
        type(self).opened += 1
    def deposit(self, amount):
        self.balance += amount
        return self.balance
account = Account("Ada")
account.deposit(10)
""", """
assert account.deposit(5) == 15 and type(account) is Account
assert Account("Bob").owner == "Bob" and Account.opened == 2
"""),
    Piece("closure", """
def make_counter():
    count = 0
    def counter():
        nonlocal count
        count += 1
        return count
    return counter
counter = make_counter()
counter(), counter()
""", "assert counter() == 3"),
    Piece("half-run generator", """
def squares():
    try:
        for n in range(6):
            yield n * n
    finally:
        left.append("closed")
left = []
generator = squares()
next(generator), next(generator)
""", """
assert list(generator) == [4, 9, 16, 25] and left == ["closed"]
"""),
    Piece("half-run async generator", """
import asyncio
async def words():
    for word in ("one", "two", "three"):
        await asyncio.sleep(0)
        yield word
async_generator = words()
first_word = await anext(async_generator)
""", """
assert first_word == "one" and [word async for word in async_generator] == ["two", "three"]
"""),
    Piece("file, read to the middle", """
with open("/app/lines.txt", "w") as file:
    file.writelines(f"line {n}\\n" for n in range(5000))
reader = open("/app/lines.txt")
read_so_far = [reader.readline() for _ in range(700)]
binary_reader = open("/app/lines.txt", "rb", buffering=0)
binary_reader.seek(20)
""", """
assert reader.readline() == "line 700\\n"
assert reader.read().splitlines()[-1] == "line 4999"
assert binary_reader.tell() == 20 and binary_reader.read(4) == open("/app/lines.txt", "rb").read()[20:24]
reader.close(), binary_reader.close()
"""),
    Piece("file, half written", """
import os
os.makedirs("/app/out/deep", exist_ok=True)
writer = open("/app/out/deep/half.txt", "w")
writer.write("flushed\\n")
writer.flush()
writer.write("in the buffer\\n")
appender = open("/app/out/log.txt", "a")
print("first", file=appender, flush=True)
""", """
writer.write("after\\n")
writer.close()
assert open("/app/out/deep/half.txt").read() == "flushed\\nin the buffer\\nafter\\n"
print("second", file=appender, flush=True)
assert open("/app/out/log.txt").read() == "first\\nsecond\\n"
"""),
    Piece("file that has no name any more", """
nameless = open("/app/nameless.txt", "w+")
nameless.write("mine")
nameless.flush()
os.remove("/app/nameless.txt")
with open("/app/nameless.txt", "w") as file:
    file.write("somebody else's")
""", """
try:
    nameless.seek(0)
    text = nameless.read()
except OSError:
    text = None
assert text in (None, "mine"), text
assert open("/app/nameless.txt").read() == "somebody else's"
"""),
    Piece("sqlite cursor", """
import sqlite3
base = sqlite3.connect("/app/data.db")
with base:
    base.execute("create table t (n integer primary key, word text)")
    base.executemany("insert into t values (?, ?)", [(n, "w" * (n % 50)) for n in range(5000)])
cursor = base.execute("select n, word from t order by n")
fetched = [cursor.fetchone()[0] for _ in range(1234)]
""", """
assert cursor.fetchone() == (1234, "w" * (1234 % 50))
assert len(cursor.fetchall()) == 5000 - 1235
with base:
    base.execute("insert into t values (5000, 'new')")
assert base.execute("pragma integrity_check").fetchone() == ("ok",)
assert sqlite3.connect("/app/data.db").execute("select count(*) from t").fetchone() == (5001,)
"""),
    Piece("sqlite transaction, then committed", """
pending = sqlite3.connect("/app/pending.db")
with pending:
    pending.execute("create table t (n integer, filler text)")
# More than sqlite's cache holds, so that a part of it is in the file already, and a journal beside it.
pending.executemany("insert into t values (?, ?)", ((n, "x" * 400) for n in range(8000)))
assert pending.in_transaction and os.path.exists("/app/pending.db-journal")
""", """
assert pending.in_transaction
pending.execute("insert into t values (8000, 'last')")
pending.commit()
assert not os.path.exists("/app/pending.db-journal")
other = sqlite3.connect("/app/pending.db")
assert other.execute("select count(*), max(n) from t").fetchone() == (8001, 8000)
assert other.execute("pragma integrity_check").fetchone() == ("ok",)
"""),
    Piece("sqlite transaction, then rolled back", """
doubtful = sqlite3.connect("/app/doubtful.db")
with doubtful:
    doubtful.execute("create table t (n integer, filler text)")
    doubtful.execute("insert into t values (1, 'stays')")
doubtful.executemany("insert into t values (?, ?)", ((n, "x" * 400) for n in range(8000)))
""", """
doubtful.rollback()
assert doubtful.execute("select * from t").fetchall() == [(1, "stays")]
assert sqlite3.connect("/app/doubtful.db").execute("pragma integrity_check").fetchone() == ("ok",)
"""),
    Piece("sqlite in memory", """
in_memory = sqlite3.connect(":memory:")
in_memory.execute("create table t (n)")
in_memory.execute("insert into t values (42)")
""", "assert in_memory.execute('select n from t').fetchone() == (42,)"),
    Piece("figure", """
import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.plot([1, 2, 3], label="up")
""", """
axes.plot([3, 2, 1], label="down")
axes.legend()
figure.savefig("/app/figure.png")
assert open("/app/figure.png", "rb").read(8) == b"\\x89PNG\\r\\n\\x1a\\n"
assert [line.get_label() for line in axes.lines] == ["up", "down"]
"""),
    Piece("100 MB", """
import zlib
big = np.random.default_rng(7).integers(0, 256, 100_000_000, dtype=np.uint8)
checksum = zlib.crc32(big)
""", """
assert big.nbytes == 100_000_000 and zlib.crc32(big) == checksum
big[::4096] ^= 1
assert zlib.crc32(big) != checksum
"""),
    Piece("asyncio task and timer", """
loop = asyncio.get_running_loop()
ticks = []
async def ticking():
    for n in range(3):
        await asyncio.sleep(0.3)
        ticks.append(n)
    return "ticked"
ticking_task = asyncio.create_task(ticking())
timer = loop.call_later(0.4, ticks.append, "timer")
await asyncio.sleep(0)
assert not ticking_task.done() and not ticks
""", """
assert await asyncio.wait_for(ticking_task, 20) == "ticked"
assert sorted(map(str, ticks)) == ["0", "1", "2", "timer"], ticks
async with asyncio.timeout(20):
    await asyncio.sleep(0.01)
"""),
    Piece("clocks", """
import time
then = time.monotonic(), time.perf_counter(), time.time()
loop_then = asyncio.get_running_loop().time()
""", """
assert time.monotonic() >= then[0] and time.perf_counter() >= then[1] and time.time() >= then[2]
assert asyncio.get_running_loop().time() >= loop_then
began = time.monotonic()
time.sleep(0.01)
assert 0.01 <= time.monotonic() - began < 5
"""),
    Piece("randomness, which a resume leaves as it is", """
import copy, random
expected = random.Random()
expected.setstate(random.getstate())
generator_of_numbers = np.random.default_rng()
expected_of_numpy = copy.deepcopy(generator_of_numbers), np.random.get_state()
""", """
assert [random.random() for _ in range(5)] == [expected.random() for _ in range(5)]
assert generator_of_numbers.integers(0, 1 << 60, 5).tolist() == expected_of_numpy[0].integers(0, 1 << 60, 5).tolist()
legacy = np.random.RandomState()
legacy.set_state(expected_of_numpy[1])
assert np.random.random(5).tolist() == legacy.random_sample(5).tolist()
"""),
]
