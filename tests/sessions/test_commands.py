"""`cellblock sessions` against sessions that kernels left: through S3, with hostile files in the workspace, with damage; and that it tells
the same as the notebook does. What each command says and does is tested in `tests/cli/test_sessions.py`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest

from notebook import Notebook, tree
from policies import write_policy
from program import BINARY, cellblock
from s3 import Bucket
from stored import seal, to_resume

pytestmark = pytest.mark.skipif(BINARY is None, reason="no cellblock binary: build it, or name it in CELLBLOCK_BIN")


@dataclass
class Commands:
    """The commands of one user, with one policy."""

    notebook: Notebook

    def run(self, *arguments: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        self.notebook.data.mkdir(exist_ok=True)
        policy = write_policy(self.notebook.data / "commands.toml", {"session": self.notebook.session})
        return cellblock("sessions", *map(str, arguments), "--policy", str(policy), env=self.notebook.environment(), timeout=timeout)

    def json(self, *arguments: str | Path) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refused(self, *arguments: str | Path, says: str = "") -> str:
        done = self.run(*arguments)
        assert done.returncode != 0 and not done.stdout, done
        assert says in done.stderr and "panicked" not in done.stderr, done.stderr
        return done.stderr


@pytest.fixture
def commands(notebook: Notebook) -> Commands:
    return Commands(notebook)


def left(notebook: Notebook, *cells: str) -> str:
    """A session that a kernel left that was killed; its id."""
    kernel = notebook.open()
    for cell in cells:
        kernel.run_ok(cell)
    text = kernel.run_ok("%session").stdout
    notebook.kill(kernel)
    found = re.search(r"session ([0-9a-f-]{36})", text)
    assert found, text
    return found[1]


FILES = ("import os; os.makedirs('data/deep'); open('data/a.csv', 'w').write('1,2'); open('data/deep/b.bin', 'wb').write(bytes(range(256)))",
         "open('ünï çødé.txt', 'w').write('hello'); x = 1")


def test_the_log_tells_what_the_notebook_and_the_records_tell(notebook: Notebook, commands: Commands) -> None:
    id = left(notebook, "x = 1", "x = 2", "x = 3", "%session undo")
    cells = [step for step in commands.json("log", id)["steps"] if step["kind"] == "cell"]
    assert [cell["first_line"] for cell in cells] == ["x = 1", "x = 2", "x = 3"]
    [current] = [cell for cell in cells if cell["current"]]
    assert current["first_line"] == "x = 2" == to_resume(notebook.session_dir())["first_line"]
    kernel = notebook.open(resume="always")
    assert "-> " in kernel.run_ok("%session log").stdout and kernel.value("x") == "2"


def test_all_of_it_through_s3(notebook: Notebook, bucket: Bucket, notebooks: Callable[..., Notebook], tmp_path: Path) -> None:
    """And a session moves from here to there as a file."""
    here = Commands(notebooks("/home/user/other.ipynb", data=tmp_path / "here"))
    id = left(here.notebook, *FILES)
    file = tmp_path / "session.tar"
    here.json("export", id, file)

    notebook.env, notebook.session = bucket.env, {"store": bucket.url}
    there = Commands(notebook)
    assert there.json("import", file)["session_id"] == id
    assert [listed["session_id"] for listed in there.json("list")["sessions"]] == [id]
    there.json("fork", id, "copy")
    shown = there.json("show", "copy")
    assert shown["forked_from"] == id and shown["files"]["count"] == 3, shown
    assert [found["path"] for found in there.json("files", id, "list")["files"]] == ["data/a.csv", "data/deep/b.bin", "ünï çødé.txt"]
    assert there.run("files", id, "get", "data/a.csv").stdout == "1,2"
    kernel = notebook.open(id="copy")
    kernel.run_ok("pass")
    assert kernel.value("x, open('data/deep/b.bin', 'rb').read() == bytes(range(256))") == "(1, True)"
    notebook.shut_down(kernel)
    for session in (id, "copy"):
        assert there.json("delete", session)["reclaimed_bytes"] > 0
    assert there.json("list")["sessions"] == []
    assert [key for key in bucket.keys() if "/sessions/" in key] == []
    assert here.json("show", id)["resumable"], "the one here was deleted"


def test_a_session_that_was_exported_and_imported_is_the_same(notebook: Notebook, commands: Commands, tmp_path: Path) -> None:
    id = left(notebook, *FILES, "def squares():\n    for n in range(9): yield n * n\ngenerator = squares(); next(generator), next(generator)",
              "file = open('data/a.csv'); file.read(2)")
    before = notebook.files()
    file = tmp_path / "session.tar"
    commands.json("export", id, file)
    commands.json("delete", id)
    assert notebook.sessions() == []
    commands.json("import", file)
    kernel = notebook.open(id=id)
    kernel.run_ok("pass")
    assert notebook.files(id) == before
    assert kernel.value("next(generator), file.read(), x") == "(4, '2', 1)"
    kernel.run_ok("%session undo 2")  # what was run here
    kernel.run_ok("%session undo 2")  # the file, and the generator
    assert kernel.value("'generator' in globals()") == "False"


# --- hostile files -------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory with a secret, which nothing may reach from a workspace."""
    directory = tmp_path / "outside"
    (directory / "data").mkdir(parents=True)
    (directory / "secret").write_text("secret")
    (directory / "data" / "a.csv").write_text("secret")
    return directory


