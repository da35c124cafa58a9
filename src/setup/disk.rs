//! Whether there is room on the disk, asked before anything is written.

use std::path::Path;

use super::error::SetupError;
use super::progress::size;

/// Refuses if the file system that holds `dir` has less than `needed` bytes for this user.
pub fn require(dir: &Path, needed: u64) -> Result<(), SetupError> {
    let stat = rustix::fs::statvfs(dir).map_err(|error| SetupError::io("cannot look at", dir, error.into()))?;
    let available = stat.f_bavail.saturating_mul(stat.f_frsize);
    if available >= needed {
        return Ok(());
    }
    Err(SetupError::DiskFull { path: dir.to_owned(), needed: size(needed), available: size(available) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_says_how_much_is_needed_and_where() {
        let dir = tempfile::tempdir().unwrap();
        require(dir.path(), 1).unwrap();
        let error = require(dir.path(), 1 << 60).unwrap_err().to_string();
        assert!(error.contains("1.00 EiB needed") && error.contains(&dir.path().display().to_string()), "{error}");
    }
}
