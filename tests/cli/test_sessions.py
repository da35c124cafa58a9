"""`cellblock sessions`: the sessions that kernels have stored, and their files, without a kernel."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest

from frontend import SANDBOXED, Frontend
from program import BINARY, cellblock

pytestmark = [
    pytest.mark.skipif(BINARY is None, reason="no cellblock binary: build it, or name it in CELLBLOCK_BIN"),
    pytest.mark.skipif(not SANDBOXED, reason="a stand-in stores no sessions"),
]

NOTEBOOK = "/home/user/report.ipynb"


@dataclass
class Home:
    """A user's data directory, with kernels and commands that use it."""

    path: Path

    @property
    def env(self) -> dict[str, str]:
        return {"XDG_DATA_HOME": str(self.path), "XDG_CONFIG_HOME": str(self.path / "config")}

    def kernel(self, notebook: str = NOTEBOOK, **env: str) -> Frontend:
        return Frontend(env={**self.env, "JPY_SESSION_NAME": notebook, **env})

    def session(self, *cells: str, **env: str) -> str:
        """The id of a session of `NOTEBOOK` in which these cells were run, and that nobody holds any more."""
        kernel = self.kernel(**env)
        for cell in cells:
            kernel.run_ok(cell)
        shut_down(kernel)
        return self.only()["session_id"]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return cellblock("sessions", *arguments, env=self.env)

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def refused(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode not in (0, None) and done.stdout == "", done.stdout
        assert "panicked" not in done.stderr
        return done.stderr

    def only(self) -> dict[str, Any]:
        (listed,) = self.json("list")["sessions"]
        return listed

    def directory(self, id: str) -> Path:
        return self.path / "cellblock" / "sessions" / id


def shut_down(kernel: Frontend) -> None:
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=False)
    kernel.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield Home(tmp_path / "data")


def test_without_sessions_every_command_says_so(home: Home, tmp_path: Path) -> None:
    assert "No sessions" in home.ok("list")
    assert home.json("list") == {"sessions": []}
    for arguments in (["show", "x"], ["log", "x"], ["resume", "x"], ["fork", "x", "y"], ["export", "x", str(tmp_path / "f")],
                      ["delete", "x"], ["files", "x", "list"], ["files", "x", "get", "a"], ["files", "x", "delete", "a"]):
        assert "there is no session x" in home.refused(*arguments)
    assert not (tmp_path / "f").exists()
    for bad in ("../x", ".x", "a/b", ""):
        assert home.run("show", bad).returncode == 2
    assert "30d" in home.refused("prune", "--older-than", "soon")
    assert home.json("prune", "--older-than", "1h") == {
        "deleted_sessions": [], "skipped_sessions": [], "reclaimed_bytes": 0, "errors": {}, "dry_run": False}


def test_a_session_is_listed_shown_pruned_and_deleted(home: Home) -> None:
    kernel = home.kernel()
    kernel.run_ok("x = 1")
    kernel.run("1/0")
    held = home.only()
    assert NOTEBOOK in held["held_by"] and held["notebook"] == NOTEBOOK and held["problem"] is None
    id = held["session_id"]
    assert "held by the kernel of" in home.refused("delete", id) and "since" in home.refused("fork", id, "copy")
    assert "held" in home.refused("resume", id)
    assert home.json("prune", "--older-than", "0m")["skipped_sessions"][0]["reason"] == "held"
    shut_down(kernel)

    listed = home.only()
    assert listed["held_by"] is None and listed["bytes"] > 0 and listed["version"] == 1
    assert id in home.ok("list") and NOTEBOOK in home.ok("list")
    shown = home.json("show", id)
    assert shown["resumable"]["cell"] == 2 and shown["resumable"]["first_line"] == "1/0" and not shown["resumable"]["success"]
    assert "1/0" in home.ok("show", id)
    cells = [step for step in home.json("log", id)["steps"] if step["kind"] == "cell"]
    assert [cell["cell"] for cell in cells] == [1, 2] and [cell["current"] for cell in cells] == [False, True]
    assert all(cell["fuel_consumed"] > 0 and len(cell["code_sha256"]) == 64 for cell in cells)
    assert re.search(r"->.*\[2\].*1/0 \(failed\)", home.ok("log", id))

    assert home.json("prune", "--older-than", "30d")["deleted_sessions"] == []
    dry = home.json("prune", "--older-than", "0m", "--dry-run")
    assert dry["deleted_sessions"] == [id] and dry["reclaimed_bytes"] > 0 and dry["dry_run"]
    assert home.only()["session_id"] == id
    assert home.json("prune", "--older-than", "0m")["deleted_sessions"] == [id]
    assert not home.directory(id).exists()

    id = home.session("x = 1")
    assert home.json("delete", id)["reclaimed_bytes"] > 0
    assert home.json("list")["sessions"] == [] and not home.directory(id).exists()


