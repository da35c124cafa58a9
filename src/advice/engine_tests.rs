//! Each entry at work, on facts as the bridge sends them.

use serde_json::{Value, json};

use super::*;
use crate::advice::facts::{Ended, Limits, Mount};
use crate::advice::template::blanks;

/// What a case is, besides the ordinary.
struct Given<'a> {
    facts: Value,
    code: &'a str,
    ended: Option<Ended>,
    fate: Fate,
    truncated: (bool, bool),
}

impl Default for Given<'_> {
    fn default() -> Self {
        Self { facts: Value::Null, code: "", ended: None, fate: Fate::Kept, truncated: (false, false) }
    }
}

fn limits() -> Limits {
    Limits {
        fuel: Some(3_000_000_000),
        seconds: Some(1.5),
        memory: Some(200_000_000),
        stdout: Some(20_000),
        stderr: Some(10_000),
        display: Some(100_000),
        message: Some(1_000_000),
        open_files: Some(40),
        recursion: Some(1000),
        workspace_bytes: Some(5_000_000),
        workspace_files: Some(100),
    }
}

fn guided(given: &Given<'_>) -> Option<Guidance> {
    let installed: Vec<String> =
        ["numpy", "pandas", "json", "PIL", "bs4", "sklearn", "matplotlib"].map(str::to_owned).into();
    guide(&ErrorFacts {
        facts: &given.facts,
        ended: given.ended,
        exit_code: Some(3),
        fate: given.fate,
        truncated: given.truncated,
        fuel_consumed: 3_010_000_000,
        duration_ms: 1_530,
        limits: limits(),
        code: given.code,
        installed: &installed,
        mounts: &Mount::always(),
    })
}

fn facts(types: &[&str], others: Value) -> Value {
    let mut facts = json!({"types": types});
    if let (Some(facts), Value::Object(others)) = (facts.as_object_mut(), others) {
        facts.extend(others);
    }
    facts
}

const NOT_FOUND: &[&str] =
    &["builtins.ModuleNotFoundError", "builtins.ImportError", "builtins.Exception", "builtins.BaseException"];
const NO_FILE: &[&str] = &["builtins.FileNotFoundError", "builtins.OSError", "builtins.Exception"];
const NO_RIGHT: &[&str] = &["builtins.PermissionError", "builtins.OSError", "builtins.Exception"];
const OS_ERROR: &[&str] = &["builtins.OSError", "builtins.Exception"];

#[track_caller]
fn expect(kind: ErrorType, facts: Value, code: &str, names: &[&str]) {
    says(kind, &Given { facts, code, ..Given::default() }, names);
}

#[track_caller]
fn says(kind: ErrorType, given: &Given<'_>, names: &[&str]) {
    let guidance = guided(given).unwrap_or_else(|| panic!("no guidance for {kind:?}"));
    assert_eq!(guidance.error_type, kind);
    let text = guidance.plain();
    for name in names {
        assert!(text.contains(name), "{name:?} is not in {text}");
    }
}

#[test]
fn what_the_host_saw() {
    let ended = |ended| Given {
        ended: Some(ended),
        code: "a = 1\nspin()",
        facts: facts(&["x.Y"], json!({"line": 2})),
        ..Given::default()
    };
    says(
        ErrorType::OutOfFuel,
        &ended(Ended::OutOfFuel),
        &["3,010,000,000", "3,000,000,000", "line 2: `spin()`", "fuel_budget = 7_000_000_000"],
    );
    says(ErrorType::Timeout, &ended(Ended::Timeout), &["1.5 s", "timeout_seconds", "line 2"]);
    says(ErrorType::MemoryExhausted, &ended(Ended::MemoryLimit), &["200,000,000", "memory_bytes"]);
    says(ErrorType::StackOverflow, &ended(Ended::StackOverflow), &["128 MiB"]);
    says(ErrorType::Interrupted, &ended(Ended::Interrupted), &["interrupted after 1.5 s", "`spin()`"]);
    says(ErrorType::GuestExited, &ended(Ended::Exited), &["status 3", "os._exit"]);
    says(ErrorType::StateRolledBack, &ended(Ended::Trap), &["rolled back"]);
    says(ErrorType::InvalidSessionState, &ended(Ended::HostError), &["rolled back"]);
    says(ErrorType::InvalidSessionState, &Given { fate: Fate::Lost, ..Given::default() }, &["new one"]);
    let memory = Given { fate: Fate::RolledBack, ..ended(Ended::MemoryLimit) };
    says(ErrorType::MemoryExhausted, &memory, &["rolled back"]);
    says(
        ErrorType::OutputTruncated,
        &Given { truncated: (true, false), ..Given::default() },
        &["stdout was cut at 20,000", "stdout_max_bytes"],
    );
    let both = guided(&Given { truncated: (false, true), ..Given::default() }).unwrap().plain();
    assert!(both.contains("stderr") && !both.contains("stdout_max_bytes"));
}

