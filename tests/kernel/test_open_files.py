"""Open files after a cell that was rolled back: each goes on at its path and offset or raises OSError; none is another file."""

from __future__ import annotations

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

ROLL_BACK = "import os\nos._exit(3)"


@pytest.fixture
def opened(start) -> Frontend:
    """A kernel with ten letters read of a file."""
    kernel = start()
    kernel.run_ok("import os\nopen('a.txt', 'w').write('0123456789abcdef')\nfile = open('a.txt', buffering=8)\nassert file.read(10) == '0123456789'")
    return kernel


def roll_back(kernel: Frontend, before: str = "") -> None:
    assert kernel.run(f"{before}\n{ROLL_BACK}").usage["state"] == "rolled_back"


def read(kernel: Frontend, expression: str = "file.read()") -> str:
    """What the expression reads, or the name of the error that it raises."""
    outcome = kernel.run(f"print({expression}, end='')")
    return outcome.stdout if outcome.status == "ok" else f"raised {outcome.error['ename']}"


def test_an_open_file_goes_on_where_it_was(opened: Frontend) -> None:
    roll_back(opened, "file.read()")
    assert read(opened) == "abcdef"


def test_what_the_cell_did_to_the_file_is_undone_or_an_error_but_never_another_file(opened: Frontend) -> None:
    roll_back(opened, "os.remove('a.txt')\nopen('a.txt', 'w').write('X' * 100)")
    assert read(opened) in ("abcdef", "raised OSError")


@pytest.mark.parametrize("when", ["open", "asleep"])
def test_a_file_that_was_renamed_is_followed(opened: Frontend, when: str) -> None:
    if when == "asleep":
        roll_back(opened)
    opened.run_ok("os.mkdir('old')\nos.rename('a.txt', 'old/b.txt')")
    opened.run_ok("os.rename('old', 'new')\nopen('a.txt', 'w').write('another, much longer file')")
    roll_back(opened)
    assert read(opened) == "abcdef"
    assert read(opened, "open('new/b.txt').read()") == "0123456789abcdef"


@pytest.mark.parametrize("when", ["open", "asleep"])
@pytest.mark.parametrize("how", ["os.remove('a.txt')", "os.remove('a.txt')\nopen('a.txt', 'w').write('another, much longer file')",
                                 "open('b', 'w').write('another, much longer file')\nos.replace('b', 'a.txt')",
                                 "os.remove('a.txt')\nos.mkdir('a.txt')"],
                         ids=["deleted", "deleted and made again", "replaced", "a directory now"])
def test_a_file_whose_path_is_gone_is_an_error_later(opened: Frontend, how: str, when: str) -> None:
    if when == "asleep":
        roll_back(opened)
    opened.run_ok(how)
    assert read(opened, "os.pread(file.fileno(), 3, 0).decode()") == "012", "it lives on until then"
    roll_back(opened)
    assert read(opened) == "raised OSError"
    opened.run_ok("try:\n    file.close()\nexcept OSError:\n    pass")
    assert read(opened, "[open(f'{n}', 'w+').write('x') for n in range(5)]") == "[1, 1, 1, 1, 1]"


def test_writers_go_on_at_the_end_or_in_the_middle(start) -> None:
    kernel = start()
    kernel.run_ok("log = open('log', 'a')\nlog.write('one ')\nlog.flush()\nboth = open('both', 'w+')\nboth.write('0123456789')\nboth.seek(4)")
    roll_back(kernel, "log.write('never')\nlog.flush()\nboth.write('never')\nboth.flush()")
    kernel.run_ok("log.write('two')\nlog.flush()\nboth.write('X')\nboth.flush()")
    assert read(kernel, "open('log').read()").endswith("two")
    assert read(kernel, "open('both').read()")[:5] == "0123X"


def test_a_directory_that_is_open_goes_on(start) -> None:
    kernel = start()
    kernel.run_ok("import os\nos.mkdir('dir')\nopen('dir/x', 'w').write('there')\nfd = os.open('dir', os.O_RDONLY)")
    roll_back(kernel)
    assert read(kernel, "os.listdir('dir'), os.read(os.open('x', os.O_RDONLY, dir_fd=fd), 10)") == "['x'] b'there'"


def test_a_database_goes_on(start) -> None:
    kernel = start()
    kernel.run_ok("import sqlite3\ndb = sqlite3.connect('db')\ndb.execute('create table t (n)')\ndb.execute('insert into t values (1)')\ndb.commit()")
    roll_back(kernel)
    kernel.run_ok("db.execute('insert into t values (2)')\ndb.commit()")
    assert read(kernel, "db.execute('select sum(n) from t').fetchone()[0]") == "3"
