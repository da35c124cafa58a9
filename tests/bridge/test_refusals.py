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
    reply = real.fails("os.fork()", "ProcessCallMissing")
    assert "sandbox" in reply["evalue"]


def test_tqdm_does_without_its_thread(guest: Guest) -> None:
    guest.cell("import tqdm\nfor _ in tqdm.tqdm(range(3)): pass")
    assert "monitor" not in guest.err
