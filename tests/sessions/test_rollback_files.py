"""A cell that is rolled back leaves no trace in the files either."""

from __future__ import annotations

import pytest

from frontend import Frontend
from notebook import Notebook

CHANGES = """
import os, shutil
with open("/app/new.txt", "w") as file:
    file.write("new")
with open("/app/changed.txt", "w") as file:
    file.write("CHANGED!")
with open("/app/same-size.bin", "r+b") as file:
    file.write(b"XXXX")
os.remove("/app/removed.txt")
os.rename("/app/old name.txt", "/app/new name.txt")
shutil.rmtree("/app/deep")
os.makedirs("/app/other/deep/empty")
print("more", file=log, flush=True)
x = "changed"
"""


def prepared(kernel: Frontend) -> None:
    kernel.run_ok("""
import os
for name in ("changed.txt", "removed.txt", "old name.txt"):
    with open(f"/app/{name}", "w") as file:
        file.write(name)
with open("/app/same-size.bin", "wb") as file:
    file.write(b"0123456789")
os.makedirs("/app/deep/er")
with open("/app/deep/er/file", "w") as file:
    file.write("deep")
log = open("/app/log.txt", "w")
print("first", file=log, flush=True)
x = "before"
""")


def exits(kernel: Frontend, code: str) -> None:
    outcome = kernel.run(code)
    assert outcome.status == "error" and outcome.usage["state"] == "rolled_back", outcome.describe()


@pytest.mark.parametrize("persist", ["cells", "off"])
def test_a_rolled_back_cell_leaves_no_file_changes(notebook: Notebook, persist: str) -> None:
    kernel = notebook.open(persist=persist)
    prepared(kernel)
    before = seen(kernel)
    for _ in range(3):  # the second one starts from files that were put back
        exits(kernel, CHANGES + "os._exit(3)")
        assert seen(kernel) == before
    assert kernel.value("x") == "'before'"
    kernel.run_ok("print('second', file=log, flush=True)")
    assert kernel.value("open('/app/log.txt').read()") == repr("first\nsecond\n")


def test_the_files_are_back_before_the_next_cell_and_for_the_host_as_well(notebook: Notebook) -> None:
    kernel = notebook.open()
    prepared(kernel)
    before = notebook.files()
    exits(kernel, CHANGES + "os._exit(3)")
    kernel.run_ok("pass")
    assert notebook.files() == before


def test_a_cell_that_had_to_be_stopped_leaves_no_file_changes(notebook: Notebook) -> None:
    kernel = notebook.open()
    prepared(kernel)
    before = seen(kernel)
    cell = kernel.execute(CHANGES + "print('go', flush=True)\nimport re\nre.match(r'(a+)+$', 'a' * 60 + 'b')")
    cell.wait_for_stdout("go")
    kernel.interrupt()
    outcome = cell.finish()
    assert outcome.status == "error", outcome.describe()
    if outcome.usage["state"] == "rolled_back":
        assert seen(kernel) == before
    else:  # it could be interrupted after all: then its changes stay, in files and memory alike
        assert kernel.value("x, open('/app/new.txt').read()") == "('changed', 'new')"


def test_a_rolled_back_first_cell_leaves_an_empty_workspace(notebook: Notebook) -> None:
    kernel = notebook.open()
    exits(kernel, "import os; open('/app/a', 'w').write('a'); os._exit(1)")
    assert kernel.value("os.listdir('/app') if 'os' in globals() else __import__('os').listdir('/app')") == "[]"


def test_an_error_is_no_rollback(notebook: Notebook) -> None:
    kernel = notebook.open()
    prepared(kernel)
    assert kernel.run(CHANGES + "1 / 0").usage["state"] == "kept"
    assert kernel.value("x, open('/app/new.txt').read(), os.path.exists('/app/removed.txt')") == "('changed', 'new', False)"


def test_after_a_kill_a_rolled_back_cell_has_left_nothing_either(notebook: Notebook) -> None:
    kernel = notebook.open()
    prepared(kernel)
    before = seen(kernel)
    exits(kernel, CHANGES + "os._exit(3)")
    notebook.crash(kernel)
    kernel = notebook.open(resume="always")
    kernel.run_ok("pass")
    assert seen(kernel) == before


def seen(kernel: Frontend) -> str:
    """All names and bytes in the workspace, as the guest sees them."""
    return kernel.value("""
sorted((os.path.join(d, n).removeprefix('/app/'), open(os.path.join(d, n), 'rb').read() if n in ns else None)
       for d, ds, ns in os.walk('/app') for n in ds + ns)
""".strip())
