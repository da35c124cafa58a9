"""What a sandbox has not: each a Python error that says so, and nothing of the host to be seen."""

from __future__ import annotations

import getpass
import importlib
import os
import platform
import re
import socket
from pathlib import Path

import pytest

from frontend import Frontend, Outcome

pytestmark = pytest.mark.sandbox

REFUSED = {
    "a thread": "import threading\nthreading.Thread(target=print).start()",
    "a low-level thread": "import _thread\n_thread.start_new_thread(print, ())",
    "a thread pool": "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(print).result()",
    "a process pool": "from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor().submit(print).result()",
    "multiprocessing": "import multiprocessing\nmultiprocessing.Process(target=print).start()",
    "subprocess.run": "import subprocess\nsubprocess.run(['ls'])",
    "subprocess.Popen": "import subprocess\nsubprocess.Popen('ls', shell=True)",
    "os.system": "import os\nos.system('ls')",
    "os.fork": "import os\nos.fork()",
    "os.execv": "import os\nos.execv('/bin/ls', ['ls'])",
    "a socket": "import socket\nsocket.socket().connect(('127.0.0.1', 80))",
    "a name lookup": "import socket\nsocket.getaddrinfo('localhost', 80)",
    "urllib": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1/')",
    "http.client": "import http.client\nhttp.client.HTTPConnection('127.0.0.1').request('GET', '/')",
    "ctypes": "import ctypes\nctypes.CDLL(None).getpid()",
    "a shell escape": "!ls",
    "a captured shell escape": "x = !ls",
    "a bash cell": "%%bash\nls",
    "a script cell": "%%sh\nls",
    "asyncio subprocess": "import asyncio\nawait asyncio.create_subprocess_exec('ls')",
    "pip magic": "%pip install requests",
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_with_an_error_that_names_the_sandbox(kernel: Frontend, what: str) -> None:
    outcome = kernel.run(REFUSED[what])
    assert outcome.status == "error", outcome.describe()
    # Where a library wraps the error, its cause in the traceback says it.
    assert "sandbox" in outcome.everything.lower(), outcome.describe()
    assert outcome.usage["state"] == "kept"
    assert kernel.value("1 + 1") == "2"


def test_refusals_are_ordinary_exceptions(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "import socket, subprocess, threading\n"
        "for attempt, kinds in ((lambda: threading.Thread(target=print).start(), RuntimeError),\n"
        "                       (lambda: subprocess.run(['ls']), OSError),\n"
        "                       (lambda: socket.create_connection(('127.0.0.1', 80)), OSError)):\n"
        "    try:\n        attempt()\n    except kinds as error:\n        print('caught')")
    assert outcome.stdout == "caught\n" * 3


# --- nothing of the host -------------------------------------------------------------------------


def secrets_of_the_host() -> list[str]:
    """Words that would give this machine away."""
    words = [str(Path.home()), str(Path.cwd()), socket.gethostname(), platform.release()]
    return [word for word in words if len(word) > 4]


def assert_nothing_of_the_host(outcome: Outcome) -> None:
    for word in secrets_of_the_host():
        assert word not in outcome.everything


def test_the_environment_is_a_whitelist(start) -> None:
    kernel = start(env={"A_SECRET_OF_THE_HOST": "do-not-show-7141", "AWS_SECRET_ACCESS_KEY": "do-not-show-7142"})
    outcome = kernel.run_ok("import os\ndict(os.environ)")
    assert "do-not-show" not in outcome.everything
    names = set(re.findall(r"'([A-Z_0-9]+)':", outcome.result["text/plain"]))
    assert not names & {"USER", "LOGNAME", "SHELL", "SSH_AUTH_SOCK", "JPY_PARENT_PID", "XDG_DATA_HOME", "VIRTUAL_ENV", "LS_COLORS"}
    assert_nothing_of_the_host(outcome)
    assert os.environ["PATH"] not in outcome.everything


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/1/cmdline", "/root/.bashrc", "/dev/mem",
                                  "/app/../etc/passwd", "../../../../etc/passwd", "/tmp/../etc/passwd", "/data/site-packages/../../etc/passwd"])
def test_files_of_the_host_cannot_be_read(kernel: Frontend, path: str) -> None:
    outcome = kernel.run(f"open({path!r}).read()")
    assert outcome.error and outcome.error["ename"] in ("FileNotFoundError", "PermissionError", "OSError", "NotADirectoryError"), outcome.describe()


def test_files_of_the_host_cannot_be_listed(kernel: Frontend) -> None:
    outcome = kernel.run_ok("import os\nfound = []\nfor place in ('/', '/etc', '/home', '/root', '/proc', '/usr', '..', '/app/..'):\n"
                            "    try:\n        found += os.listdir(place)\n    except OSError:\n        pass\nsorted(found)")
    shown = outcome.result["text/plain"]
    for name in ("passwd", "hostname", "bashrc", "cpuinfo", "bin'", "sbin"):
        assert name not in shown


