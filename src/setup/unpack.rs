//! Unpacks wheels and other zips into directories that the guest will see. The archives are pinned by
//! hash, and treated as hostile all the same.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;

use super::error::{IoContext, SetupError};

/// More than the largest archive that we unpack has, by far.
const MAX_FILES: usize = 50_000;
/// The bytes that one archive may unpack to.
const MAX_BYTES: u64 = 1 << 30;

/// Unpacks all of `archive` (named `name` in errors) into `to`.
pub fn all(name: &str, archive: impl Read + Seek, to: &Path) -> Result<(), SetupError> {
    let bad = |problem: String| SetupError::BadArchive { archive: name.to_owned(), problem };
    let mut zip = ZipArchive::new(archive).map_err(|error| bad(error.to_string()))?;
    if zip.len() > MAX_FILES {
        return Err(bad(format!("it has {} files", zip.len())));
    }
    let mut left = MAX_BYTES;
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| bad(error.to_string()))?;
        if entry.is_symlink() {
            return Err(bad(format!("{} is a symbolic link", entry.name())));
        }
        let relative = safe_path(entry.name()).ok_or_else(|| bad(format!("{:?} leads outside", entry.name())))?;
        let path = to.join(relative);
        if entry.is_dir() {
            fs::create_dir_all(&path).doing("cannot create", &path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).doing("cannot create", parent)?;
        }
        let mut file = File::create_new(&path).doing("cannot write", &path)?;
        // The size that the archive names is not to be believed: count what comes out.
        let written =
            io::copy(&mut (&mut entry).take(left.saturating_add(1)), &mut file).doing("cannot unpack", &path)?;
        left = left.checked_sub(written).ok_or_else(|| bad(format!("it unpacks to more than {MAX_BYTES} bytes")))?;
    }
    Ok(())
}

/// The contents of one member, at most `max` bytes.
pub fn member(name: &str, archive: impl Read + Seek, path: &str, max: u64) -> Result<Vec<u8>, SetupError> {
    let bad = |problem: String| SetupError::BadArchive { archive: name.to_owned(), problem };
    let mut zip = ZipArchive::new(archive).map_err(|error| bad(error.to_string()))?;
    let entry = zip.by_name(path).map_err(|error| bad(format!("{path}: {error}")))?;
    let mut contents = Vec::new();
    let read = entry.take(max.saturating_add(1)).read_to_end(&mut contents).map_err(|e| bad(format!("{path}: {e}")))?;
    if read as u64 > max {
        return Err(bad(format!("{path} is larger than {max} bytes")));
    }
    Ok(contents)
}

/// The member's path, if it stays below where it is unpacked.
fn safe_path(name: &str) -> Option<PathBuf> {
    if name.contains(['\\', '\0']) {
        return None;
    }
    let path = Path::new(name);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    (inside && !name.is_empty()).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &str)]) -> Cursor<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, contents) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(contents.as_bytes()).unwrap();
        }
        zip.finish().unwrap()
    }

    #[test]
    fn files_are_unpacked_below_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        all("x.whl", archive(&[("a/b.py", "1"), ("c.py", "2")]), dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("a/b.py")).unwrap(), "1");
        assert_eq!(member("x.whl", archive(&[("a/b.py", "1")]), "a/b.py", 1).unwrap(), b"1");
    }

    #[test]
    fn paths_that_lead_outside_are_refused() {
        for name in ["../x", "/etc/x", "a/../../x", "a\\..\\x"] {
            let dir = tempfile::tempdir().unwrap();
            let inner = dir.path().join("inner");
            fs::create_dir(&inner).unwrap();
            let error = all("x.whl", archive(&[(name, "1")]), &inner).unwrap_err();
            assert!(matches!(error, SetupError::BadArchive { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn links_are_refused() {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let error = all("x.whl", zip.finish().unwrap(), dir.path()).unwrap_err().to_string();
        assert!(error.contains("symbolic link"), "{error}");
    }

    #[test]
    fn a_member_that_is_too_large_is_refused() {
        assert!(member("x", archive(&[("a", "12345")]), "a", 4).is_err());
        assert!(member("x", archive(&[("a", "12345")]), "b", 4).is_err());
        assert!(all("x", Cursor::new(b"not a zip".to_vec()), Path::new("/nowhere")).is_err());
    }
}
