//! The files that a policy grants in `/external`: copied when a session starts, so that what the guest reads is
//! what was granted, whatever becomes of the originals.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Why a file could not be given to the guest.
#[derive(Debug, thiserror::Error)]
#[error("`external_files`: {} {problem}", path.display())]
pub struct ExternalError {
    path: PathBuf,
    problem: String,
}

/// Copies `files` flat into the empty directory `into`; none may be larger than `most` bytes.
///
/// # Errors
/// A file that is missing, a link or no regular file, too large, or named like another one.
pub fn copy(files: &[PathBuf], most: u64, into: &Path) -> Result<(), ExternalError> {
    for path in files {
        let wrong = |problem: String| ExternalError { path: path.clone(), problem };
        let name = path.file_name().ok_or_else(|| wrong("has no file name".to_owned()))?;
        // Opened once, and everything is looked at on what was opened.
        let file = rustix::fs::open(
            path,
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK,
            Mode::empty(),
        )
        .map_err(|error| wrong(format!("cannot be opened: {}", std::io::Error::from(error))))?;
        let file = File::from(file);
        let metadata = file.metadata().map_err(|error| wrong(error.to_string()))?;
        if !metadata.is_file() {
            return Err(wrong("is not a regular file".to_owned()));
        }
        let mut copy = File::create_new(into.join(name)).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => wrong("has the same name as another one".to_owned()),
            _ => wrong(format!("cannot be copied: {error}")),
        })?;
        let copied = std::io::copy(&mut file.take(most.saturating_add(1)), &mut copy)
            .map_err(|error| wrong(format!("cannot be copied: {error}")))?;
        if copied > most {
            let _ = fs::remove_file(into.join(name));
            return Err(wrong(format!("is larger than `external_max_bytes`, {most} bytes")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_copied_and_what_is_not_a_plain_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a.csv"), "12345").unwrap();
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("sub/a.csv"), "x").unwrap();
        std::os::unix::fs::symlink(at("a.csv"), at("link.csv")).unwrap();
        let out = || tempfile::tempdir().unwrap();
        let into = out();
        copy(&[at("a.csv")], 5, into.path()).unwrap();
        assert_eq!(fs::read_to_string(into.path().join("a.csv")).unwrap(), "12345");
        for (files, problem) in [
            (vec![at("a.csv")], "larger than `external_max_bytes`, 4 bytes"),
            (vec![at("sub")], "not a regular file"),
            (vec![at("link.csv")], "cannot be opened"),
            (vec![at("gone")], "cannot be opened"),
            (vec![at("sub/a.csv"), at("sub/a.csv")], "same name"),
        ] {
            let error = copy(&files, 4, out().path()).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
