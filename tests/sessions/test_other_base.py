"""A session that another version of Cellblock made: what of it is portable goes on, and the rest is named."""

from __future__ import annotations

import re

from frontend import Frontend
from notebook import Notebook, said, tree
from stored import records, rewrite, seal

SETUP = """
import numpy as np, pandas as pd
n, words = 41, ["a", {"b": (1, None)}]
array = np.arange(6.0).reshape(2, 3)
frame = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
class Account:
    def __init__(self, balance):
        self.balance = balance
    def deposit(self, amount):
        self.balance += amount
        return self.balance
account = Account(10)
def make_counter():
    count = 0
    def counter():
        nonlocal count
        count += 1
        return count
    return counter
counter = make_counter()
counter()
generator = (k for k in range(5))
next(generator)
file = open("/app/a.txt", "w")
print("text", file=file, flush=True)
"""
GONE_ON = """
assert n + 1 == 42 and words == ["a", {"b": (1, None)}]
assert array.sum() == 15 and frame.loc["y", "a"] == 2
assert account.deposit(5) == 15 and isinstance(account, Account) and Account(1).balance == 1
assert counter() == 2
assert np.__name__ == "numpy" and pd.DataFrame is type(frame)
"""


def left_by_another_version(notebook: Notebook) -> None:
    """Makes a session, and makes it look as if it had been recorded on another image."""
    kernel = notebook.open()
    kernel.run_ok(SETUP)
    notebook.shut_down(kernel)
    session = notebook.session_dir()
    identity = {**records(session)[-1].header["identity"], "image": "0" * 64, "runtime": "python-of-another-version"}
    rewrite(session, {"identity": identity})
    seal(session / "session.json", {"identity": identity})


def lost(kernel: Frontend) -> str:
    """What is said of what was lost, with `%session resume`."""
    [line] = said(kernel.run_ok("%session resume"))
    found = re.search(r"lost: (.*)", line)
    assert found, line
    return found[1]


def test_what_is_portable_is_taken_up_and_the_rest_is_named(notebook: Notebook) -> None:
    left_by_another_version(notebook)
    kernel = notebook.open()
    [line] = notebook.notice(kernel)
    assert "version" in line and "%session resume" in line and "portable" in line, line
    names = lost(kernel)
    assert "generator" in names and "file" in names and "frame" not in names, names
    kernel.run_ok(GONE_ON)
    assert kernel.value("'generator' in globals()") == "False"
    # And from here on it is a session like any other.
    kernel.run_ok("n = 'new'")
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    kernel.run_ok("pass")
    assert kernel.value("n, counter()") == "('new', 3)"


def test_resume_always_takes_it_and_says_what_was_lost(notebook: Notebook) -> None:
    left_by_another_version(notebook)
    kernel = notebook.open(resume="always")
    text = " ".join(said(kernel.run_ok("pass")))
    assert "lost" in text and "generator" in text, text
    kernel.run_ok(GONE_ON)


def test_the_files_are_taken_up_as_well(notebook: Notebook) -> None:
    left_by_another_version(notebook)
    kernel = notebook.open()
    notebook.notice(kernel)
    lost(kernel)
    assert kernel.value("open('/app/a.txt').read()") == repr("text\n")


def test_a_session_of_another_version_stays_as_it_is_until_it_is_taken_or_new_work_is_done(notebook: Notebook) -> None:
    left_by_another_version(notebook)
    session = notebook.session_dir()
    before = tree(session / "log")
    kernel = notebook.open(resume="never")
    assert notebook.notice(kernel) == []
    assert before.items() <= tree(session / "log").items(), "the old states are gone"
    assert (session / "portable.rec").exists()
