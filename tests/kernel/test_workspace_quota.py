"""Limits on bytes and files of the workspace: an OSError in the cell, and everything lives."""

from __future__ import annotations

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox


@pytest.fixture
def tight(start) -> Frontend:
    kernel = start(policy={"workspace_bytes": 100_000, "workspace_files": 20})
    kernel.run_ok("import errno, os\nkept = 'alive'")
    return kernel


def errno_of(kernel: Frontend, code: str) -> str:
    body = "\n    ".join(code.splitlines())
    kernel.run_ok(f"try:\n    {body}\n    number = 'none'\nexcept OSError as error:\n    number = errno.errorcode[error.errno]")
    return kernel.value("number")


@pytest.mark.parametrize("code", [
    "with open('big', 'wb', buffering=0) as file: file.write(bytes(100_001))",
    "with open('big', 'wb', buffering=0) as file: file.truncate(1 << 40)",
    "with open('big', 'wb', buffering=0) as file:\n    file.seek(1 << 40)\n    file.write(b'x')",
    "for n in range(10):\n    with open(f'/tmp/{n}', 'wb') as file: file.write(bytes(20_000))",
])
def test_bytes_past_the_limit_are_refused(tight: Frontend, code: str) -> None:
    assert errno_of(tight, code) == "'EDQUOT'"
    tight.run_ok("for name in os.listdir('/tmp'): os.path.isfile('/tmp/' + name) and os.remove('/tmp/' + name)")
    tight.run_ok("'big' in os.listdir() and os.remove('big')\nopen('small', 'wb').write(bytes(50_000))")
    assert tight.value("kept, os.path.getsize('small')") == "('alive', 50000)"


@pytest.mark.parametrize("code", ["for n in range(30): open(f'{n}', 'w').close()", "for n in range(30): os.mkdir(f'{n}')"])
def test_files_past_the_limit_are_refused(tight: Frontend, code: str) -> None:
    assert errno_of(tight, code) == "'ENOSPC'"
    assert tight.value("len(os.listdir()) >= 10 and kept") == "'alive'"
    tight.run_ok("import shutil\nfor name in os.listdir(): os.rmdir(name) if os.path.isdir(name) else os.remove(name)")
    tight.run_ok("open('again', 'w').close()")


def test_a_file_that_is_written_over_and_over_needs_no_more_room(tight: Frontend) -> None:
    tight.run_ok("for n in range(50):\n    with open('same', 'wb') as file: file.write(bytes(30_000))")
    tight.run_ok("for n in range(50):\n    with open('new', 'wb') as file: file.write(bytes(30_000))\n    os.replace('new', 'other')")
    assert tight.value("os.path.getsize('same'), os.path.getsize('other')") == "(30000, 30000)"


def test_directories_in_directories_end_somewhere(tight: Frontend, start) -> None:
    kernel = start()
    kernel.run_ok("import os")
    outcome = kernel.run("os.makedirs('/'.join('d' * 100))")
    assert outcome.error["ename"] == "OSError"
    kernel.run_ok("open('still', 'w').write('works')")
