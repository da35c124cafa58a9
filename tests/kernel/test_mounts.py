"""What the policy grants to read: `[mounts]`, `mount_data_dir`, `external_files`. All of it is read-only, none leads further, and no path of the host's shows."""

from __future__ import annotations

import ast
import os
import stat
from pathlib import Path

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox

SECRET = "a secret of the host's"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Directories of the host: two that are granted, one at /data, and a secret beside them."""
    host = tmp_path / "hostdirectory"
    for name in ("models/sub/deep", "models/nested", "more", "data/more", "instead"):
        (host / name).mkdir(parents=True)
    for name, text in {
        "secret": SECRET, "models/t.csv": "a,b\n1,2\n", "models/mine.py": "VALUE = 42\n", "models/sub/deep/f": "0123456789abcdef",
        "models/nested/covered": "", "more/x": "more", "data/y": "data", "data/more/covered": "", "named.txt": "external",
    }.items():
        (host / name).write_text(text)
    for name, to in {"in": "sub/deep/f", "dir": "sub/deep", "out": "../secret", "absolute": str(host / "secret"), "up": "..", "sub/loop": "loop"}.items():
        (host / "models" / name).symlink_to(to)
    os.mkfifo(host / "models" / "pipe")
    return host


def policy_of(host: Path, **mounts: str) -> dict:
    """A policy with these mounts below /mnt, or with all that there is."""
    if mounts:
        return {"mounts": {f'"/mnt/{name}"': str(host / directory) for name, directory in mounts.items()}}
    return {"mount_data_dir": str(host / "data"), "external_files": [str(host / "named.txt")],
            "mounts": {f'"{guest}"': str(host / name) for guest, name in
                       {"/mnt/models": "models", "/mnt/models/nested": "more", "/data/more": "more"}.items()}}


@pytest.fixture
def mounted(start, host: Path) -> Frontend:
    kernel = start(policy=policy_of(host))
    kernel.run_ok("""
import glob, os, sys
def tried(code):
    try:
        return eval(code)
    except OSError as error:
        return type(error).__name__
