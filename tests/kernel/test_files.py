"""Files as other programs see them: permissions in archives, duplicates of open files, arrays in files."""

from __future__ import annotations

import pytest

from frontend import Frontend

pytestmark = pytest.mark.sandbox


def test_permissions_are_those_of_files_that_can_be_read(kernel: Frontend) -> None:
    kernel.run_ok("import os, stat\nopen('plain.txt', 'w').write('x')\nos.makedirs('folder', exist_ok=True)")
    kernel.run_ok("assert oct(os.stat('plain.txt').st_mode) == '0o100644' and oct(os.stat('folder').st_mode) == '0o40755'")
    kernel.run_ok("with open('plain.txt') as file: assert oct(os.fstat(file.fileno()).st_mode) == oct(os.lstat('plain.txt').st_mode) == '0o100644'")
    kernel.run_ok("entry = next(e for e in os.scandir('.') if e.name == 'folder')\nassert stat.filemode(entry.stat().st_mode) == 'drwxr-xr-x'")


def test_archives_can_be_read_elsewhere(kernel: Frontend) -> None:
    kernel.run_ok("import os, shutil, tarfile, zipfile\nos.makedirs('tree/inner', exist_ok=True)\nopen('tree/inner/a.txt', 'w').write('a')")
    kernel.run_ok("tar = tarfile.open(shutil.make_archive('one', 'gztar', 'tree'))\nmodes = {m.name: oct(m.mode) for m in tar}")
    assert kernel.value("modes['./inner'], modes['./inner/a.txt']") == "('0o755', '0o644')"
    kernel.run_ok("with zipfile.ZipFile(shutil.make_archive('two', 'zip', 'tree')) as z: modes = {i.filename: oct(i.external_attr >> 16) for i in z.infolist()}")
    assert kernel.value("modes['inner/'], modes['inner/a.txt']") == "('0o40755', '0o100644')"
    kernel.run_ok("shutil.copy('tree/inner/a.txt', 'copied.txt'); shutil.copytree('tree', 'other', dirs_exist_ok=True)\nassert open('other/inner/a.txt').read() == 'a'")


def test_arrays_are_written_to_files_and_read_from_them(kernel: Frontend) -> None:
    kernel.run_ok("import numpy as np\nnp.arange(5, dtype='i4').tofile('t.bin')")
    assert kernel.value("np.fromfile('t.bin', dtype='i4').tolist(), np.fromfile('t.bin', dtype='i4', offset=8, count=2).tolist()") == "([0, 1, 2, 3, 4], [2, 3])"
    kernel.run_ok("with open('t.bin', 'rb') as f:\n    f.read(4)\n    found = np.fromfile(f, dtype='i4', count=2).tolist(), f.tell(), np.frombuffer(f.read(4), 'i4').tolist()")
    assert kernel.value("found") == "([1, 2], 12, [3])"
    kernel.run_ok("with open('t.bin', 'r+b') as f:\n    f.seek(4)\n    np.array([9, 8], dtype='i4').tofile(f)\n    where = f.tell()\n    f.write(b'abcd')")
    assert kernel.value("where, np.fromfile('t.bin', dtype='i4')[:3].tolist(), open('t.bin', 'rb').read()[12:16]") == "(12, [0, 9, 8], b'abcd')"
    kernel.run_ok("with open('t.bin', 'ab') as f: np.array([7], 'i4').tofile(f)")
    assert kernel.value("np.fromfile('t.bin', dtype='i4')[-1].item()") == "7"
    kernel.run_ok("np.array([1.5, 2]).tofile('t.txt', sep=',')")
    assert kernel.value("open('t.txt').read(), np.fromfile('t.txt', sep=',').tolist()") == "('1.5,2.0', [1.5, 2.0])"
    kernel.run_ok("import scipy.io.wavfile as wav\nwav.write('t.wav', 8000, np.arange(100, dtype='i2'))")
    assert kernel.value("wav.read('t.wav')[0], wav.read('t.wav')[1][:4].tolist()") == "(8000, [0, 1, 2, 3])"
    kernel.run_ok("np.save('t.npy', np.arange(3)); np.savez('t.npz', x=np.arange(3))")
    assert kernel.value("np.load('t.npy').tolist(), np.load('t.npz')['x'].tolist()") == "([0, 1, 2], [0, 1, 2])"


