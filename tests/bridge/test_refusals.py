"""What cannot work says that it is the sandbox, with the exception that programs expect."""

from __future__ import annotations

import pytest
from guests import Guest


@pytest.mark.parametrize(
    ("code", "base", "reason"),
    [
        ("import threading; threading.Thread(target=print).start()", "RuntimeError", "threads"),
        ("import _thread; _thread.start_new_thread(print, ())", "RuntimeError", "threads"),
        (
            "from concurrent.futures import ThreadPoolExecutor as T; T().submit(print)",
            "RuntimeError",
            "threads",
        ),
        ("import subprocess; subprocess.run(['ls'])", "OSError", "subprocess"),
        ("subprocess.check_output('ls', shell=True)", "OSError", "subprocess"),
        ("import os; os.system('ls')", "OSError", "subprocess"),
        ("os.popen('ls')", "OSError", "subprocess"),
        ("import multiprocessing; multiprocessing.Pool(2)", "OSError", "subprocess"),
        ("multiprocessing.Process(target=print).start()", "OSError", "subprocess"),
        (
            "from concurrent.futures import ProcessPoolExecutor as P; P().submit(print)",
            "OSError",
            "subprocess",
        ),
        (
            "import asyncio; await asyncio.create_subprocess_exec('ls')",
            "OSError",
            "subprocess",
        ),
        ("await asyncio.create_subprocess_shell('ls')", "OSError", "subprocess"),
        ("!ls", "OSError", "subprocess"),
        ("files = !ls", "OSError", "subprocess"),
        ("%%bash\nls", "OSError", "subprocess"),
        ("%%sh\nls", "OSError", "subprocess"),
        ("%system ls", "OSError", "subprocess"),
        ("%sx ls", "OSError", "subprocess"),
        ("import socket; socket.socket()", "OSError", "network"),
        ("socket.create_connection(('a', 1))", "OSError", "network"),
        ("socket.getaddrinfo('a', 1)", "OSError", "network"),
        ("import urllib.request; urllib.request.urlopen('http://a.b')", "OSError", "network"),
        ("import urllib.request; urllib.request.urlopen('https://a.b')", "OSError", "network"),
        ("%pip install x", "Exception", "packages"),
        ("%conda install x", "Exception", "packages"),
    ],
)
def test_refused(guest: Guest, code: str, base: str, reason: str) -> None:
    reply = guest.cell(code)
    assert reply["status"] == "error"
    assert f"builtins.{base}" in reply["facts"]["types"]
    assert reply["facts"]["reason"] == reason
    assert "sandbox" in reply["evalue"]
    assert "cellblock_bridge" not in "".join(reply["traceback"]), "the user's line comes last"


@pytest.mark.parametrize("name", ["torch", "_ctypes", "ctypes", "ctypes.util", "fcntl", "psutil", "ssl", "readline"])
def test_modules_that_are_not_there_say_why(real: Guest, name: str) -> None:
    reply = real.fails(f"import {name}", "NativeModuleUnavailable")
    assert "builtins.ModuleNotFoundError" in reply["facts"]["types"]
    assert "sandbox" in reply["evalue"]


def test_libraries_still_find_the_stand_in_for_ctypes(real: Guest) -> None:
    real.ok("open('a_library.py', 'w').write('import ctypes, ctypes.util\\nload = ctypes.CDLL')")
    real.ok("import a_library, numpy.ctypeslib, scipy._lib._ccallback")
    reply = real.fails("a_library.load('libc.so.6')", "NativeLibraryUnavailable")
    assert reply["facts"]["reason"] == "native"
    real.ok("import os; os.remove('a_library.py')")


def test_os_functions_that_are_missing_stay_missing(real: Guest) -> None:
    assert real.value("import os; hasattr(os, 'fork')") == "False"
    reply = real.fails("os.fork()", "FunctionMissing")
    assert "sandbox" in reply["evalue"]


def test_tqdm_does_without_its_thread(guest: Guest) -> None:
    guest.cell("import tqdm\nfor _ in tqdm.tqdm(range(3)): pass")
    assert "monitor" not in guest.err


WRAPPED = {
    "raised from it": "try: socket.socket()\nexcept OSError as e: raise RuntimeError('no') from e",
    "raised while it was handled": "try: socket.socket()\nexcept OSError: raise RuntimeError('no')",
    "wrapped three times": (
        "try:\n    try:\n        try: socket.socket()\n        except OSError: raise Mine(1)\n"
        "    except Mine: raise Mine(2)\nexcept Mine as e: raise KeyError('x') from e"
    ),
    "in a group": "try: socket.socket()\nexcept OSError as e: raise ExceptionGroup('all', [e])",
}


@pytest.mark.parametrize("how", WRAPPED)
def test_the_reason_is_that_of_what_it_came_of(guest: Guest, how: str) -> None:
    reply = guest.cell("import socket\nclass Mine(Exception): pass\n" + WRAPPED[how])
    assert reply["facts"]["reason"] == "network" and reply["facts"]["errno"] > 0


@pytest.mark.parametrize(
    "code",
    [
        "try: socket.socket()\nexcept OSError: 1 / 0",
        "try: socket.socket()\nexcept OSError: nobody",
        "try: socket.socket()\nexcept OSError: raise RuntimeError('no') from None",
        "a = Exception(); b = Exception(); a.__context__ = b; b.__context__ = a\nraise a",
    ],
)
def test_a_mistake_while_it_was_handled_is_a_mistake(guest: Guest, code: str) -> None:
    assert guest.cell("import socket\n" + code)["facts"].get("reason") in (None, "calls")


def test_a_missing_module_comes_with_those_that_there_are(guest: Guest) -> None:
    facts = guest.cell("import surely_not_there")["facts"]
    assert {"json", "os"} <= set(facts["modules"]) and "_json" not in facts["modules"]
    assert "modules" not in guest.cell("1 / 0")["facts"]


@pytest.mark.parametrize("shape", ["10**10", "(30_000, 30_000)"])
def test_arrays_that_32_bits_do_not_address(real: Guest, shape: str) -> None:
    reply = real.fails(f"import numpy; numpy.zeros({shape})", "ValueError")
    assert reply["facts"]["reason"] == "address_space"
