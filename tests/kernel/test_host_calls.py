"""What the host does for a cell: it tells nothing of what is outside, it is charged by its work, and it can be interrupted."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from frontend import Frontend
from resident import MIB, Resident

pytestmark = pytest.mark.sandbox

GO = "print('go', flush=True)\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the host: a workspace in it, a tree beside that, and links from the one to the other."""
    outside = tmp_path / "outside"
    (outside / "there/a/b/c/d").mkdir(parents=True)
    (outside / "there/file").write_text("secret")
    app = outside / "app"
    (app / "dir/sub").mkdir(parents=True)
    (app / "file").write_text("mine")
    for target in ("there", "never"):
        (app / f"abs-{target}").symlink_to(outside / target)
        (app / f"rel-{target}").symlink_to(f"../{target}")
        (app / f"dir/sub-{target}").symlink_to(f"../../{target}")
    (app / "inside").symlink_to("dir")
    return outside


CALLS = """
import os, errno, json

def paths(target):
    bases = [f'../{target}', f'./../{target}', f'..//{target}', f'dir/../../{target}', f'missing/../../{target}', f'file/../../{target}',
             f'inside/../../{target}', f'inside/sub/../../../{target}', '../' * 20 + f'{OUTSIDE}/{target}'.lstrip('/'), f'{OUTSIDE}/{target}',
             f'/tmp/../{OUTSIDE}/{target}', f'/mnt/m/../../{target}', f'/mnt/m/../../../../{OUTSIDE}/{target}', f'/mnt/m/rel-{target}',
             f'/mnt/m/abs-{target}', f'abs-{target}', f'rel-{target}', f'dir/sub-{target}', f'inside/sub-{target}']
    for base in bases:
        for end in ['', '/', '/.', '/..', '/file', '/file/', '/a/b', '/missing', '/' + 'y' * 300, '/' + 'y/' * 2000 + 'y', '/a' * 70, '\\udcff', '\\0']:
            yield base + end

DEEP = '/'.join('d' * 62)
CALLS = {
    'stat': os.stat, 'lstat': os.lstat, 'access': lambda p: os.access(p, os.R_OK), 'exists': os.path.exists, 'isdir': os.path.isdir,
    'read': lambda p: open(p, 'rb').close(), 'write': lambda p: open(p, 'wb').close(), 'append': lambda p: open(p, 'ab').close(),
    'create': lambda p: open(p, 'xb').close(), 'open a directory': lambda p: os.close(os.open(p, os.O_RDONLY | os.O_DIRECTORY)),
    'listdir': os.listdir, 'scandir': lambda p: os.scandir(p).close(), 'readlink': os.readlink, 'mkdir': os.mkdir, 'rmdir': os.rmdir,
    'unlink': os.unlink, 'utime': lambda p: os.utime(p, (1, 1)), 'truncate': lambda p: os.truncate(p, 1), 'chdir': os.chdir,
    'rename from': lambda p: os.rename(p, 'new'), 'rename deep from': lambda p: os.rename(p, DEEP), 'rename to': lambda p: os.rename('dir', p),
    'rename a file to': lambda p: os.rename('file', p), 'link': lambda p: os.link('file', p), 'symlink': lambda p: os.symlink(p, 'new'),
}

def told(call, path):
    try:
        result = CALLS[call](path)
    except (OSError, ValueError) as error:
        return [type(error).__name__, getattr(error, 'errno', None)]
    finally:
        os.chdir('/app')
    return result if isinstance(result, bool) else 'done'
"""