def test_what_a_kernel_leaves_that_never_ran_a_cell_is_no_session(home: Home) -> None:
    kernel = home.kernel()
    kernel.ask("kernel_info_request")
    kernel.ask("complete_request", {"code": "pri", "cursor_pos": 3})  # The session is there.
    (left,) = (home.path / "cellblock" / "sessions").iterdir()
    assert home.json("list")["sessions"] == []
    home.ok("prune", "--older-than", "0m")
    assert left.exists(), "the kernel uses it"
    kernel.run_ok("open('a', 'w').write('x')")
    shut_down(kernel)
    home.ok("delete", home.only()["session_id"])

    kernel = home.kernel()
    kernel.ask("complete_request", {"code": "pri", "cursor_pos": 3})
    (left,) = (home.path / "cellblock" / "sessions").iterdir()
    kernel.process.kill()
    kernel.wait_exit()
    kernel.close()
    assert home.json("list")["sessions"] == []
    assert home.json("prune", "--older-than", "30d")["deleted_sessions"] == []
    assert not left.exists()


def test_resume_has_the_next_kernel_take_the_session_up_once(home: Home, tmp_path: Path) -> None:
    id = home.session("x = 41")
    told = home.json("resume", id)
    assert told["notebook"] == NOTEBOOK and told["resumable"]["cells"] == 1 and told["same_runtime"] is True
    assert f"CELLBLOCK_SESSION={id}" in home.ok("resume", id)
    kernel = home.kernel()
    assert kernel.value("x + 1") == "42"
    shut_down(kernel)
    kernel = home.kernel()
    assert kernel.run("x").error["ename"] == "NameError", "it was asked for once"
    shut_down(kernel)

    home.ok("resume", id)
    kernel = home.kernel()
    kernel.run_ok("y = 1")
    kernel.ask("shutdown_request", {"restart": True}, channel="control")
    kernel.wait_exit()
    kernel.close()
    home.ok("resume", id)
    kernel = home.kernel()
    assert kernel.value("y") == "1", "asked for after a restart, which begins afresh"
    shut_down(kernel)

    other = tmp_path / "other.ipynb"
    assert "no notebook" in home.refused("resume", id, "--notebook", str(other))
    other.write_text("{}")
    home.ok("resume", id, "--notebook", str(other))
    kernel = home.kernel(str(other))
    assert kernel.value("y") == "1"
    shut_down(kernel)
    assert home.only()["notebook"] == str(other)


def test_a_damaged_session_is_resumed_from_its_last_good_state_when_asked(home: Home) -> None:
    id = home.session("x = 1", "x = 2")
    records = sorted(home.directory(id).glob("log/*.rec"))
    states = [step["state"] for step in home.json("log", id)["steps"] if step["kind"] == "cell"]
    (last,) = [record for record in records if int(record.stem) == states[-1]]
    last.write_bytes(last.read_bytes()[:-1])
    before = {record: record.read_bytes() for record in records}
    for command in (["resume", id], ["log", id], ["fork", id, "copy"]):
        error = home.refused(*command)
        assert last.name in error and f"sessions resume {id} --salvage" in error and f"state is {states[0]}" in error
    shown = home.run("show", id)
    assert shown.returncode != 0 and "--salvage" in shown.stdout
    assert {record: record.read_bytes() for record in records} == before
    told = home.json("resume", id, "--salvage")
    assert told["salvaged"] and told["resumable"]["state"] == states[0]
    kernel = home.kernel()
    assert kernel.value("x") == "1"
    shut_down(kernel)


