"""Forks: sessions that go on from the same state, and then have nothing to do with each other. And that a session has one holder."""

from __future__ import annotations

import re

import pytest

from fixtures import Start
from frontend import Frontend
from notebook import Notebook, refused, said, until

SETUP = """
import random, secrets, uuid
import numpy as np
shared = ["from before"]
array = np.zeros(100_000)
rng = np.random.default_rng()
own_random = random.Random()
def counter():
    n = 0
    while True:
        n += 1
        yield n
numbers = counter()
next(numbers)
with open("/app/common.txt", "w") as file:
    file.write("common")
log = open("/app/log.txt", "w")
print("before", file=log, flush=True)
"""
DRAWS = {
    "random": "random.random()",
    "random.Random": "own_random.random()",
    "numpy.random": "float(np.random.random())",
    "numpy Generator": "float(rng.random())",
    "secrets": "secrets.token_hex(16)",
    "uuid4": "uuid.uuid4().hex",
    "os.urandom": "__import__('os').urandom(16).hex()",
    "tempfile": "__import__('tempfile').mktemp()",
}


def forked(notebook: Notebook, *names: str) -> tuple[Frontend, ...]:
    """A session that is set up, and kernels of forks of it."""
    kernel = notebook.open()
    kernel.run_ok(SETUP)
    for name in names:
        [line] = said(kernel.run_ok(f"%session fork {name}"))
        assert name in line, line
    return (kernel, *(notebook.open(id=name) for name in names))


def test_forks_diverge_in_memory_and_files(notebook: Notebook) -> None:
    kernels = forked(notebook, "left", "right")
    for n, kernel in enumerate(kernels):
        kernel.run_ok(f"shared.append({n}); array[:] = {n}; new_{n} = {n}; next(numbers); "
                      f"open('/app/common.txt', 'a').write(' and {n}'); open('/app/only-{n}.txt', 'w').write('{n}'); "
                      f"print('after {n}', file=log, flush=True)")
    for n, kernel in enumerate(kernels):
        assert kernel.value("shared, float(array.sum()), next(numbers), sorted(k for k in dir() if k.startswith('new_'))") == \
            str((["from before", n], 100_000.0 * n, 3, [f"new_{n}"]))
        assert kernel.run_ok("import os; print(sorted(os.listdir('/app')), open('/app/common.txt').read(), open('/app/log.txt').read().split())").stdout == \
            f"{['common.txt', 'log.txt', f'only-{n}.txt']} common and {n} {['before', 'after', str(n)]}\n"


def test_forks_diverge_in_randomness(notebook: Notebook) -> None:
    kernels = forked(notebook, "left", "right")
    told = {what: [kernel.value(draw) for kernel in kernels] for what, draw in DRAWS.items()}
    same = {what: values for what, values in told.items() if len(set(values)) < len(kernels)}
    assert not same, same


def test_a_seed_that_was_set_after_the_fork_counts(notebook: Notebook) -> None:
    kernels = forked(notebook, "left")
    assert len({kernel.value("random.seed(5) or random.random()") for kernel in kernels}) == 1


def test_a_fork_outlives_what_it_came_from(notebook: Notebook) -> None:
    original, fork = forked(notebook, "left")
    notebook.crash(original)
    session = next(path.name for path in notebook.sessions() if path.name != "left")
    kernel = notebook.open(resume="always")
    kernel.run_ok("shared.append('changed'); open('/app/common.txt', 'w').write('changed')")
    assert fork.value("shared, open('/app/common.txt').read()") == "(['from before'], 'common')"
    notebook.crash(fork)
    fork = notebook.open(id="left")
    fork.run_ok("pass")
    assert fork.value("shared, open('/app/common.txt').read()") == "(['from before'], 'common')"
    assert {path.name for path in notebook.sessions()} == {session, "left"}


def test_a_fork_of_a_fork(notebook: Notebook) -> None:
    _, fork = forked(notebook, "left")
    fork.run_ok("shared.append('left')")
    fork.run_ok("%session fork left-2")
    fork.run_ok("shared.append('later')")
    assert notebook.open(id="left-2").value("shared") == "['from before', 'left']"


def test_a_fork_needs_a_name_that_is_free(notebook: Notebook) -> None:
    kernel, fork = forked(notebook, "left")
    refused(kernel.run("%session fork left"), "left")
    assert fork.value("shared") == "['from before']"


def test_what_is_not_saved_cannot_be_forked(notebook: Notebook) -> None:
    kernel = notebook.open(persist="off")
    kernel.run_ok("x = 1")
    refused(kernel.run("%session fork left"), "saved")
    assert notebook.sessions() == []


# --- one holder ----------------------------------------------------------------------------------


def test_a_second_kernel_for_a_session_is_told_who_has_it_and_since_when(notebook: Notebook, start: Start) -> None:
    first = notebook.open(id="mine")
    first.run_ok("x = 1")
    notebook.settle(first)
    text = refusal(notebook)
    assert str(first.pid) in text and re.search(r"since .*\d\d:\d\d", text), text
    first.run_ok("x += 1")
    assert first.value("x") == "2"
    notebook.crash(first)
    # Nobody has it any more: the dead kernel's hold counts for nothing.
    stdout = notebook.open(id="mine").run_ok("print(x)").stdout
    assert stdout.endswith("\n2\n")


def refusal(notebook: Notebook) -> str:
    """What a kernel says that cannot have the session `mine`: with its first cell, or as it ends."""
    try:
        kernel = notebook.open(id="mine")
    except AssertionError as ended:
        return str(ended)
    outcome = kernel.run("x")
    assert outcome.status == "error", outcome.describe()
    return outcome.everything + kernel.stderr()


def test_a_second_kernel_for_a_notebook_works_but_is_not_saved_and_says_why(notebook: Notebook) -> None:
    first = notebook.open()
    first.run_ok("x = 1")
    notebook.settle(first)
    second = notebook.open()
    outcome = second.run_ok("print('x' in globals())")
    assert outcome.stdout.endswith("False\n")
    [line] = said(outcome)
    assert "not saved" in line and str(first.pid) in line and re.search(r"since .*\d\d:\d\d", line), line
    second.run_ok("y = 1")
    second.run_ok("%session undo")
    first.run_ok("x += 1")
    notebook.shut_down(second)
    notebook.crash(first)
    kernel = notebook.open(resume="always")
    kernel.run_ok("pass")
    assert kernel.value("x, 'y' in globals()") == "(2, False)"


@pytest.mark.parametrize("name", ["../outside", "/etc/x", "a/b", ".hidden", "a..b", "a" * 200, "a b", "a\\b"])
def test_a_session_name_that_could_be_a_path_is_refused(notebook: Notebook, name: str) -> None:
    with pytest.raises(AssertionError) as ended:
        notebook.open(id=name).run_ok("1")
    assert "session" in str(ended.value).lower()
    assert notebook.sessions() == []


def test_a_lease_is_given_back_at_the_end(notebook: Notebook) -> None:
    kernel = notebook.open(id="mine")
    kernel.run_ok("x = 1")
    notebook.shut_down(kernel)
    until(lambda: not kernel.alive, "the kernel's end")
    assert notebook.open(id="mine").run_ok("print(x)").stdout.endswith("1\n")
