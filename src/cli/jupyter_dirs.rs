//! Where Jupyter looks for kernelspecs, by the rules of `jupyter_core.paths`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context;

/// Reads one environment variable; a parameter so that tests need not change the process's own.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The process's environment; empty variables count as unset.
pub(super) fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The user's own Jupyter data directory.
pub(super) fn user(env: Env<'_>) -> anyhow::Result<PathBuf> {
    if let Some(dir) = env("JUPYTER_DATA_DIR") {
        return Ok(dir.into());
    }
    if let Some(dir) = env("XDG_DATA_HOME") {
        return Ok(PathBuf::from(dir).join("jupyter"));
    }
    let home = env("HOME").context("HOME is not set, so the user's Jupyter directory is not known")?;
    Ok(PathBuf::from(home).join(".local/share/jupyter"))
}

/// The Jupyter data directory below a prefix.
pub(super) fn of_prefix(prefix: PathBuf) -> PathBuf {
    prefix.join("share/jupyter")
}

/// The prefix of the active Python environment: a virtual or conda environment, or what `python3` says.
pub(super) fn sys_prefix(env: Env<'_>) -> Option<PathBuf> {
    if let Some(prefix) = env("VIRTUAL_ENV").or_else(|| env("CONDA_PREFIX")) {
        return Some(prefix.into());
    }
    let ask = ["-c", "import sys; print(sys.prefix)"];
    let output = ["python3", "python"].iter().find_map(|python| {
        let output = Command::new(python).args(ask).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        output.status.success().then_some(output.stdout)
    })?;
    Some(PathBuf::from(String::from_utf8(output).ok()?.trim_end()))
}

/// All data directories that Jupyter searches, in its order.
pub(super) fn all(env: Env<'_>) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> =
        env("JUPYTER_PATH").map(|paths| std::env::split_paths(&paths).collect()).unwrap_or_default();
    dirs.extend(user(env).ok());
    dirs.extend(sys_prefix(env).map(of_prefix));
    dirs.extend(["/usr/local/share/jupyter", "/usr/share/jupyter"].map(PathBuf::from));
    let mut seen = std::collections::HashSet::new();
    dirs.retain(|dir| seen.insert(dir.clone()));
    dirs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
    }

    #[test]
    fn the_users_directory_follows_jupyters_rules() {
        for (pairs, expected) in [
            (&[("HOME", "/h")][..], "/h/.local/share/jupyter"),
            (&[("HOME", "/h"), ("XDG_DATA_HOME", "/x")], "/x/jupyter"),
            (&[("HOME", "/h"), ("XDG_DATA_HOME", "/x"), ("JUPYTER_DATA_DIR", "/j")], "/j"),
        ] {
            assert_eq!(user(&with(pairs)).unwrap(), PathBuf::from(expected));
        }
        assert!(user(&with(&[])).is_err());
    }

    #[test]
    fn all_directories_come_in_jupyters_order_and_once() {
        let pairs = &[("JUPYTER_PATH", "/p:/v/share/jupyter"), ("HOME", "/h"), ("VIRTUAL_ENV", "/v")];
        let expected =
            ["/p", "/v/share/jupyter", "/h/.local/share/jupyter", "/usr/local/share/jupyter", "/usr/share/jupyter"];
        assert_eq!(all(&with(pairs)), expected.map(PathBuf::from));
    }
}