def test_links_in_the_workspace_are_not_followed(notebook: Notebook, commands: Commands, outside: Path, tmp_path: Path) -> None:
    id = left(notebook, *FILES)
    app = notebook.session_dir() / "workspace" / "app"
    (app / "file").symlink_to(outside / "secret")
    (app / "directory").symlink_to(outside)
    (app / "dangling").symlink_to(outside / "not there")
    (app / "loop").symlink_to("loop")
    (app / "up").symlink_to("..")
    before = tree(outside)
    new = tmp_path / "new"
    new.write_text("new")
    for name in ("file", "directory/secret", "dangling", "loop", "up/session.json", "up/app/data/a.csv"):
        text = commands.run("files", id, "get", name)
        assert text.returncode != 0 and "secret" not in text.stdout, name
        for overwrite in ((), ("--overwrite",)):
            commands.run("files", id, "put", new, name, *overwrite)
            assert tree(outside) == before, name
    for name in ("directory/secret", "directory/data", "up", "up/tmp"):
        commands.run("files", id, "delete", name, "--recursive")
        assert tree(outside) == before, name
    listed = [found["path"] for found in commands.json("files", id, "list")["files"]]
    assert "data/a.csv" in listed and not [path for path in listed if path.startswith(("directory/", "up/", "loop/"))], listed
    commands.run("delete", id)
    assert tree(outside) == before
    assert (notebook.store() / "sessions").exists()


def test_a_directory_that_was_replaced_by_a_link_is_not_entered(notebook: Notebook, commands: Commands, outside: Path, tmp_path: Path) -> None:
    id = left(notebook, *FILES)
    replaced = notebook.session_dir() / "workspace" / "app" / "data"
    shutil.rmtree(replaced)
    replaced.symlink_to(outside / "data")
    before = tree(outside)
    new = tmp_path / "new"
    new.write_text("new")
    assert "secret" not in commands.run("files", id, "get", "data/a.csv").stdout
    for arguments in (["put", new, "data/a.csv", "--overwrite"], ["put", new, "data/fresh"], ["delete", "data/a.csv"],
                      ["delete", "data", "--recursive"], ["list"]):
        commands.run("files", id, *arguments)
        assert tree(outside) == before, arguments
    commands.run("delete", id)
    assert tree(outside) == before


@pytest.mark.parametrize("path", ["../session.json", "../../x", "/etc/passwd", "data/../../../session.json", "data/../../app/data/a.csv", "..", "",
                                  "data/a.csv/..", "../app/data/a.csv", "/app/../session.json", "a" * 5000, "~/x/../../.."])
def test_paths_that_lead_out_of_the_workspace_are_refused(notebook: Notebook, commands: Commands, path: str, tmp_path: Path) -> None:
    id = left(notebook, *FILES)
    before = everything_but_records(notebook)
    new = tmp_path / "new"
    new.write_text("new")
    commands.refused("files", id, "get", path)
    commands.refused("files", id, "put", new, path, "--overwrite")
    commands.refused("files", id, "delete", path, "--recursive")
    assert everything_but_records(notebook) == before


def everything_but_records(notebook: Notebook) -> dict[str, bytes]:
    """All of the store; a command that may write holds the session, which is recorded before it is refused."""
    its_own = re.compile(r"sessions/[^/]+/(log/.|lease/.|session\.json$)|policy-|commands\.toml")
    return {name: content for name, content in tree(notebook.data).items() if not its_own.search(name)}


def test_what_is_no_file_does_not_hold_anything_up(notebook: Notebook, commands: Commands, tmp_path: Path) -> None:
    id = left(notebook, *FILES)
    os.mkfifo(notebook.session_dir() / "workspace" / "app" / "pipe")
    commands.refused("files", id, "get", "pipe")
    commands.refused("files", id, "get", "data")
    commands.refused("files", id, "put", tmp_path, "x")
    assert commands.json("files", id, "list")["files"]


def test_put_replaces_a_file_and_not_what_it_shares_with_others(notebook: Notebook, commands: Commands, outside: Path, tmp_path: Path) -> None:
    """A hard link in the workspace to a file elsewhere; and the session's own stored contents."""
    id = left(notebook, *FILES)
    os.link(outside / "secret", notebook.session_dir() / "workspace" / "app" / "linked")
    new = tmp_path / "new"
    new.write_text("new")
    commands.json("files", id, "put", new, "linked", "--overwrite")
    assert (outside / "secret").read_text() == "secret"
    commands.json("files", id, "put", new, "data/a.csv", "--overwrite")
    assert notebook.files()["data/a.csv"] == b"new"


