"""The policy: where it is looked for, what is refused and how, and `cellblock policy`."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest

from program import BINARY, cellblock

pytestmark = pytest.mark.skipif(BINARY is None, reason="no cellblock binary: build it, or name it in CELLBLOCK_BIN")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a policy of their own; gives the directory where one would be."""
    config = tmp_path / "config" / "cellblock"
    config.mkdir(parents=True, mode=0o755)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("CELLBLOCK_POLICY", raising=False)
    return config


def policy(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o644)
    return path


def shown(*arguments: str, **env: str) -> dict:
    done = cellblock("policy", "show", "--json", *arguments, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(*arguments: str, **env: str) -> str:
    """What a command says that has to fail; one line."""
    done = cellblock(*arguments, env=env)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == "" and "panicked" not in done.stderr
    assert done.stderr.startswith("cellblock: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("cellblock: ").rstrip()


# --- where it is looked for ----------------------------------------------------------------------


def test_without_a_file_the_defaults_of_the_profile_hold(home: Path) -> None:
    notebook, strict = shown(), shown("--profile", "strict")
    assert notebook["files"] == [] and notebook["config_file"] == str(home / "policy.toml")
    assert notebook["profile"] == {"value": "notebook", "from": {"default": "notebook"}}
    assert notebook["keys"]["fuel_budget"] == {"value": 1_000_000_000_000, "from": {"default": "notebook"}}
    assert notebook["keys"]["session.persist"]["value"] == "cells"
    assert notebook["keys"]["timeout_seconds"]["value"] is None
    assert strict["profile"] == {"value": "strict", "from": {"flag": "--profile"}}
    assert strict["keys"]["fuel_budget"] == {"value": 2_000_000_000, "from": {"default": "strict"}}
    assert strict["keys"]["session.persist"]["value"] == "off"
    assert strict["keys"]["workspace_bytes"]["value"] == 100 * 2**20


def test_flag_then_environment_then_the_users_own_file(home: Path, tmp_path: Path) -> None:
    own = policy(home / "policy.toml", "open_files = 11")
    environment = policy(tmp_path / "environment.toml", "open_files = 12")
    flag = policy(tmp_path / "flag.toml", "\nopen_files = 13")
    assert shown()["keys"]["open_files"] == {"value": 11, "from": {"file": str(own), "line": 1}}
    assert shown(CELLBLOCK_POLICY=str(environment))["keys"]["open_files"]["value"] == 12
    last = shown("--policy", str(flag), CELLBLOCK_POLICY=str(environment))
    assert last["keys"]["open_files"] == {"value": 13, "from": {"file": str(flag), "line": 2}}
    assert last["files"] == [str(flag)]
    assert "none.toml" in refused("policy", "show", CELLBLOCK_POLICY=str(tmp_path / "none.toml"))
    assert shown(CELLBLOCK_POLICY="")["keys"]["open_files"]["value"] == 11


def test_extended_files_lie_below_and_tables_are_merged(home: Path, tmp_path: Path) -> None:
    base = policy(tmp_path / "base.toml", 'profile = "agent"\nopen_files = 20\n[env]\nA = "1"\nB = "1"\n[session]\nundo = 3\nids = "uuid"')
    top = policy(tmp_path / "top.toml", 'extends = "base.toml"\nsession.undo = 4\n[env]\nB = "2"')
    got = shown("--policy", str(top))
    keys = got["keys"]
    assert got["files"] == [str(top), str(base)]
    assert got["profile"] == {"value": "agent", "from": {"file": str(base), "line": 1}}
    assert keys["open_files"] == {"value": 20, "from": {"file": str(base), "line": 2}}
    assert keys["env"]["value"] == {"A": "1", "B": "2"}
    assert keys["env"]["entries"] == {"A": {"file": str(base), "line": 4}, "B": {"file": str(top), "line": 4}}
    assert (keys["session.undo"]["value"], keys["session.ids"]["value"]) == (4, "uuid")
    assert keys["memory_bytes"] == {"value": 512 * 2**20, "from": {"default": "agent"}}

    policy(tmp_path / "base.toml", 'extends = "top.toml"')
    assert refused("policy", "show", "--policy", str(top)).startswith(f"{base}:1: `extends` is ")


def test_an_own_file_that_others_can_write_is_refused_and_a_named_one_is_warned_of(home: Path) -> None:
    own = policy(home / "policy.toml", "open_files = 11")
    own.chmod(0o666)
    assert f"chmod go-w {own}" in refused("policy", "show")
    named = cellblock("policy", "show", "--policy", str(own))
    assert named.returncode == 0 and f"# Warning: {own} can be written by others (mode 666)" in named.stdout
    own.chmod(0o644)
    home.chmod(0o777)
    assert f"chmod go-w {home}" in refused("policy", "show")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_an_own_file_of_another_user_is_refused(home: Path) -> None:
    own = policy(home / "policy.toml", "open_files = 11")
    os.chown(own, 12345, 12345)
    assert "belongs to another user (uid 12345)" in refused("policy", "show")


def test_every_command_that_runs_code_refuses_a_wrong_policy(home: Path, tmp_path: Path) -> None:
    own = policy(home / "policy.toml", "\nopen_files = 0")
    notebook = tmp_path / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), notebook)
    before = notebook.read_bytes()
    expected = f"{own}:2: `open_files` is 0; it takes a whole number from 8 to 65536"
    assert refused("run", str(notebook)) == expected
    assert refused("kernel", "--connection-file", str(tmp_path / "none.json")) == expected
    assert notebook.read_bytes() == before