""")
    return kernel


def seen(kernel: Frontend, expression: str) -> object:
    """The value of an expression of plain data."""
    return ast.literal_eval(kernel.run_ok(f"print(repr(({expression})))").stdout)


@pytest.mark.parametrize(("code", "expected"), [
    ("open('/mnt/models/t.csv').read()", "a,b\n1,2\n"),
    ("open('/mnt/models/in').read(3)", "012"),
    ("open('/mnt/models/dir/f').read(3)", "012"),
    ("open('/mnt/models/dir/../deep/f').read(3)", "012"),
    ("open('/mnt/models/sub/../t.csv').read(1)", "a"),
    ("open('/mnt/../mnt/models/../models/t.csv').read(1)", "a"),
    ("open('/mnt/models/nested/x').read()", "more"),
    ("open('/mnt/models/nested/../t.csv').read(1)", "a"),
    ("open('/data/more/x').read()", "more"),
    ("open('/data/y').read()", "data"),
    ("open('/data/more/../y').read()", "data"),
    ("open('/external/named.txt').read()", "external"),
    ("sorted(os.listdir('/'))", ["app", "data", "external", "mnt", "tmp", "usr"]),
    ("os.listdir('/mnt')", ["models"]),
    ("sorted(os.listdir('/mnt/models/'))", ["absolute", "dir", "in", "mine.py", "nested", "out", "pipe", "sub", "t.csv", "up"]),
    ("os.listdir('/mnt/models/nested')", ["x"]),
    ("sorted(os.listdir('/data'))", ["more", "y"]),
    ("sorted(entry.name for entry in os.scandir('/mnt/models') if entry.is_dir(follow_symlinks=False))", ["nested", "sub"]),
    ("sorted(top for top, _, _ in os.walk('/mnt'))", ["/mnt", "/mnt/models", "/mnt/models/nested", "/mnt/models/sub", "/mnt/models/sub/deep"]),
    ("[names for _, _, names in os.walk('/data')]", [["y"], ["x"]]),
    ("sorted(glob.glob('/mnt/**/*x', recursive=True) + glob.glob('/mnt/m*/*.csv'))", ["/mnt/models/nested/x", "/mnt/models/t.csv"]),
    ("os.stat('/mnt/models').st_mode == os.stat('/mnt').st_mode == os.stat('/app').st_mode", True),
    ("os.path.isdir('/mnt/models'), os.path.isfile('/mnt/models/t.csv'), os.path.getsize('/mnt/models/t.csv')", (True, True, 8)),
    ("os.path.islink('/mnt/models/in'), os.readlink('/mnt/models/in'), os.path.realpath('/mnt/models/dir/f')", (True, "sub/deep/f", "/mnt/models/sub/deep/f")),
    ("os.path.exists('/mnt/model'), os.path.exists('/mnt/models/t.csv/'), os.path.exists('/mnt/modelsx/t.csv')", (False, False, False)),
    ("[os.read(os.open(path, os.O_RDONLY, dir_fd=os.open('/mnt', os.O_RDONLY)), 1) for path in ('models/t.csv', './models/sub/../t.csv')]", [b"a", b"a"]),
    ("os.read(os.open('deep/f', os.O_RDONLY, dir_fd=os.open('/mnt/models/sub', os.O_RDONLY)), 3)", b"012"),
    ("os.stat('nested/x', dir_fd=os.open('/mnt/models', os.O_RDONLY)).st_size", 4),
    ("[os.chdir('/mnt/models'), os.getcwd(), open('t.csv').read(1), os.chdir('../models/sub'), sorted(os.listdir()), os.chdir('..'), os.getcwd()]",
     [None, "/mnt/models", "a", None, ["deep", "loop"], None, "/mnt/models"]),
    ("sys.path.append('/mnt/models') or (__import__('mine').VALUE, __import__('mine').__file__)", (42, "/mnt/models/mine.py")),
    ("__import__('pandas').read_csv('/mnt/models/t.csv').values.tolist()", [[1, 2]]),
])
def test_what_is_mounted_is_read(mounted: Frontend, code: str, expected: object) -> None:
    assert seen(mounted, code) == expected


CHANGES = [
    "open('{}/new', 'w')", "open('{}/t.csv', 'a')", "open('{}/t.csv', 'r+')", "open('{}/t.csv', 'w')", "open('{}/in', 'w')", "open('{}/new', 'x')",
    "os.open('{}/t.csv', os.O_RDONLY | os.O_TRUNC)", "os.open('{}/new', os.O_RDONLY | os.O_CREAT)", "os.mkdir('{}/new')", "os.makedirs('{}/sub/new')",
    "os.remove('{}/t.csv')", "os.remove('{}/in')", "os.rmdir('{}/sub/deep')", "os.rename('{0}/t.csv', '{0}/u.csv')", "os.rename('{}/t.csv', '/app/t.csv')",
    "os.rename('/app/own', '{}/own')", "os.replace('/app/own', '{}/t.csv')", "os.utime('{}/t.csv')", "os.truncate('{}/t.csv', 0)",
    "os.symlink('t.csv', '{}/link')", "os.link('{}/t.csv', '/app/link')", "os.link('/app/own', '{}/link')",
    "os.ftruncate(os.open('{}/t.csv', os.O_RDONLY), 0)", "os.utime(os.open('{}/t.csv', os.O_RDONLY))", "os.write(os.open('{}/t.csv', os.O_RDONLY), b'x')",
    "os.remove('t.csv', dir_fd=os.open('{}', os.O_RDONLY))", "os.mkdir('new', dir_fd=os.open('{}', os.O_RDONLY))", "os.rmdir('{}')", "os.rename('{}', '/app/m')",
]
OTHER_CHANGES = ["os.mkdir('/mnt/new')", "open('/mnt/new', 'w')", "os.rename('/data/more', '/data/less')", "os.rename('/mnt', '/app/mnt')", "open('/data/y', 'w')",
                 "open('/data/new', 'w')", "os.remove('/data/more/x')", "open('/external/named.txt', 'w')", "os.remove('/external/named.txt')",
                 "os.remove('/mnt/models/nested/x')", "os.rmdir('/mnt/models/nested')", "os.rename('/mnt/models/nested', '/mnt/models/n')"]


def test_nothing_in_it_is_changed(mounted: Frontend, host: Path) -> None:
    before = state(host)
    mounted.run_ok("open('/app/own', 'w').write('own')")
    tried = [change.format(place) for place in ("/mnt/models", "/mnt/../mnt/models", "/mnt/models/sub/..", "/mnt/models/nested/../../models") for change in CHANGES]
    for code, outcome in seen(mounted, f"[(code, tried(code)) for code in {[*tried, *OTHER_CHANGES]!r}]"):
        assert outcome in ("PermissionError", "OSError", "FileNotFoundError"), (code, outcome)
    assert state(host) == before
    for place in ("/mnt/models", "/mnt/models/nested", "/data", "/data/more", "/external"):
        assert seen(mounted, f"tried(\"open('{place}/new', 'w')\")") == "PermissionError"


def state(host: Path) -> dict[Path, tuple]:
    """Everything below a directory: what it is, and what is in it."""
    def one(path: Path) -> tuple:
        found = path.lstat()
        return (found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_nlink,
                path.read_bytes() if stat.S_ISREG(found.st_mode) else None)

    return {path: one(path) for path in host.rglob("*")}


@pytest.mark.parametrize("path", ["out", "absolute", "up/secret", "up/models/../secret", "../secret", "../../secret", "sub/../../secret", "dir/../../../secret",
                                  "nested/../../secret", "pipe", "sub/loop"])
def test_no_path_leads_out_and_nothing_special_is_opened(mounted: Frontend, host: Path, path: str) -> None:
    codes = [f"open({place + path!r}).read()" for place in ("/mnt/models/", "/mnt/../mnt/models/", "/mnt/models/sub/../", "/data/../mnt/models/")]
    assert set(seen(mounted, f"[tried(code) for code in {codes!r}]")) <= {"PermissionError", "FileNotFoundError", "OSError"}
    outcome = mounted.run(f"os.chdir('/mnt/models')\nopen({path!r}).read()")
    assert outcome.status == "error" and SECRET not in outcome.everything
    outcome = mounted.run(f"os.read(os.open({path!r}, os.O_RDONLY, dir_fd=os.open('/mnt/models', os.O_RDONLY)), 99)")
    assert outcome.status == "error" and SECRET not in outcome.everything


def test_no_path_of_the_hosts_shows(mounted: Frontend, host: Path) -> None:
    outcome = mounted.run_ok("""