#[test]
fn modules() {
    let module = |name: &str| facts(NOT_FOUND, json!({"name": name}));
    expect(
        ErrorType::MissingVendoredPackage,
        module("requests"),
        "import requests",
        &["`requests`", "pip install --target DIR requests"],
    );
    expect(
        ErrorType::MissingVendoredPackage,
        module("docx"),
        "from docx import Document",
        &["--target DIR python-docx", "mammoth"],
    );
    expect(
        ErrorType::NativeExtensionMissing,
        module("torch.nn"),
        "import torch.nn as nn",
        &["`torch.nn`", "scikit-learn", "import torch.nn as nn"],
    );
    let native = facts(NOT_FOUND, json!({"name": "_curses", "reason": "native"}));
    expect(ErrorType::NativeExtensionMissing, native, "import _curses", &["_curses"]);
    expect(
        ErrorType::NativeExtensionMissing,
        facts(&["builtins.ImportError"], json!({})),
        "df.to_parquet('x')",
        &["pyarrow"],
    );
    expect(
        ErrorType::PackageNotInstalled,
        module("padnas"),
        "import padnas as pd",
        &["`padnas`", "`pandas`", "import pandas as pd"],
    );
    expect(ErrorType::PackageNotInstalled, module("beautifulsoup4"), "import beautifulsoup4", &["`bs4`"]);
    expect(ErrorType::PackageNotInstalled, module("distutils"), "", &["no longer part of Python"]);
    expect(ErrorType::PackageNotInstalled, module("my_project"), "", &["/app/my_project.py"]);
    let pip = || facts(&["IPython.core.error.UsageError"], json!({"reason": "packages"}));
    expect(ErrorType::PackageNotInstalled, pip(), "%pip install requests", &["--target DIR requests"]);
    expect(ErrorType::PackageNotInstalled, pip(), "%pip install pillow", &["`PIL` is already installed"]);
    let said = facts(NOT_FOUND, json!({"name": "helprs", "modules": ["helpers", 5, "x".repeat(500)]}));
    expect(ErrorType::PackageNotInstalled, said, "import helprs", &["`helpers`"]);
    let wrapped = facts(&["builtins.ImportError"], json!({"module": "fsspec"}));
    expect(ErrorType::MissingVendoredPackage, wrapped, "", &["`fsspec`"]);
    let name = facts(&["builtins.ImportError"], json!({"name": "helpers"}));
    assert_eq!(guided(&Given { facts: name, code: "from helpers import x", ..Given::default() }), None);
    expect(ErrorType::NativeExtensionMissing, module("matplotlib.backends.backend_tkagg"), "", &["inline"]);
    for part in ["pandas.plots", "json.fast", "pandas", "matplotlib.pyplots"] {
        assert_eq!(guided(&Given { facts: module(part), ..Given::default() }), None, "{part}");
    }
}

#[test]
fn what_a_sandbox_has_not() {
    let reason = |reason: &str| facts(OS_ERROR, json!({"reason": reason, "errno": 40}));
    let url = "pd.read_csv('https://example.com/a.csv?x=1')";
    expect(
        ErrorType::NetworkUnavailable,
        reason("network"),
        url,
        &["`https://example.com/a.csv?x=1`", "pd.read_csv('/data/a.csv')"],
    );
    expect(ErrorType::NetworkUnavailable, reason("network"), "socket.socket()", &["no network", "mount_data_dir"]);
    expect(ErrorType::SubprocessUnavailable, reason("subprocess"), "!ls -la", &["`ls -la`", "Path(\"/app\")"]);
    expect(
        ErrorType::SubprocessUnavailable,
        reason("subprocess"),
        "!pip install numpy",
        &["`numpy` is already installed"],
    );
    expect(
        ErrorType::SubprocessUnavailable,
        reason("subprocess"),
        "from multiprocessing import Pool",
        &["one process"],
    );
    let fork = facts(&["builtins.AttributeError"], json!({"reason": "subprocess", "function": "os.fork"}));
    expect(ErrorType::SubprocessUnavailable, fork, "os.fork()", &["`os.fork`"]);
    expect(ErrorType::ThreadsUnavailable, reason("threads"), "", &["single thread", "asyncio"]);
    expect(
        ErrorType::StdinUnavailable,
        facts(&["IPython.core.error.StdinNotImplementedError"], json!({})),
        "",
        &["input()"],
    );
    expect(ErrorType::OutputTruncated, reason("door"), "", &["display_max_bytes", "100,000"]);
}