def test_a_workspace_with_the_policy_in_it_is_refused(home: Path, tmp_path: Path) -> None:
    named = policy(tmp_path / "p.toml", "workspace = \"config\"")
    said = refused("policy", "show", "--policy", str(named))
    assert said.startswith(f"{named}:1: `workspace` is ") and f"{home / 'policy.toml'} has to lie elsewhere" in said


# --- check ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "expected"), [
    ("\n\nfule_budget = 1", ":3: there is no key `fule_budget`; did you mean `fuel_budget`?"),
    ("[session]\npersist = \"on\"", ":2: `session.persist` is \"on\"; it takes \"off\" or \"cells\""),
    ("[session]\npersits = \"off\"", ":2: there is no key `session.persits`; did you mean `session.persist`?"),
    ("persist = \"off\"", ":1: there is no key `persist`; did you mean `session.persist`?"),
    ("output.terminal = 1", ":1: `output.terminal` is 1; it takes true or false"),
    ("session.undo = 1001", ":1: `session.undo` is 1001; it takes a whole number from 0 to 1000"),
    ("profile = \"lax\"", ":1: `profile` is \"lax\"; it takes \"notebook\", \"agent\" or \"strict\""),
    ("mount_data_dir = \"none\"", ":1: `mount_data_dir` is \"none\", which does not exist; it takes the path of a directory that exists"),
    ("external_files = [\"link\"]", ":1: `external_files` is \"link\", which is a symbolic link; "),
    ("external_files = [\"a.csv\", \"sub/a.csv\"]", ":1: `external_files` has two files named \"a.csv\"; "),
    ("[mounts]\n\"/app/x\" = \"sub\"", ":2: in `mounts`, \"/app/x\" is not below /data or /mnt"),
    ("[mounts]\n\"/data/site-packages\" = \"sub\"", ":2: in `mounts`, \"/data/site-packages\" is not free"),
    ("a = ", ":1: "),
    ("open_files = 9\nopen_files = 9", ":2: "),
])
def test_check_names_the_line_the_key_the_value_and_what_is_allowed(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.csv", "sub/a.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to("a.csv")
    path = policy(tmp_path / "p.toml", text)
    said = refused("policy", "check", str(path))
    assert said.startswith(f"{path}{expected}"), said


def test_check_says_what_a_file_sets(tmp_path: Path) -> None:
    policy(tmp_path / "base.toml", "profile = \"strict\"\nopen_files = 9")
    path = policy(tmp_path / "p.toml", "extends = \"base.toml\"\n[output]\nterminal = true")
    done = cellblock("policy", "check", str(path))
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines() == [
        f"{path} is a policy; it sets output.terminal.",
        f"{tmp_path / 'base.toml'} is a policy; it sets open_files.",
        "The profile is strict.",
    ]


def test_the_file_with_every_key_is_a_policy_and_has_every_key(home: Path) -> None:
    sample = ROOT / "config" / "policy.toml"
    done = subprocess.run([BINARY, "policy", "check", str(sample)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    text = sample.read_text()
    for key in shown()["keys"]:
        assert f"{key.rsplit('.', 1)[-1]}" in text, key


# --- show and explain ----------------------------------------------------------------------------


def test_what_show_prints_is_the_same_policy(home: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "a \"b\".csv").write_text("")
    path = policy(tmp_path / "p.toml", """
profile = "agent"
memory_bytes = "1 GiB"
mount_data_dir = "data"
external_files = ['a "b".csv']
session.idle_evict = 2.5
session.store = "s3://bucket/prefix"
packages.allowed = ["Foo_Bar"]
[env]
"A b" = "quote \\" backslash \\\\ newline \\n"
[mounts]
"/mnt/x y" = "data"
""")
    printed = cellblock("policy", "show", "--policy", str(path))
    assert printed.returncode == 0, printed.stderr
    assert f"{path}:3" in printed.stdout and "default of agent" in printed.stdout
    assert tomllib.loads(printed.stdout)["env"]["A b"] == 'quote " backslash \\ newline \n'
    again = policy(tmp_path / "again.toml", printed.stdout)
    values = [{key: about["value"] for key, about in shown("--policy", str(p))["keys"].items()} for p in (path, again)]
    assert values[0] == values[1]
    assert values[0]["memory_bytes"] == 2**30 and values[0]["packages.allowed"] == ["foo-bar"]


def test_explain_gives_meaning_range_defaults_and_the_value_now(home: Path) -> None:
    own = policy(home / "policy.toml", "[session]\nresume = \"always\"")
    done = cellblock("policy", "explain", "session.resume")
    assert done.returncode == 0
    for part in ("%session resume", 'Takes "ask", "always" or "never".', 'Default: "ask".', f'Now: "always" ({own}:2).', "[session]"):
        assert part in done.stdout, done.stdout
    defaults = cellblock("policy", "explain", "memory_bytes").stdout
    assert "notebook 2 GiB, agent 512 MiB, strict 128 MiB" in defaults and "(default of notebook)" in defaults


def test_explain_knows_every_key_and_suggests_the_nearest(home: Path) -> None:
    keys = shown()["keys"]
    everything = cellblock("policy", "explain").stdout.splitlines()
    assert set(keys) | {"profile", "extends"} == {line for line in everything if not line.startswith(" ")}
    for key in (*keys, "profile", "extends"):
        assert cellblock("policy", "explain", key).returncode == 0, key
    table = cellblock("policy", "explain", "session").stdout.splitlines()
    assert {line for line in table if not line.startswith(" ")} == {key for key in keys if key.startswith("session.")}
    assert refused("policy", "explain", "memroy_bytes") == "there is no key `memroy_bytes`; did you mean `memory_bytes`?"


def test_explain_works_while_the_policy_is_broken(home: Path) -> None:
    policy(home / "policy.toml", "nonsense = 1")
    done = cellblock("policy", "explain", "fuel_budget")
    assert done.returncode == 0 and "Now: not known." in done.stdout and "`nonsense`" in done.stdout


def test_the_page_of_keys_has_every_key(home: Path) -> None:
    page = (ROOT / "docs" / "policy.md").read_text()
    for key in shown()["keys"]:
        assert f"#### `{key}`\n" in page, key