import pathlib
for top, _, names in os.walk('/mnt'):
    for name in names:
        path = os.path.join(top, name)
        for look in (os.stat, os.lstat, os.readlink, os.path.realpath, open, os.listdir, os.remove, pathlib.Path.resolve):
            try:
                print(look(pathlib.Path(path)))
            except Exception as error:
                print(repr(error), error)
print(os.environ, sys.path, os.getcwd())
""")
    assert "PermissionError" in outcome.stdout
    for code in ("open('/mnt/models/absolute')", "open('/mnt/gone/x')", "open('/data/nothing')", "import sys; sys.path.insert(0, '/mnt/models'); import mine; mine.nothing"):
        outcome.messages += mounted.run(code).messages
    for inside in ("hostdirectory", str(host), "../secret"):
        assert inside not in outcome.everything, inside


def test_guidance_knows_the_mounts(mounted: Frontend) -> None:
    guidance = mounted.run("open('/mnt/models/result.csv', 'w')").usage["error_guidance"]
    assert guidance["error_type"] == "PathRestriction" and any("read-only" in line for line in guidance["actionable_guidance"])
    guidance = mounted.run("open('/mnt/elsewhere/t.csv')").usage["error_guidance"]
    assert any("`mounts`" in line for line in guidance["actionable_guidance"])


def test_without_a_grant_there_is_nothing(start) -> None:
    kernel = start()
    kernel.run_ok("import os")
    assert kernel.value("os.path.exists('/mnt'), os.listdir('/data'), os.listdir('/external'), 'mnt' in os.listdir('/')") == "(False, [], [], False)"


# --- files that are open when the session goes elsewhere ------------------------------------------


OPEN = "import os\nfile = open('/mnt/models/sub/deep/f', buffering=4)\nassert file.read(10) == '0123456789'\ndirectory = os.open('/mnt/models', os.O_RDONLY)"


def rest(kernel: Frontend) -> str:
    outcome = kernel.run("print(file.read(), os.read(os.open('t.csv', os.O_RDONLY, dir_fd=directory), 1), end='')")
    return outcome.stdout if outcome.status == "ok" else f"raised {outcome.error['ename']}"


def test_an_open_file_goes_on_after_a_cell_that_was_rolled_back(mounted: Frontend) -> None:
    mounted.run_ok(OPEN)
    assert mounted.run("file.read()\nos._exit(3)").usage["state"] == "rolled_back"
    assert rest(mounted) == "abcdef b'a'"


def test_a_mount_that_goes_is_an_error_and_comes_back(mounted: Frontend, host: Path) -> None:
    mounted.run_ok(OPEN)
    (host / "models").rename(host / "away")
    assert mounted.run("os._exit(3)").usage["state"] == "rolled_back"
    assert rest(mounted) == "raised OSError"
    assert mounted.value("tried(\"open('/mnt/models/t.csv')\"), os.listdir('/data')[0] != ''") == "('FileNotFoundError', True)"
    (host / "away").rename(host / "models")
    assert mounted.run("os._exit(3)").usage["state"] == "rolled_back"
    assert mounted.value("open('/mnt/models/t.csv').read(1)") == "'a'"


def test_packages_of_a_mounted_directory_are_imported(start, tmp_path: Path) -> None:
    """As the guidance for packages that are not there says."""
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "brought_along.py").write_text("answer = 42")
    kernel = start(policy={"mounts": {'"/mnt/packages"': str(packages)}})
    assert kernel.run("import brought_along").error["ename"] == "ModuleNotFoundError"
    kernel.run_ok('import sys; sys.path.append("/mnt/packages")')
    assert kernel.value("__import__('brought_along').answer") == "42"
    kernel = start(policy={"mounts": {'"/mnt/packages"': str(packages)}, "env": {"PYTHONPATH": "/mnt/packages"}})
    assert kernel.value("__import__('brought_along').answer") == "42"
