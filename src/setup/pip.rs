//! The user's own Python and pip: finding them, and downloading with them.
//!
//! Packages are asked for by name, so that the mirrors, proxies and certificates which the user configured
//! are used; no registry's address is known here.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::error::{IoContext, SetupError};
use super::lockfile::Locked;
use super::progress::Progress;

/// The variable that names the interpreter whose pip is used.
pub const PYTHON_VARIABLE: &str = "CELLBLOCK_PYTHON";

/// pip's lines are cut here: its warnings carry whole Python objects.
const LONGEST_LINE: usize = 200;

/// `python -m pip`, which ends when its stdin does: a process that is killed closes the other end, and so leaves
/// no pip behind.
const PIP_WHILE_WE_LIVE: &str = "import os, runpy, sys, threading\n\
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()\n\
    sys.argv[0] = 'pip'\n\
    runpy.run_module('pip', run_name='__main__', alter_sys=True)";

/// An interpreter that has pip.
#[derive(Debug, Clone)]
pub struct Pip {
    python: OsString,
    /// What `pip --version` said.
    pub version: String,
}

impl Pip {
    /// The interpreter that `CELLBLOCK_PYTHON` names and no other, or else the first of `python3` and
    /// `python` that has pip.
    pub fn find() -> Result<Self, SetupError> {
        let candidates = match std::env::var_os(PYTHON_VARIABLE).filter(|value| !value.is_empty()) {
            Some(named) => vec![named],
            None => vec!["python3".into(), "python".into()],
        };
        Self::find_among(&candidates)
    }

    fn find_among(candidates: &[OsString]) -> Result<Self, SetupError> {
        let mut tried = Vec::new();
        for python in candidates {
            let shown = python.to_string_lossy();
            match Command::new(python).args(["-m", "pip", "--version"]).stdin(Stdio::null()).output() {
                Ok(output) if output.status.success() => {
                    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                    return Ok(Self { python: python.clone(), version });
                }
                Ok(_) => tried.push(format!("{shown} has no pip")),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    tried.push(format!("{shown} is not there"))
                }
                Err(error) => tried.push(format!("{shown}: {error}")),
            }
        }
        Err(SetupError::NoPython { tried: tried.join(", ") })
    }

    /// The interpreter, for messages.
    pub fn python(&self) -> String {
        self.python.to_string_lossy().into_owned()
    }

    /// Where `package` is installed in this Python, if it is there in exactly this version.
    pub fn installed(&self, package: &str, version: &str) -> Option<PathBuf> {
        // The distribution's metadata are read; nothing of the package itself is run.
        const ASK: &str = "import sys, importlib.metadata as m\n\
            d = m.distribution(sys.argv[1])\n\
            print(d.version); print(d.locate_file(sys.argv[1].replace('-', '_')))";
        let output = Command::new(&self.python)
            .args(["-c", ASK, package])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let (found, path) = text.trim_end().split_once('\n')?;
        (output.status.success() && found == version).then(|| PathBuf::from(path))
    }

    /// Downloads `packages` as wheels into `dir`, those for what pip's arguments `wheels_for` say. `total` is their size where it is known, 0 otherwise. The
    /// caller checks the hashes of what is there afterwards.
    pub fn download(
        &self,
        packages: &[Locked],
        wheels_for: &[&str],
        dir: &Path,
        total: u64,
        progress: &dyn Progress,
    ) -> Result<(), SetupError> {
        let temp = tempfile::Builder::new()
            .prefix(super::cache::UNFINISHED)
            .tempdir_in(dir)
            .doing("cannot create a directory in", dir)?;
        let lock = temp.path().join("requirements.txt");
        let text: String = packages.iter().map(Locked::to_requirement).collect();
        fs::write(&lock, text).doing("cannot write", &lock)?;
        let log = temp.path().join("pip.log");
        let (out, work) = (temp.path().join("wheels"), temp.path().join("tmp"));
        fs::create_dir(&work).doing("cannot create", &work)?;
        let child = self.start(&lock, wheels_for, &out, &work, &log)?;
        watch(child, &[&out, &work], &log, total, progress)
            .and_then(|succeeded| if succeeded { Ok(()) } else { Err(self.failure(packages, &log)) })?;
        for entry in fs::read_dir(&out).doing("cannot read", &out)? {
            let path = entry.doing("cannot read", &out)?.path();
            let name = path.file_name().unwrap_or_default();
            fs::rename(&path, dir.join(name)).doing("cannot write", &dir.join(name))?;
        }
        Ok(())
    }

    fn start(
        &self,
        lock: &Path,
        wheels_for: &[&str],
        out: &Path,
        work: &Path,
        log: &Path,
    ) -> Result<Child, SetupError> {
        let log_file = File::create(log).doing("cannot write", log)?;
        let both = log_file.try_clone().doing("cannot write", log)?;
        let mut command = Command::new(&self.python);
        command
            .args(["-c", PIP_WHILE_WE_LIVE, "download", "--no-deps", "--only-binary=:all:", "--require-hashes"])
            .args(["--no-input", "--disable-pip-version-check", "--progress-bar=off"])
            .args(wheels_for)
            .arg("-r")
            .arg(lock)
            .arg("-d")
            .arg(out)
            // pip downloads into its temporary directory first; here its growth can be watched.
            .env("TMPDIR", work)
            .stdin(Stdio::piped())
            .stdout(log_file)
            .stderr(both)
            .spawn()
            .map_err(|error| SetupError::NoPython { tried: format!("{}: {error}", self.python()) })
    }

    fn failure(&self, packages: &[Locked], log: &Path) -> SetupError {
        let what = match packages {
            [one] => format!("{}=={}", one.name, one.version),
            many => format!("{} packages", many.len()),
        };
        let lines = last_lines(log, 8);
        if lines.contains("DO NOT MATCH THE HASHES") {
            let after = |word: &str| {
                let rest = lines.split(word).nth(1).unwrap_or_default();
                rest.split_whitespace().next().unwrap_or("unknown").to_owned()
            };
            return SetupError::HashMismatch { what, expected: after("Expected sha256"), found: after("Got") };
        }
        SetupError::PipFailed { what, python: self.python(), last_lines: lines }
    }
}

/// Waits for pip, telling how much it has; whether it succeeded.
fn watch(
    mut child: Child,
    dirs: &[&Path],
    log: &Path,
    total: u64,
    progress: &dyn Progress,
) -> Result<bool, SetupError> {
    let mut said = String::new();
    loop {
        if let Some(status) = child.try_wait().doing("cannot wait for pip, logging to", log)? {
            return Ok(status.success());
        }
        if progress.cancelled() {
            let _ = child.kill().and_then(|()| child.wait());
            return Err(SetupError::Cancelled);
        }
        progress.bytes(dirs.iter().map(|dir| size_of(dir)).sum(), total);
        // pip's retries are the one thing that explains a long silence.
        let warning = last_lines(log, 1);
        if warning.starts_with("WARNING") && warning != said {
            progress.message(&warning);
            said = warning;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Bytes in the files below `dir`; files that vanish meanwhile count nothing.
fn size_of(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn last_lines(log: &Path, count: usize) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(count)..).unwrap_or_default();
    let cut: Vec<String> = last.iter().map(|line| line.chars().take(LONGEST_LINE).collect()).collect();
    cut.join("\n")
}

#[cfg(test)]
#[path = "pip_tests.rs"]
mod tests;