# --- damage --------------------------------------------------------------------------------------


def test_prune_says_why_it_leaves_sessions_alone(notebook: Notebook, commands: Commands, notebooks: Callable[..., Notebook]) -> None:
    ids = [left(notebooks(f"/home/user/{n}.ipynb"), f"x = {n}") for n in range(5)]
    young, cut, missing, time, held = ids
    at = lambda id: notebook.store() / "sessions" / id / "session.json"  # noqa: E731
    at(cut).write_bytes(at(cut).read_bytes()[:-20])
    at(missing).unlink()
    seal(at(time), {"created_at": "yesterday, I think"})
    kernel = notebook.open(id=held)
    kernel.run_ok("pass")
    # What the kernel itself goes on to write is not the dry run's doing.
    before = everything_but_records(notebook)
    dry = commands.json("prune", "--older-than", "0m", "--dry-run")
    assert {skipped["session_id"]: skipped["reason"] for skipped in dry["skipped_sessions"]} == {
        cut: "corrupted_metadata", missing: "missing_metadata", time: "corrupted_timestamp", held: "held"}
    assert dry["deleted_sessions"] == [young] and dry["errors"] == {} and dry["reclaimed_bytes"] > 0
    assert everything_but_records(notebook) == before and all((notebook.store() / "sessions" / id / "log").exists() for id in ids)
    listed = {found["session_id"]: found for found in commands.json("list")["sessions"]}
    assert sorted(listed) == sorted(ids)
    assert all(listed[id]["problem"] for id in (cut, missing, time)) and not listed[young]["problem"]
    assert dry["reclaimed_bytes"] == listed[young]["bytes"]
    done = commands.json("prune", "--older-than", "0m")
    assert {**done, "dry_run": True} == dry
    assert {found["session_id"] for found in commands.json("list")["sessions"]} == set(ids) - {young}
    for id in (cut, missing, time):
        commands.json("delete", id)


def test_strange_things_among_the_sessions_are_no_obstacle(notebook: Notebook, commands: Commands, outside: Path) -> None:
    id = left(notebook, "x = 1")
    sessions = notebook.store() / "sessions"
    (sessions / "a file").write_text("")
    (sessions / "with spaces").mkdir()
    (sessions / "link").symlink_to(outside)
    assert id in [found["session_id"] for found in commands.json("list")["sessions"]]
    # What cannot be a session's name is an error, and does not keep the others.
    assert list(json.loads(commands.run("prune", "--older-than", "0m", "--json").stdout)["errors"]) == ["with spaces"]
    assert id not in [found["session_id"] for found in commands.json("list")["sessions"]]
    assert (outside / "secret").read_text() == "secret" and (sessions / "a file").exists()


def test_a_hostile_archive_is_refused_and_leaves_nothing(notebook: Notebook, commands: Commands, tmp_path: Path, outside: Path) -> None:
    import io
    import tarfile

    id = left(notebook, *FILES)
    good = tmp_path / "good.tar"
    commands.json("export", id, good)
    with tarfile.open(good) as archive:
        members = [(member, archive.extractfile(member).read() if member.isfile() else b"") for member in archive.getmembers()]

    def refuse(name: str, change: Callable[[tarfile.TarFile], None]) -> None:
        bad = tmp_path / f"{name}.tar"
        with tarfile.open(bad, "w") as archive:
            for member, content in members:
                archive.addfile(member, io.BytesIO(content))
            change(archive)
        commands.refused("import", bad, "--as", "imported")
        assert not [name for name in tree(notebook.store() / "sessions" / "imported") if not name.endswith("/")], name
        assert "imported" not in [found["session_id"] for found in commands.json("list")["sessions"]]
        assert sorted(path.name for path in outside.iterdir()) == ["data", "secret"], name

    def member(name: str, **fields: Any) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        for key, value in fields.items():
            setattr(info, key, value)
        return info

    refuse("up", lambda archive: archive.addfile(member("../../../x", size=1), io.BytesIO(b"x")))
    refuse("absolute", lambda archive: archive.addfile(member(f"{outside}/x", size=1), io.BytesIO(b"x")))
    refuse("link", lambda archive: archive.addfile(member("blobs/x", type=tarfile.SYMTYPE, linkname=str(outside))))
    refuse("more", lambda archive: archive.addfile(member("log/00000000000000009999.rec", size=1), io.BytesIO(b"x")))
    refuse("device", lambda archive: archive.addfile(member("dev", type=tarfile.CHRTYPE)))
    for n, at in enumerate(range(1000, good.stat().st_size, good.stat().st_size // 10)):
        bad = tmp_path / f"flipped-{n}.tar"
        data = bytearray(good.read_bytes())
        data[at] ^= 0x10
        bad.write_bytes(data)
        done = commands.run("import", bad, "--as", f"flipped-{n}")
        # A byte of padding may be anything.
        assert "panicked" not in done.stderr and (done.returncode != 0 or commands.run("show", f"flipped-{n}").returncode == 0), done