def test_links_do_not_lead_out(kernel: Frontend) -> None:
    outcome = kernel.run("import os\nos.symlink('/etc/passwd', '/app/link')\nopen('/app/link').read()")
    assert outcome.error
    outcome = kernel.run("import os\nos.link('/etc/passwd', '/app/hard')")
    assert outcome.error


def test_the_working_directory_is_the_workspace(kernel: Frontend) -> None:
    assert kernel.value("__import__('os').getcwd()") == "'/app'"
    kernel.run_ok("open('made.txt', 'w').write('x')\nopen('/tmp/scratch.txt', 'w').write('y')\nimport os")
    assert kernel.value("os.path.exists('/app/made.txt'), os.path.exists('/tmp/scratch.txt')") == "(True, True)"


def test_site_packages_are_read_only(kernel: Frontend) -> None:
    outcome = kernel.run("open('/data/site-packages/evil.py', 'w')")
    assert outcome.error["ename"] in ("PermissionError", "OSError", "FileNotFoundError")


def test_no_host_path_in_any_output(kernel: Frontend) -> None:
    for code in ("1/0", "import os; os.getcwd(), os.listdir('.')", "import sys; sys.path, sys.argv, sys.executable, sys.prefix",
                 "import pandas as pd; pd.DataFrame([1]).loc['x']", "print?", "import json; json??", "%pwd", "import matplotlib; matplotlib.get_data_path()",
                 "open('/nowhere/at/all')", "import platform; platform.uname()", "raise SystemExit", "import tempfile; tempfile.gettempdir()",
                 "from pathlib import Path; Path.home() if 'HOME' in __import__('os').environ else None", "%lsmagic", "get_ipython().ipython_dir"):
        assert_nothing_of_the_host(kernel.run(code))


def test_the_process_shows_nothing_of_the_host(kernel: Frontend) -> None:
    assert kernel.run("import os\nos.getpid() == int(os.environ.get('JPY_PARENT_PID', -1))").everything.count("True") == 0
    user = getpass.getuser()
    shown = kernel.run("import getpass\ngetpass.getuser()")
    if len(user) > 4:
        assert user not in (shown.result or {}).get("text/plain", "")


# --- randomness ----------------------------------------------------------------------------------


RANDOMNESS = ["__import__('random').random()", "__import__('numpy').random.rand()", "__import__('uuid').uuid4().hex",
              "__import__('secrets').token_hex()", "__import__('os').urandom(16)", "__import__('numpy').random.default_rng().random()",
              "__import__('random').SystemRandom().random()", "__import__('tempfile').mkdtemp() and __import__('uuid').uuid1().hex"]


def test_two_kernels_of_one_image_draw_different_numbers(start) -> None:
    one, two = start(), start()
    for expression in RANDOMNESS:
        assert one.value(expression) != two.value(expression), expression


def test_a_seed_still_decides(start) -> None:
    one, two = start(), start()
    code = "import random, numpy as np\nrandom.seed(5); np.random.seed(5)\nrandom.random(), float(np.random.rand())"
    assert one.run_ok(code).result == two.run_ok(code).result


# --- functions that need an operating system -----------------------------------------------------

SWEPT = ("os", "signal", "time", "shutil", "hashlib", "select", "selectors", "socket", "socketserver", "threading", "asyncio",
         "http.client", "urllib.request", "smtplib", "ftplib", "imaplib", "poplib")
# Of the tests' Python and not of the sandbox's, whose version is newer; or supplied only where somebody imported it into the module.
GONE = {"http.client": {"ssl"}, "ftplib": {"ssl"}, "imaplib": {"ssl"}, "poplib": {"ssl"}, "smtplib": {"ssl"}, "socket": {"array", "selectors"},
        "urllib.request": {"FancyURLopener", "URLopener", "MAXFTPCACHE", "ftpcache", "posixpath", "ssl", "warnings"}, "shutil": {"ExecError"},
        "threading": {"functools"}, "asyncio": {"AbstractEventLoopPolicy", "DefaultEventLoopPolicy", "EventLoop"}}


def test_whatever_linux_has_and_the_sandbox_has_not_says_why(kernel: Frontend) -> None:
    names = {module: [name for name in dir(importlib.import_module(module)) if not name.startswith("_") and name not in GONE.get(module, ())]
             for module in SWEPT}
    outcome = kernel.run_ok(
        f"import importlib\nunexplained = []\nfor module, names in {names!r}.items():\n"
        "    module = importlib.import_module(module)\n"
        "    for name in names:\n"
        "        try: getattr(module, name)\n"
        "        except AttributeError as error:\n"
        "            if type(error) is AttributeError: unexplained.append(f'{module.__name__}.{name}')\n"
        "            assert not hasattr(module, name)\n"
        "print(unexplained)")
    assert outcome.stdout == "[]\n"


def test_what_nobody_has_is_an_ordinary_error(kernel: Frontend) -> None:
    for module in SWEPT:
        outcome = kernel.run(f"import {module}\n{module}.no_such_thing")
        assert outcome.error["ename"] == "AttributeError" and outcome.usage["error_guidance"] is None
