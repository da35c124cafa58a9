//! Fetches locked packages into the cache's downloads, and finds them there again.
//!
//! A file counts only by its own SHA-256, which is taken here whatever pip has said about it.

use std::fs;
use std::path::{Path, PathBuf};

use super::cache::{Cache, make_private_dir, remove_unfinished};
use super::digest;
use super::error::{IoContext, SetupError};
use super::lockfile::Locked;
use super::pip::Pip;
use super::progress::Progress;
use crate::language::Language;

/// The wheels of `packages` for a language, in their order, downloading those that are not there yet. `total` is the
/// size of all of them where it is known.
pub fn wheels(
    cache: &Cache,
    language: &Language,
    packages: &[Locked],
    total: u64,
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>, SetupError> {
    let dir = cache.downloads();
    make_private_dir(&dir)?;
    remove_unfinished(&dir);
    let mut missing = Vec::new();
    for package in packages {
        if find(&dir, package)?.is_none() {
            missing.push(package.clone());
        }
    }
    if !missing.is_empty() {
        let pip = Pip::find()?;
        tracing::info!(python = pip.python(), packages = missing.len(), "downloading with pip");
        pip.download(&missing, language.artifact.wheels_for, &dir, total, progress)?;
    }
    packages.iter().map(|package| find(&dir, package)?.ok_or_else(|| mismatch(&dir, package))).collect()
}

/// Whether all of `packages` have been downloaded.
pub fn has_all(cache: &Cache, packages: &[Locked]) -> bool {
    packages.iter().all(|package| matches!(find(&cache.downloads(), package), Ok(Some(_))))
}

fn find(dir: &Path, package: &Locked) -> Result<Option<PathBuf>, SetupError> {
    for path in candidates(dir, package) {
        let found = digest::of_file(&path).doing("cannot read", &path)?;
        if package.sha256.contains(&found) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Files that have a wheel's name of this package.
fn candidates(dir: &Path, package: &Locked) -> Vec<PathBuf> {
    let prefix = package.wheel_prefix();
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            name.starts_with(&prefix) && name.ends_with(".whl")
        })
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

fn mismatch(dir: &Path, package: &Locked) -> SetupError {
    let found = candidates(dir, package).first().and_then(|path| digest::of_file(path).ok());
    SetupError::HashMismatch {
        what: format!("the wheel of {}=={}", package.name, package.version),
        expected: package.sha256.join(" or "),
        found: found.unwrap_or_else(|| "of no file, for none was downloaded".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(contents: &str) -> Locked {
        let sha256 = vec![digest::of_bytes(contents.as_bytes())];
        Locked { name: "Some-Thing".into(), version: "1.0".into(), sha256 }
    }

    #[test]
    fn a_wheel_counts_only_if_its_hash_matches() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("some_thing-1.0-py3-none-any.whl"), "good").unwrap();
        assert!(find(dir.path(), &package("good")).unwrap().is_some());
        assert!(find(dir.path(), &package("bad")).unwrap().is_none());
        let error = mismatch(dir.path(), &package("bad")).to_string();
        assert!(error.contains(&digest::of_bytes(b"good")) && error.contains("Some-Thing==1.0"), "{error}");
    }

    #[test]
    fn other_versions_are_not_candidates() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("some_thing-1.0.1-py3-none-any.whl"), "good").unwrap();
        assert!(candidates(dir.path(), &package("good")).is_empty());
    }
}
