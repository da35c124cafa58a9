"""What this build of Python lacks and the bridge supplies: the same code is run by the tests' own Python, and in the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox


def on_linux(code: str, directory: Path, *, before: str = "") -> str:
    """What it prints in a Python of Linux."""
    program = f"{before}\n{code}"
    env = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LANG", "LC_NUMERIC")}
    run = subprocess.run([sys.executable, "-c", program], cwd=directory, capture_output=True, text=True, timeout=120, env=env)
    assert run.returncode == 0, run.stderr
    return run.stdout


# --- hashes --------------------------------------------------------------------------------------

DERIVED = [
    "'sha256', b'p', b's', 10",
    "'sha1', b'password', b'salt', 4096",
    "'sha512', b'p' * 500, b'salt' * 100, 3, 200",
    "'sha256', b'', b'', 1, 1",
    "'md5', bytearray(b'x'), memoryview(b's'), 5, 70",
    "'SHA-384', b'p', b's', 2",
    "'sha3_256', b'p' * 200, b's', 3",
    "'blake2b', b'p', b's', 3, 100",
    "hash_name='sha224', password=b'p', salt=b's', iterations=True, dklen=None",
    # What is refused, as it is there.
    "'sha256', 'p', b's', 10",
    "'sha256', b'p', None, 10",
    "256, b'p', b's', 10",
    "'nothing', b'p', b's', 10",
    "'shake_128', b'p', b's', 10",
    "'sha256', b'p', b's', 0",
    "'sha256', b'p', b's', -1",
    "'sha256', b'p', b's', 2**31",
    "'sha256', b'p', b's', 2**70",
    "'sha256', b'p', b's', 1.5",
    "'sha256', b'p', b's', 10, 0",
    "'sha256', b'p', b's', 10, 2**31",
    "'sha256', b'p', b's', 10, 'x'",
    "'sha256', b'p', b's'",
    "'sha256', memoryview(b'pppp')[::2], b's', 1",
]


def test_keys_are_derived_as_by_openssl(kernel: Frontend, tmp_path: Path) -> None:
    code = "import hashlib\n" + "\n".join(
        f"try: print(hashlib.pbkdf2_hmac({arguments}).hex())\n"
        "except Exception as error: print(next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == 'builtins'))"
        for arguments in DERIVED)
    assert kernel.run_ok(code).stdout.splitlines() == on_linux(code, tmp_path).splitlines()


def test_deriving_a_key_is_interrupted_and_metered(start) -> None:
    kernel = start(policy={"fuel_budget": 2_000_000_000})
    outcome = kernel.run("import hashlib\nkept = 1\nhashlib.pbkdf2_hmac('sha256', b'p', b's', 2**31 - 1)")
    assert outcome.error and outcome.error["ename"] == "FuelExhausted" and outcome.usage["state"] == "kept"
    assert "cellblock_bridge" not in outcome.traceback
    assert kernel.value("kept") == "1"


# --- the user ------------------------------------------------------------------------------------


def test_there_is_a_user_with_a_home(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "import getpass, grp, os, pathlib, pwd, tempfile\n"
        "me = pwd.getpwuid(os.getuid())\n"
        "print(getpass.getuser() == me.pw_name == pwd.getpwnam(me.pw_name).pw_name == pwd.getpwall()[0][0])\n"
        "print(os.getuid() == os.geteuid() == os.stat('.').st_uid, os.getgid() == os.getegid() == os.stat('.').st_gid == os.getgroups()[0])\n"
        "print(os.path.expanduser('~') == str(pathlib.Path.home()) == me.pw_dir, os.path.expanduser('~nobody-else'))\n"
        "print(grp.getgrgid(os.getgid()).gr_name == grp.getgrnam(me.pw_name).gr_name)\n"
        "print((pathlib.Path.home() / 'probe').write_text('x'), os.umask(0o77) == 0o22, os.umask(0o22) == 0o77)\n"
        "for wrong in (lambda: pwd.getpwuid(12345), lambda: pwd.getpwnam('root!'), lambda: grp.getgrgid(7)):\n"
        "    try: wrong()\n    except KeyError as error: print('KeyError')")
    assert outcome.stdout == "True\nTrue True\nTrue ~nobody-else\nTrue\n1 True True\n" + "KeyError\n" * 3


def test_files_have_one_owner(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "import io, os, shutil, tarfile\nopen('owned', 'w').write('x')\n"
        "os.chown('owned', -1, -1)\nos.chown('owned', os.getuid(), os.getgid())\nos.lchown('owned', 0, -1)\nshutil.chown('owned', 'user', 'user')\n"
        "with open('owned') as file: os.fchown(file.fileno(), 0, 0)\n"
        "for change in (lambda: os.chown('owned', 1000, -1), lambda: os.chown('owned', 0, 5)):\n"
        "    try: change()\n    except PermissionError as error: print(error.filename, error.strerror)\n"
        "try: os.chown('nowhere', 0, 0)\nexcept FileNotFoundError: print('no file')\n"
        "with tarfile.open('a.tar.gz', 'w:gz') as made: made.add('owned')\nos.remove('owned')\n"
        "with tarfile.open('a.tar.gz') as packed:\n"
        "    member = packed.getmember('owned')\n    print(member.uname, member.gname)\n    packed.extractall('out', filter='data')\n"
        "    member.uid = member.gid = 1000\n    packed.extractall('trusted', filter='fully_trusted')\n"
        "print(open('out/owned').read(), open('trusted/owned').read())\nshutil.rmtree('out')\nshutil.unpack_archive('a.tar.gz', 'out')")
    assert outcome.stdout == "owned Operation not permitted\n" * 2 + "no file\nuser user\nx x\n"


# --- locales -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["'xx_NONSENSE.UTF-8'", "'de_DE.UTF-8'", "'nothing'", "('fr_FR', 'UTF-8')", "'C.UTF-8;xx'"])
def test_a_locale_that_would_do_nothing_is_refused(kernel: Frontend, name: str) -> None:
    outcome = kernel.run(f"import locale\nlocale.setlocale(locale.LC_ALL, {name})")
    assert outcome.error and (outcome.error["ename"], outcome.error["evalue"]) == ("Error", "unsupported locale setting")


def test_the_locales_that_there_are_can_be_set(kernel: Frontend) -> None:
    outcome = kernel.run_ok(
        "import locale\nbefore = locale.setlocale(locale.LC_ALL)\n"
        "for name in ('', 'C', 'POSIX', 'C.UTF-8', 'en_US.UTF-8', ('en_US', 'UTF-8'), before):\n"
        "    locale.setlocale(locale.LC_ALL, name)\n"
        "locale.setlocale(locale.LC_ALL, 'en_US.UTF-8')\n"
        "print(locale.format_string('%.2f', 1234567.891, grouping=True), locale.currency(1234.5, grouping=True), locale.atof('1,234.5'))\n"
        "locale.setlocale(locale.LC_ALL, 'C')\n"
        "print(locale.format_string('%.2f', 1234567.891, grouping=True))\n"
        "locale.setlocale(locale.LC_ALL, before) == locale.setlocale(locale.LC_ALL)")
    assert outcome.stdout == "1,234,567.89 $1,234.50 1234.5\n1234567.89\n"


# --- names of files ------------------------------------------------------------------------------


def test_the_empty_name_is_of_no_file(kernel: Frontend, tmp_path: Path) -> None:
    code = (
        "import os, pathlib, shutil\n"
        "calls = [lambda: open(''), lambda: open(b'', 'w'), lambda: os.stat(''), lambda: os.lstat(b''), lambda: os.listdir(''), lambda: os.scandir(''),\n"
        "         lambda: os.mkdir(''), lambda: os.makedirs(''), lambda: os.remove(''), lambda: os.rename('', 'x'), lambda: os.rename('x', ''),\n"
        "         lambda: os.chdir(''), lambda: os.rmdir(''), lambda: os.open('', 0), lambda: os.path.getsize(''), lambda: os.stat(path=''),\n"
        "         lambda: shutil.copy('', 'x'), lambda: shutil.rmtree('')]\n"
        "for call in calls:\n"
        "    try: print(call())\n"
        "    except FileNotFoundError as error: print(type(error).__name__, error.strerror, repr(error.filename), repr(error.filename2))\n"
        "print(os.path.exists(''), os.path.isdir(''), os.path.isfile(''), os.access('', os.F_OK), pathlib.Path('').exists(), pathlib.Path('').is_dir())\n"
        "print(len(os.listdir()), len(list(os.scandir())), os.stat('.').st_ino == os.stat(path=os.getcwd()).st_ino)")
    outcome = kernel.run_ok(f"import os\nos.makedirs('/app/empty', exist_ok=True)\nos.chdir('/app/empty')\n{code}\nos.chdir('/app')")
    assert outcome.stdout == on_linux(code, tmp_path)


# --- ranges --------------------------------------------------------------------------------------


def test_random_numbers_are_drawn_of_ranges_of_any_length(kernel: Frontend, tmp_path: Path) -> None:
    code = ("import random\nrandom.seed(3)\n"
            "print(random.sample(range(10**12), 5), random.choice(range(10**15)), random.choices(range(5, 10**12, 7), k=3))\n"
            "print(random.sample(range(10**12, -5, -3), 2), random.choice(range(0, -10**11, -1)), random.sample(range(10), 3), random.choice('abc'))\n"
            "generator = random.Random(8)\nprint(generator.sample(range(2**31, 2**40), 3), random.sample(range(2**31 - 1), 2), random.sample(range(2**31), 2))")
    assert kernel.run_ok(code).stdout == on_linux(code, tmp_path)


# --- maps ----------------------------------------------------------------------------------------

MAPS = {
    "arrays": (
        "import os, numpy as np\n"
        "np.save('n.npy', np.arange(1000.0))\nloaded = np.load('n.npy', mmap_mode='r')\nprint(type(loaded).__name__, loaded.sum(), loaded[5])\n"
        "try: loaded[0] = 1\nexcept ValueError as error: print(error)\n"
        "made = np.memmap('raw', dtype='f4', mode='w+', shape=(3, 4))\nmade[:] = np.arange(12).reshape(3, 4)\nmade.flush()\n"
        "print(np.frombuffer(open('raw', 'rb').read(), 'f4').sum(), os.path.getsize('raw'))\n"
        "made[0] = 100\nprint(np.frombuffer(open('raw', 'rb').read(), 'f4').sum())\n"
        "again = np.memmap('raw', dtype='f4', mode='r+', offset=16, shape=(2, 4))\nagain[0] = 7\ndel again\nprint(np.memmap('raw', 'f4', 'r').tolist())\n"
        "private = np.memmap('raw', dtype='f4', mode='c')\nprivate[:] = 0\nprivate.flush()\nprint(np.memmap('raw', 'f4', 'r').sum(), private.sum())\n"
        "file = np.lib.format.open_memmap('o.npy', 'w+', 'i8', (5,))\nfile[:] = range(5)\ndel file\nprint(np.load('o.npy').tolist())"
    ),
    "a map as bytes and as a file": (
        "import mmap, os, re, struct\nopen('t', 'wb').write(b'hello world\\nsecond line\\n')\n"
        "with open('t', 'r+b') as file:\n"
        "    with mmap.mmap(file.fileno(), 0) as map_:\n"
        "        print(len(map_), map_[:5], map_[0], map_[-1], map_[::7], map_.find(b'world'), map_.rfind(b'l'), map_.readline(), map_.tell(), map_.read(6), map_.size())\n"
        "        print(re.search(rb'w\\w+', map_).group(), struct.unpack_from('<I', map_, 0), bytes(map_)[:3], b'sec' in map_[:], map_.closed)\n"
        "        map_[0:5] = b'HELLO'\n        map_.seek(0)\n        print(map_.write(b'J'), map_.tell(), map_.read_byte())\n        map_[6] = ord('W')\n        map_.move(0, 6, 5)\n"
        "        view = memoryview(map_)\n"
        "        try: map_.close()\n        except BufferError as error: print(error)\n        view.release()\n"
        "    print(map_.closed, open('t', 'rb').read())\n"
        "    for wrong in ({'length': 100}, {'length': -1}, {'length': 0, 'access': 9}, {'length': 1, 'offset': -1}, {'length': 0, 'offset': 8192},\n"
        "                  {'length': 0, 'access': mmap.ACCESS_READ, 'prot': mmap.PROT_READ}):\n"
        "        try: mmap.mmap(file.fileno(), **wrong)\n        except Exception as error: print(type(error).__name__, error)\n"
        "    reads = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)\n"
        "    for change in (lambda: reads.write(b'x'), lambda: reads.__setitem__(0, 1)):\n"
        "        try: change()\n        except TypeError as error: print(error)\n"
        "    grows = mmap.mmap(file.fileno(), 0)\n    grows.resize(5)\n    grows.close()\n    print(os.path.getsize('t'))\n"
        "    try: grows[0]\n    except ValueError as error: print(error)\n"
        "with open('t', 'rb') as file:\n    try: mmap.mmap(file.fileno(), 0)\n    except PermissionError as error: print(error.strerror)\n"
        "with open('zero', 'w+b') as file:\n    try: mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)\n    except ValueError as error: print(error)\n"
        "nameless = mmap.mmap(-1, 10)\nnameless[:] = b'0123456789'\nprint(nameless[2:4], nameless.read(3), len(nameless))"
    ),
    "tables": "import pandas as pd\nopen('d.csv', 'w').write('a,b\\n1,2\\n')\nprint(pd.read_csv('d.csv', memory_map=True))",
}


@pytest.mark.parametrize("what", MAPS)
def test_files_are_mapped(kernel: Frontend, tmp_path: Path, what: str) -> None:
    assert kernel.run_ok(MAPS[what]).stdout == on_linux(MAPS[what], tmp_path)


def test_what_a_cell_writes_to_a_map_is_in_the_file_when_it_ends(start, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    kernel = start(policy={"workspace": str(workspace)})
    kernel.run_ok("import numpy as np\nmade = np.memmap('large', 'u1', 'w+', shape=5_000_000)")
    kernel.run_ok("made[3_000_000] = 9")
    found = (workspace / "large").read_bytes()
    assert len(found) == 5_000_000 and found[3_000_000] == 9 and sum(found) == 9


def test_a_map_too_large_is_a_memory_error(start) -> None:
    kernel = start(policy={"memory_bytes": 100_000_000})
    outcome = kernel.run("import mmap\nkept = 1\nfile = open('hole', 'w+b')\nfile.truncate(500_000_000)\nmmap.mmap(file.fileno(), 0)")
    assert outcome.error and outcome.error["ename"] == "MemoryError"
    assert kernel.value("1 + 1") == "2"


# --- pandas --------------------------------------------------------------------------------------

IN_A_NOTEBOOK = "import builtins, types\nbuiltins.get_ipython = lambda: types.SimpleNamespace(kernel=1)"
OPTIONS = ("import pandas as pd\nfrom pandas._config import config\n"
           "print({name: pd.get_option(name) for name in sorted(config._registered_options) if name.startswith(('display.', 'styler.', 'plotting.'))})")


def test_pandas_shows_tables_as_in_a_notebook(kernel: Frontend, tmp_path: Path) -> None:
    here, there = (eval(text) for text in (kernel.run_ok(OPTIONS).stdout, on_linux(OPTIONS, tmp_path, before=IN_A_NOTEBOOK)))
    assert there["display.max_columns"] == 20
    shared = here.keys() & there.keys()
    assert len(shared) > 30 and {name: here[name] for name in shared} == {name: there[name] for name in shared}
    wide = "import numpy as np, pandas as pd\nprint(pd.DataFrame(np.arange(60).reshape(2, 30)))\nprint(pd.DataFrame(np.zeros((70, 2))))"
    assert kernel.run_ok(wide).stdout == on_linux(wide, tmp_path, before=IN_A_NOTEBOOK)


# --- decimal -------------------------------------------------------------------------------------


def test_decimal_numbers_are_those_of_linux(kernel: Frontend, tmp_path: Path) -> None:
    code = (
        "import decimal\nfrom decimal import Decimal as D, getcontext, localcontext\n"
        "print(D('1.10') + D('2.2') * 3 - 1, D(1) / 3, D('2.675').quantize(D('0.01')), sum(D(i) / 7 for i in range(50)), D(2).sqrt(), round(D('2.675'), 2))\n"
        "print(D('123456789012345678901234567890') + 1, D('-0.00') + 0, D('1E+40') - D('1E-40'), D('NaN') + 1, D(0) * -1, 3 - D('1.5'), 2 * D('0.5'))\n"
        "print(sorted(flag.__name__ for flag, raised in getcontext().flags.items() if raised))\n"
        "with localcontext(prec=5, rounding=decimal.ROUND_UP) as context:\n    print(D(1) / 3, D('1.000001') * 1, context.flags[decimal.Inexact])\n"
        "with localcontext() as context:\n    context.traps[decimal.Inexact] = True\n    try: D(1) / 3\n    except decimal.Inexact: print('inexact')\n"
        "try: D(1) / 0\nexcept decimal.DivisionByZero: print('by zero')\n"
        "class Money(D): pass\nprint(type(Money('1') + Money('2')).__name__, Money('1.5') + D('0.25'))")
    assert kernel.run_ok(code).stdout == on_linux(code, tmp_path)
    assert kernel.value("decimal.Decimal.__add__.__code__.co_filename.rpartition('/')[2]") == "'decimals.py'"