def test_a_fork_and_an_exported_session_are_sessions_of_their_own(home: Home, tmp_path: Path) -> None:
    id = home.session("x = 1; open('f', 'w').write('one')", "x = 2; open('f', 'w').write('two')")
    first = [step["state"] for step in home.json("log", id)["steps"] if step["kind"] == "cell"][0]
    assert home.json("fork", id, "earlier", "--at", str(first)) == {
        "session_id": "earlier", "forked_from": id, "state": first}
    home.ok("fork", id, "later")
    assert "already" in home.refused("fork", id, "later")
    assert "not kept" in home.refused("fork", id, "never", "--at", "999")
    file = tmp_path / "session.tar"
    assert home.json("export", id, str(file))["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    assert "--overwrite" in home.refused("export", id, str(file))
    assert "--as" in home.refused("import", str(file))
    assert home.json("import", str(file), "--as", "copy")["session_id"] == "copy"
    assert home.json("show", "later")["forked_from"] == id
    for name, value in (("earlier", "(1, 'one')"), ("later", "(2, 'two')"), ("copy", "(2, 'two')")):
        kernel = Frontend(env={**home.env, "CELLBLOCK_SESSION": name})
        assert kernel.value("(x, open('f').read())") == value
        shut_down(kernel)

    file.write_bytes(file.read_bytes()[:-2000])
    assert "session.tar" in home.refused("import", str(file), "--as", "cut")
    assert "cut" not in home.ok("list")


def test_where_the_policy_wants_uuids_no_other_ids_are_taken(home: Home, tmp_path: Path) -> None:
    id = home.session("x = 1")
    file = tmp_path / "session.tar"
    home.ok("export", id, str(file))
    policy = tmp_path / "p.toml"
    policy.write_text('[session]\nids = "uuid"')
    for command in (["fork", id, "mine"], ["import", str(file), "--as", "mine"]):
        assert "session.ids" in home.refused(*command, "--policy", str(policy))
    done = cellblock("kernel", "-f", str(tmp_path / "c.json"), "--session", "mine", "--policy", str(policy), env=home.env)
    assert done.returncode != 0 and "session.ids" in done.stderr
    home.ok("fork", id, "550e8400-e29b-41d4-a716-446655440000", "--policy", str(policy))


def test_files_are_listed_read_written_and_deleted_and_a_resume_keeps_that(home: Home, tmp_path: Path) -> None:
    id = home.session("import os; os.mkdir('data'); open('data/a.csv', 'wb').write(b'1,2\\xff')", "open('b.txt', 'w').write('b')",
                      "log = open('log', 'a'); log.write('first '); log.flush()")
    files = home.json("files", id, "list")
    assert [(f["path"], f["size"]) for f in files["files"]] == [("b.txt", 1), ("data/a.csv", 4), ("log", 6)]
    assert [f["path"] for f in home.json("files", id, "list", "*.csv")["files"]] == ["data/a.csv"]
    assert "data/a.csv" in home.ok("files", id, "list", "data/*")
    out = tmp_path / "out.csv"
    home.ok("files", id, "get", "data/a.csv", "-o", str(out))
    assert out.read_bytes() == b"1,2\xff"
    assert home.ok("files", id, "get", "b.txt") == "b"
    assert home.json("files", id, "get", "b.txt")["content"] == "Yg=="

    assert "--overwrite" in home.refused("files", id, "put", str(out), "b.txt")
    home.ok("files", id, "put", str(out), "b.txt", "--overwrite")
    home.ok("files", id, "put", str(out), "new/deep/c.csv")
    assert "--recursive" in home.refused("files", id, "delete", "data")
    assert home.json("files", id, "delete", "data", "--recursive")["deleted"] == {"files": 2, "bytes": 4}

    workspace = home.directory(id) / "workspace" / "app"
    (workspace / "link").symlink_to("/etc")
    for command in (["get", "../log"], ["get", "/etc/passwd"], ["get", "link/passwd"], ["put", str(out), "link/x"],
                    ["put", str(out), "../x"], ["delete", "..", "--recursive"], ["get", "nowhere"]):
        home.refused("files", id, *command)
    assert out.exists() and not Path("/etc/x").exists()

    home.ok("resume", id)
    kernel = home.kernel()
    assert kernel.value("sorted(os.listdir()), open('b.txt', 'rb').read(), os.listdir('new/deep')") == \
        r"(['b.txt', 'link', 'log', 'new'], b'1,2\xff', ['c.csv'])"
    kernel.run_ok("log.write('second'); log.flush()")
    assert kernel.value("open('log').read()") == "'first second'"
    assert "held by" in home.refused("files", id, "put", str(out), "x") and "log" in home.ok("files", id, "list")
    shut_down(kernel)


def test_what_is_done_is_logged_with_the_session_and_short_paths(home: Home, tmp_path: Path) -> None:
    id = home.session("x = 1")
    file = tmp_path / "f"
    file.write_text("")
    path = "d/" * 60 + "f" * 100
    log = tmp_path / "log"

    def logged(*arguments: str) -> list[dict[str, Any]]:
        log.unlink(missing_ok=True)
        done = cellblock("--log", "cellblock::event=info", "--log-format", "json", "--log-file", str(log), "sessions", *arguments, env=home.env)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in log.read_text().splitlines()]

    (event,) = logged("files", id, "put", str(file), path)
    assert event["event"] == "session.file.written" and event["session"] == id and event["path"] == path[:140]
    (event,) = logged("fork", id, "copy")
    assert event["event"] == "session.forked" and event["fork"] == "copy"
    (event,) = logged("delete", "copy")
    assert event["event"] == "session.deleted" and event["session"] == "copy"
    names = [event["event"] for event in logged("prune", "--older-than", "0m")]
    assert names == ["session.prune.started", "session.prune.deleted", "session.prune.completed"]
