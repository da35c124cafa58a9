//! Tests of finding and driving pip, with scripts that stand in for Python.

use std::os::unix::fs::PermissionsExt;

use super::super::progress::Silent;
use super::*;

/// An executable shell script in `dir`.
fn fake(dir: &Path, name: &str, script: &str) -> OsString {
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.into_os_string()
}

fn locked() -> Vec<Locked> {
    vec![Locked { name: "thing".into(), version: "1.0".into(), sha256: vec!["0".repeat(64)] }]
}

#[test]
fn the_first_python_with_pip_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let without = fake(dir.path(), "python3", "exit 1");
    let with = fake(dir.path(), "python", "echo pip 99 from here");
    let pip = Pip::find_among(&[without, with.clone()]).unwrap();
    assert_eq!((pip.python, pip.version.as_str()), (with, "pip 99 from here"));
}

#[test]
fn no_python_and_no_pip_say_what_was_tried_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let without = fake(dir.path(), "python3", "exit 1");
    let error = Pip::find_among(&[without, "/nowhere/python".into()]).unwrap_err().to_string();
    for part in ["python3 has no pip", "/nowhere/python is not there", PYTHON_VARIABLE] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_failing_pip_shows_its_last_lines() {
    let dir = tempfile::tempdir().unwrap();
    let python = fake(dir.path(), "python", "echo ERROR: No route to host >&2; exit 1");
    let pip = Pip { python, version: String::new() };
    let error = pip.download(&locked(), &[], dir.path(), 0, &Silent).unwrap_err();
    assert!(matches!(error, SetupError::PipFailed { .. }));
    assert!(error.to_string().contains("No route to host") && error.to_string().contains("thing==1.0"), "{error}");
}

#[test]
fn a_hash_that_pip_refuses_is_a_hash_mismatch() {
    let dir = tempfile::tempdir().unwrap();
    let script = "echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE'\n\
                  echo '  Expected sha256 aaa'\necho '       Got        bbb'\nexit 1";
    let pip = Pip { python: fake(dir.path(), "python", script), version: String::new() };
    match pip.download(&locked(), &[], dir.path(), 0, &Silent).unwrap_err() {
        SetupError::HashMismatch { expected, found, .. } => assert_eq!((&*expected, &*found), ("aaa", "bbb")),
        other => panic!("{other}"),
    }
}

#[test]
fn what_pip_downloads_lands_in_the_directory_and_nothing_else_stays() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        "while [ \"$1\" != -d ]; do shift; done; mkdir -p \"$2\"; echo wheel > \"$2/thing-1.0-py3-none-any.whl\"";
    let downloads = dir.path().join("downloads");
    fs::create_dir(&downloads).unwrap();
    let pip = Pip { python: fake(dir.path(), "python", script), version: String::new() };
    pip.download(&locked(), &[], &downloads, 0, &Silent).unwrap();
    let names: Vec<_> = fs::read_dir(&downloads).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["thing-1.0-py3-none-any.whl"]);
}

#[test]
fn a_cancelled_download_kills_pip() {
    struct Stop;
    impl Progress for Stop {
        fn stage_started(&self, _: usize, _: usize, _: &str) {}
        fn bytes(&self, _: u64, _: u64) {}
        fn message(&self, _: &str) {}
        fn stage_finished(&self, _: &str, _: Duration) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let pip = Pip { python: fake(dir.path(), "python", "exec sleep 60"), version: String::new() };
    let started = std::time::Instant::now();
    assert!(matches!(pip.download(&locked(), &[], dir.path(), 0, &Stop), Err(SetupError::Cancelled)));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn pip_ends_when_its_stdin_does() {
    let Ok(mut child) = Command::new("python3")
        .args([
            "-c",
            &PIP_WHILE_WE_LIVE.replace(
                "runpy.run_module('pip', run_name='__main__', alter_sys=True)",
                "import time; time.sleep(600)",
            ),
        ])
        .stdin(Stdio::piped())
        .spawn()
    else {
        return;
    };
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