#[test]
fn files() {
    let file = |types: &[&str], path: &str| facts(types, json!({"errno": 44, "filename": path}));
    expect(
        ErrorType::PathRestriction,
        file(NO_FILE, "/home/a/b.csv"),
        "x = open('/home/a/b.csv')",
        &["`/home/a/b.csv`", "x = open('/app/b.csv')"],
    );
    expect(
        ErrorType::PathRestriction,
        file(NO_FILE, "C:\\x\\b.csv"),
        "",
        &["open(\"C:\\\\x\\\\b.csv\")", "/app/b.csv"],
    );
    expect(ErrorType::PathRestriction, file(NO_FILE, "/data/x.csv"), "", &["mount_data_dir"]);
    expect(ErrorType::PathRestriction, file(NO_RIGHT, "/data/site-packages/x"), "", &["read-only"]);
    expect(ErrorType::PathRestriction, file(NO_RIGHT, "/app/a"), "os.symlink('/app/a', '/app/b')", &["links"]);
    let two = facts(NO_RIGHT, json!({"errno": 63, "filename": "/app/a", "filename2": "/b"}));
    expect(ErrorType::PathRestriction, two, "", &["`/b`"]);
    expect(
        ErrorType::PathRestriction,
        facts(OS_ERROR, json!({"unnamed_file": true})),
        "df.to_csv('/home/u/o.csv')",
        &["/home/u/o.csv"],
    );
    expect(
        ErrorType::PathRestriction,
        facts(&["sqlite3.OperationalError"], json!({"unnamed_file": true})),
        "connect('/home/u/a.db')",
        &["/home/u/a.db"],
    );
    expect(ErrorType::InvalidPath, file(NO_RIGHT, "../a.csv"), "", &["`../a.csv`", "/app/a.csv"]);
    let said = facts(&["sandbox_utils.X", "builtins.ValueError"], json!({"reason": "path", "filename": "/etc/x"}));
    expect(ErrorType::InvalidPath, said, "", &["`/etc/x`"]);
    expect(
        ErrorType::WorkspaceQuota,
        facts(OS_ERROR, json!({"errno": 51, "filename": "big"})),
        "",
        &["`big`", "5,000,000", "workspace_bytes"],
    );
    expect(
        ErrorType::WorkspaceQuota,
        facts(OS_ERROR, json!({"errno": 33, "filename": "f"})),
        "",
        &["open_files", "40"],
    );
}

#[test]
fn types_that_only_the_guest_knows() {
    expect(ErrorType::MemoryExhausted, facts(&["numpy.X", "builtins.MemoryError"], json!({})), "", &["memory_bytes"]);
    expect(
        ErrorType::MemoryExhausted,
        facts(&["builtins.ValueError"], json!({"reason": "address_space"})),
        "",
        &["4 GiB"],
    );
    expect(
        ErrorType::StackOverflow,
        facts(&["builtins.RecursionError"], json!({"line": 1, "reason": "calls"})),
        "f()",
        &["1,000", "`f()`"],
    );
    let at = json!({"line": 3, "cell": 7, "source": "  return f()", "reason": "calls"});
    let elsewhere = facts(&["builtins.RecursionError"], at);
    expect(ErrorType::StackOverflow, elsewhere, "a = 1\nb = 2\nf()", &["line 3 of cell 7: `return f()`"]);
    let tried = facts(&["builtins.ImportError"], json!({"tried": ["nothing_known", "pyarrow"]}));
    expect(ErrorType::NativeExtensionMissing, tried, "", &["pyarrow"]);
    expect(ErrorType::InvalidSessionState, facts(&["x.Y"], json!({"reason": "session"})), "", &["%session log"]);
}

#[test]
fn the_limit_of_a_recursion_is_the_one_that_holds() {
    let deep = |limit: u64| facts(&["builtins.RecursionError"], json!({"recursion_limit": limit, "reason": "calls"}));
    let text = |facts: Value| guided(&Given { facts, ..Given::default() }).unwrap().plain();
    assert!(text(deep(1_000)).contains("limit of 1,000") && text(deep(1_000)).contains("= 5000 in the policy"));
    let low = text(deep(15));
    assert!(low.contains("limit of 15") && low.contains("setrecursionlimit(1000)") && !low.contains("policy"), "{low}");
    let high = text(deep(20_000));
    assert!(high.contains("limit of 20,000") && !high.contains("1,000") && !high.contains("cache"), "{high}");
}