def test_a_duplicate_shares_the_offset(kernel: Frontend) -> None:
    kernel.run_ok("import os\nopen('d.txt', 'w').write('0123456789')\none = os.open('d.txt', os.O_RDWR)\ntwo = os.dup(one)\nassert one != two")
    assert kernel.value("os.read(one, 3), os.read(two, 3), os.lseek(one, 0, os.SEEK_CUR)") == "(b'012', b'345', 6)"
    kernel.run_ok("os.close(one)")
    assert kernel.value("os.read(two, 2)") == "b'67'"
    kernel.run_ok("three = os.dup(two)\nos.write(three, b'XY')\nos.close(two)\nos.close(three)")
    assert kernel.value("open('d.txt').read()") == "'01234567XY'"
    assert kernel.run("os.read(two, 1)").error["ename"] == "OSError"


def test_duplicates_are_duplicates_after_a_roll_back(start) -> None:
    kernel = start()
    kernel.run_ok("import os\nopen('d.txt', 'w').write('0123456789')\none = os.open('d.txt', os.O_RDONLY)\ntwo = os.dup(one)\nthree = os.dup(one)\nos.read(two, 2)")
    assert kernel.run("os.read(one, 5)\nos._exit(3)").usage["state"] == "rolled_back"
    assert kernel.value("os.read(three, 2), os.read(one, 2), os.read(two, 2)") == "(b'23', b'45', b'67')"
    assert kernel.run("os._exit(3)").usage["state"] == "rolled_back"
    # The one that the others are duplicates of goes while all are asleep.
    kernel.run_ok("os.close(one)\nfour = os.open('d.txt', os.O_RDONLY)\nassert four == one and os.read(four, 1) == b'0'")
    assert kernel.value("os.read(two, 1), os.read(three, 1), os.read(four, 1)") == "(b'8', b'9', b'1')"


@pytest.mark.parametrize("what", ["0", "1", "2", "99", "-1", "3"])
def test_what_is_no_file_of_the_cells_is_not_duplicated(kernel: Frontend, what: str) -> None:
    assert kernel.run(f"import os\nos.dup({what})").error["ename"] == "OSError"


@pytest.mark.parametrize("call", ["os.dup(99)", "os.dup(-1)", "os.dup2(99, 50)", "os.dup2(99, 99)", "os.dup2(fd, -1)", "os.dup2(fd, 10**6)"])
def test_a_number_that_is_none_is_a_bad_descriptor(kernel: Frontend, call: str) -> None:
    kernel.run_ok("import errno, os\nfd = os.open('x.txt', os.O_CREAT | os.O_RDWR)")
    assert kernel.run(call).error["ename"] == "OSError"
    kernel.run_ok(f"try: {call}\nexcept OSError as error: found = error\nos.close(fd)")
    assert kernel.value("errno.errorcode[found.errno]") == "'EBADF'"


def test_a_duplicate_gets_the_number_that_is_asked_for(kernel: Frontend) -> None:
    kernel.run_ok("import os\none = os.open('d2.txt', os.O_CREAT | os.O_TRUNC | os.O_RDWR)\nother = os.open('o2.txt', os.O_CREAT | os.O_TRUNC | os.O_RDWR)")
    kernel.run_ok("assert os.dup2(one, one + 9) == one + 9\nos.write(one + 9, b'hello')\nos.lseek(one, 1, os.SEEK_SET)")
    assert kernel.value("os.read(one + 9, 3), os.dup2(one, one) == one") == "(b'ell', True)"
    # What had the number is closed, and nothing in between is left open.
    assert kernel.value("os.dup2(one, other) == other, os.pread(other, 5, 0), os.path.getsize('o2.txt')") == "(True, b'hello', 0)"
    assert kernel.value("os.open('d2.txt', os.O_RDONLY) == max(one, other) + 1") == "True"


@pytest.mark.sandbox
@pytest.mark.parametrize("call", ["os.dup2(1, 5)", "os.dup2(fd, 1)"])
def test_a_text_stream_is_not_duplicated_and_the_advice_says_what_to_do(kernel: Frontend, call: str) -> None:
    outcome = kernel.run(f"import os\nfd = os.open('x.txt', os.O_CREAT | os.O_RDWR)\n{call}")
    assert outcome.error["ename"] == "OSError" and "redirect_stdout" in str(outcome.usage["error_guidance"]), outcome.describe()


def test_duplicates_count_as_open_files(start) -> None:
    kernel = start(policy={"open_files": 20})
    kernel.run_ok("import errno, os, sys\nfd = os.open('x.txt', os.O_CREAT | os.O_RDWR)\nfds = []")
    error = kernel.run("for _ in range(30): fds.append(os.dup(fd))").error
    assert error and error["ename"] == "OSError", error
    assert 5 < int(kernel.value("len(fds)")) < 20
    assert kernel.value("errno.errorcode[sys.last_value.errno], sys.last_value.filename") == "('EMFILE', None)"
    kernel.run_ok("for fd in fds: os.close(fd)\nopen('x.txt').close()")