def test_a_path_that_leaves_tells_nothing_of_what_is_there(start, outside: Path, tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    for target in ("there", "never"):
        (mount / f"rel-{target}").symlink_to(f"../outside/{target}")
        (mount / f"abs-{target}").symlink_to(outside / target)
    kernel = start(policy={"workspace": str(outside / "app"), "mounts": {'"/mnt/m"': str(mount)}})
    kernel.run_ok(f"OUTSIDE = {str(outside)!r}\n{CALLS}")
    # Some of the calls are about a link itself, and take it away: those are not tried in this place.
    kernel.run_ok("""
differ, seen = [], set()
for call in CALLS:
    for there, never in zip(paths('there'), paths('never')):
        link = there.rpartition('/')[2].partition('-')[0] in ('abs', 'rel', 'sub')
        if link and call in ('unlink', 'rename from', 'rename deep from', 'rename a file to'):
            continue
        one, other = told(call, there), told(call, never)
        seen.add(str(one))
        if one != other:
            differ.append([call, there, one, other])
""")
    assert kernel.value("differ[:5]") == "[]"
    assert int(kernel.value("len(seen)")) > 5, "not everything fails in the same way"
    assert (outside / "there/file").read_text() == "secret" and not (outside / "never").exists()


def test_a_path_that_leaves_costs_the_same_whatever_is_there(start, outside: Path) -> None:
    kernel = start(policy={"workspace": str(outside / "app")})
    kernel.run_ok(f"OUTSIDE = {str(outside)!r}\n{CALLS}")
    # The least of three, and what is less than the host takes for one entry of a directory: the guest's own work is not
    # always the same.
    kernel.run_ok("""
from cellblock_bridge.door import door
def cost(call, path):
    def once():
        before = door.ask('fuel')[0]['fuel']
        told(call, path)
        return door.ask('fuel')[0]['fuel'] - before
    return min(once() for _ in range(3))
ends = ('there', 'there/', 'there/file', 'there/a/b', 'there/missing', 'there/..')
differ, seen = [], 0
for call in CALLS:
    for there, never in zip(paths('there'), paths('never')):
        if not there.endswith(ends):
            continue
        if there.rpartition('/')[2].partition('-')[0] in ('abs', 'rel', 'sub') and call in ('unlink', 'rename from', 'rename deep from', 'rename a file to'):
            continue
        one, other = cost(call, there), cost(call, never)
        seen += 1
        if abs(one - other) >= 10_000:
            differ.append([call, there, one, other])
""")
    assert kernel.value("differ[:5]") == "[]"
    assert int(kernel.value("seen")) > 1000
    assert int(kernel.value("cost('stat', 'dir/sub')")) > 80_000, "it is the whole of a call's fuel"


def test_renaming_looks_at_nothing_outside(start) -> None:
    kernel = start()
    kernel.run_ok("""
import errno, os
def told(path):
    try:
        os.rename('../' * 20 + path, '/'.join('d' * 62))
    except OSError as error:
        return errno.errorcode[error.errno]
numbers = {told(path) for path in ['etc/ssl', 'etc', 'usr/lib', 'usr', 'no/such', 'nowhere', 'etc/passwd', 'proc/self']}
""")
    assert len(eval(kernel.value("numbers"))) == 1


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A workspace with directories of 1,000, 4,000 and 60,000 files."""
    for count in (1_000, 4_000, 60_000):
        directory = tmp_path / f"app/{count}"
        directory.mkdir(parents=True)
        for n in range(count):
            os.close(os.open(directory / f"file-{n:06}", os.O_CREAT | os.O_WRONLY))
    return tmp_path / "app"


def test_a_listing_takes_fuel_by_its_entries(start, many: Path) -> None:
    kernel = start(policy={"workspace": str(many), "workspace_files": 1_000_000})
    kernel.run_ok("import os\nos.listdir('1000')")
    fuel = {}
    for count in (1_000, 4_000, 60_000):
        outcome = kernel.run_ok(f"names = os.listdir('{count}')")
        assert kernel.value("len(names), names == sorted(names)") == f"({count}, True)"
        fuel[count] = outcome.usage["fuel_analysis"]["consumed"]
    for count in (4_000, 60_000):
        times = count / 1_000
        assert fuel[count] < 1.5 * times * fuel[1_000], fuel
    assert fuel[60_000] > 60_000 * 10_000, "reading an entry is charged"


def test_listings_that_nobody_reads_to_the_end_are_not_kept(start, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for n in range(30_000):
        os.close(os.open(app / f"{n:06}-{'x' * 240}", os.O_CREAT | os.O_WRONLY))
    kernel = start(policy={"workspace": str(app), "workspace_files": 1_000_000})
    kernel.run_ok("import os\nfor _ in os.scandir('.'): pass")
    resident = Resident(kernel)
    # Some 9 MB each.
    kernel.run_ok("begun = [os.scandir('.') for _ in range(6)]\nseen = [[next(names).name] for names in begun]")
    assert resident.peak > 32 * MIB, "they were there while the cell ran"
    resident.assert_given_back(16 * MIB)
    kernel.run_ok("for names, one in zip(begun[:2], seen): one.extend(entry.name for entry in names)")
    assert kernel.value("[(len(set(one)), one == sorted(one)) for one in seen[:2]]") == "[(30000, True), (30000, True)]"


ENDLESS = {
    "listing": "while True: os.listdir('60000')",
    "scanning": "while True:\n    for entry in os.scandir('60000'): pass",
    "walking": "while True:\n    for place in os.walk('/app'): pass",
    "stat": "while True: os.stat('4000/file-000001')",
    "failing stat": "while True: os.path.exists('4000/no such file')",
    "a long path": "while True: os.path.exists('4000/../' * 400)",
    "writing": "f = open('/tmp/big', 'wb', buffering=0)\nwhile True:\n    f.seek(0)\n    f.write(data)",
    "reading": "f = open('/tmp/full', 'rb', buffering=0)\nwhile True:\n    f.seek(0)\n    f.read()",
    "copying": "import shutil\nwhile True: shutil.copy('/tmp/full', '/tmp/copy')",
    "truncating": "f = open('/tmp/cut', 'wb', buffering=0)\nwhile True:\n    f.truncate(1 << 26)\n    f.truncate(0)",
    "a sparse file": "f = open('/tmp/cut', 'w+b', buffering=0)\nwhile True:\n    f.truncate(1 << 28)\n    f.seek(1 << 27)\n    f.read(1 << 20)\n    f.truncate(0)",
    "syncing": "f = open('/tmp/cut', 'wb', buffering=0)\nwhile True:\n    f.write(b'x')\n    f.seek(0)\n    os.fsync(f.fileno())",
    "randomness": "while True: os.urandom(1 << 20)",
    "making and removing": "while True:\n    open('/tmp/new', 'w').close()\n    os.remove('/tmp/new')",
    "renaming": "open('/tmp/one', 'w').close()\nwhile True:\n    os.rename('/tmp/one', '/tmp/two')\n    os.rename('/tmp/two', '/tmp/one')",
    "moving a tree": "os.makedirs('/app/deep', exist_ok=True)\nif os.path.exists('deep/2000'): os.rename('deep/2000', '2000')\nwhile True:\n    os.rename('2000', 'deep/2000')\n    os.rename('deep/2000', '2000')",
    "past the quota": "f = open('/tmp/cut', 'wb')\nwhile True:\n    try: f.truncate((10 << 30) - 1)\n    except OSError: pass",
    "far past the quota": "f = open('/tmp/cut', 'wb')\nwhile True:\n    try: f.truncate(1 << 50)\n    except OSError: pass",
    "clocks": "import time\nwhile True: time.time()",
    "polling": "import select\nwhile True: select.select([], [], [], 0)",
    "the door": "from IPython.display import clear_output\nwhile True: clear_output()",
}


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory):
    """A kernel with a small budget, with many files."""
    from policies import write_policy
    app = tmp_path_factory.mktemp("crowded") / "app"
    for count in (2_000, 4_000, 60_000):
        (app / str(count)).mkdir(parents=True)
        for n in range(count):
            os.close(os.open(app / f"{count}/file-{n:06}", os.O_CREAT | os.O_WRONLY))
    policy = write_policy(app.parent / "policy.toml", {"workspace": str(app), "workspace_files": 100_000, "fuel_budget": 4_000_000_000})
    kernel = Frontend(arguments=("--policy", str(policy)), stderr_path=app.parent / "stderr")
    kernel.run_ok("import os\ndata = bytes(64 << 20)\nopen('/tmp/full', 'wb').write(data)\nkept = ['kept']")
    yield kernel
    kernel.close()


@pytest.mark.parametrize("kind", [kind for kind in ENDLESS if kind != "the door"])  # messages have a pace, and waiting costs none
def test_what_the_host_does_is_paid_for(crowded: Frontend, kind: str) -> None:
    outcome = crowded.run(ENDLESS[kind])
    assert outcome.error and outcome.error["ename"] == "FuelExhausted", outcome.describe()
    assert outcome.usage["state"] != "rolled_back"
    assert crowded.value("kept") == "['kept']"


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_interrupt_ends_it_and_the_variables_live(crowded: Frontend, kind: str) -> None:
    cell = crowded.execute(GO + ENDLESS[kind])
    cell.wait_for_stdout("go")
    crowded.interrupt()
    outcome = cell.finish()
    # Not that of a cell that had to be stopped: it noticed within its grace time.
    assert outcome.error and outcome.error["ename"] == "KeyboardInterrupt", outcome.describe()
    assert outcome.usage["state"] != "rolled_back"
    assert crowded.value("kept") == "['kept']"


def test_a_frame_costs_by_its_structure_besides_its_bytes(crowded: Frontend) -> None:
    crowded.run_ok("""
import struct, _host
def send(frame):
    return _host.call(frame)
def frame_of(text, buffers=0):
    return struct.pack('<I', len(text)) + text + struct.pack('<I', buffers) + bytes(4 * buffers)
keys = frame_of(('{"op":"why",' + ','.join(f'"{n:06}":0' for n in range(20_000)) + '}').encode())
text = frame_of(b'{"op":"why","":"' + b'x' * (len(keys) - 26) + b'"}')
buffers = frame_of(b'{"op":"why"}', 4096)
bytes_alone = frame_of(b'{"op":"why","":"' + b'x' * (len(buffers) - 26) + b'"}')
assert len(keys) == len(text) and len(buffers) == len(bytes_alone)
""")
    fuel = {name: crowded.run_ok(f"send({name});").usage["fuel_consumed"] for name in ("text", "keys", "bytes_alone", "buffers")}
    assert fuel["keys"] > fuel["text"] + 20_000 * 1_000
    assert fuel["buffers"] > fuel["bytes_alone"] + 4096 * 500


def test_renaming_costs_by_what_it_moves(start) -> None:
    kernel = start()
    kernel.run_ok("import os\nfor count in (1, 200):\n    for n in range(count): os.makedirs(f'{count}/{n}')")
    few, many = (kernel.run_ok(f"os.rename('{count}', 'moved-{count}')").usage["fuel_consumed"] for count in (1, 200))
    assert many - few > 199 * 200_000


def test_moving_a_tree_takes_no_more_descriptors_than_it_is_deep(start) -> None:
    kernel = start()
    kernel.run_ok("import os\nfor n in range(600): os.makedirs(f'wide/{n}/below')")
    held = len(os.listdir(f"/proc/{kernel.pid}/fd"))
    _, most = resource.prlimit(kernel.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(kernel.pid, resource.RLIMIT_NOFILE, (held + 100, most))
    assert kernel.run_ok("os.rename('wide', 'moved')\nprint(len(os.listdir('moved')))").stdout == "600\n"
    assert kernel.run("os.makedirs('moved/new')\nos._exit(1)").status == "error"
    assert kernel.value("len(os.listdir('moved')), os.path.exists('moved/599/below')") == "(600, True)"


def test_removing_a_large_tree_can_be_interrupted(start, many: Path) -> None:
    kernel = start(policy={"workspace": str(many), "workspace_files": 1_000_000})
    kernel.run_ok("import os, shutil\nkept = ['kept']")
    cell = kernel.execute(GO + "shutil.rmtree('60000')\nwhile True: pass")
    cell.wait_for_stdout("go")
    kernel.interrupt()
    outcome = cell.finish()
    assert outcome.error and outcome.error["ename"] == "KeyboardInterrupt", outcome.describe()
    assert outcome.usage["state"] != "rolled_back"
    assert kernel.value("kept, len(os.listdir('4000'))") == "(['kept'], 4000)"


def test_as_much_is_written_and_read_as_was_asked_for(start) -> None:
    kernel = start()
    kernel.run_ok("""
import os
data = bytes(range(256)) * (40 << 10)
with open('/tmp/file', 'w+b', buffering=0) as file:
    assert file.write(data) == len(data)
    file.seek(0)
    assert file.read(len(data)) == data
    assert os.pwrite(file.fileno(), data, 3) == len(data)
    assert os.pread(file.fileno(), len(data), 3) == data
    assert os.pread(file.fileno(), 100, 1 << 40) == b''
    os.fsync(file.fileno())
""")