#[test]
fn functions_that_need_an_operating_system() {
    let missing = |function: &str, reason: &str| {
        facts(
            &["cellblock_bridge.restrictions.absent.FunctionMissing", "builtins.AttributeError"],
            json!({"function": function, "reason": reason, "name": "x"}),
        )
    };
    expect(ErrorType::SystemServiceMissing, missing("time.tzset", "system"), "", &["`time.tzset`", "ZoneInfo"]);
    expect(ErrorType::SystemServiceMissing, missing("os.mknod", "system"), "", &["`os.mknod`"]);
    expect(ErrorType::SubprocessUnavailable, missing("os.fork", "subprocess"), "", &["`os.fork`"]);
    expect(ErrorType::NetworkUnavailable, missing("smtplib.SMTP_SSL", "network"), "", &["`smtplib.SMTP_SSL`"]);
    expect(
        ErrorType::LengthExceeded,
        facts(&["builtins.OverflowError"], json!({"reason": "length"})),
        "",
        &["31 bits"],
    );
    expect(ErrorType::StackOverflow, facts(&["builtins.MemoryError"], json!({"reason": "parser"})), "", &["parser"]);
    expect(
        ErrorType::NativeExtensionMissing,
        facts(OS_ERROR, json!({"reason": "picture", "name": "JPEG"})),
        "im.save('/home/x.jpg')",
        &["JPEG", "PNG"],
    );
    expect(
        ErrorType::SubprocessUnavailable,
        facts(&["x.Y"], json!({"reason": "tool", "name": "ffmpeg"})),
        "",
        &["`ffmpeg`", "GIF"],
    );
}

#[test]
fn ordinary_bugs_get_no_guidance() {
    for (types, others, code) in [
        (&["builtins.KeyError", "builtins.LookupError"][..], json!({}), "df['x']"),
        (&["builtins.ZeroDivisionError"], json!({}), "open('/home/x'); 1/0"),
        (&["__main__.FuelExhausted"], json!({"key": "fuel_budget"}), ""),
        (&["__main__.MemoryError"], json!({}), ""),
        (&["builtins.KeyboardInterrupt"], json!({}), ""),
        (NO_FILE, json!({"errno": 44, "filename": "data.csv"}), ""),
        (NO_FILE, json!({"errno": 44, "filename": "/tmp/x"}), ""),
        (OS_ERROR, json!({}), "raise OSError('x')"),
        (OS_ERROR, json!({"own": true}), "route = '/api/v1'\nraise OSError('no')"),
        (OS_ERROR, json!({}), "route = '/api/v1'\nask(route)"),
        (NO_FILE, json!({"own": true, "filename": "/home/x"}), "raise FileNotFoundError(2, 'x', '/home/x')"),
        (OS_ERROR, json!({"own": true, "errno": 51}), "raise OSError(errno.ENOSPC, 'x')"),
        (&["builtins.MemoryError"], json!({"own": true}), "raise MemoryError"),
        (&["builtins.RecursionError"], json!({"own": true}), "raise RecursionError"),
        (&["urllib.error.URLError", "builtins.OSError"], json!({}), "urlopen('/x')"),
        (&["builtins.AttributeError"], json!({"name": "torch"}), ""),
    ] {
        let given = Given { facts: facts(types, others), code, ..Given::default() };
        assert_eq!(guided(&given), None, "{types:?} {code}");
    }
    assert_eq!(guided(&Given::default()), None);
}

#[test]
fn every_type_is_in_the_catalogue_and_every_blank_is_known() {
    let known = include_str!("case.rs");
    for kind in ErrorType::ALL {
        assert!(entries().any(|entry| entry.kind == *kind), "{kind:?}");
    }
    for entry in entries() {
        assert!(!entry.when.is_empty() && entry.when.iter().all(|row| !row.is_empty()));
        let examples = entry.examples.iter().flat_map(|example| [example.before, example.after, example.explanation]);
        for blank in entry.says.iter().copied().chain(examples).flat_map(blanks) {
            assert!(known.contains(&format!("\"{blank}\"")), "{{{blank}}} of {:?} is never filled", entry.kind);
        }
        assert!(
            entry.says.iter().any(|sentence| blanks(sentence).is_empty()),
            "{:?} may be left without words",
            entry.kind
        );
    }
}

#[test]
fn the_json_is_as_specified() {
    let guidance = guided(&Given {
        facts: facts(NOT_FOUND, json!({"name": "padnas"})),
        code: "import padnas",
        ..Given::default()
    })
    .unwrap();
    let bundle = guidance.bundle();
    let json = &bundle["application/vnd.cellblock.advice+json"];
    assert_eq!(
        json.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["error_type", "actionable_guidance", "related_docs", "code_examples"]
    );
    assert_eq!(json["error_type"], "PackageNotInstalled");
    assert_eq!(
        json["code_examples"][0].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["before", "after", "explanation"]
    );
    assert_eq!(json["code_examples"][0]["after"], "import pandas");
}

#[path = "engine_hostile_tests.rs"]
mod hostile;
