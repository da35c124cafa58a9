//! The user's cache directory: where it is, that it is theirs alone, and who may write it now.
//!
//! Compiled code in it is run without further checks, so a directory that another user could write is
//! refused. Knows nothing of what is kept inside; see `manifest`.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::{IoContext, SetupError};

/// The variable that names another cache directory.
pub const CACHE_DIR_VARIABLE: &str = "CELLBLOCK_CACHE_DIR";

/// Files and directories with this prefix are unfinished; a set-up that finds them removes them.
pub(super) const UNFINISHED: &str = ".unfinished-";

/// A cache directory that has been checked.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// Held while the cache is changed; released when dropped, or when the process ends however it ends.
#[derive(Debug)]
pub struct CacheLock {
    _file: File,
}

impl Cache {
    /// The user's cache: `CELLBLOCK_CACHE_DIR`, or `cellblock` in the platform's cache directory.
    pub fn of_user() -> Result<Self, SetupError> {
        Self::at(&Self::default_root()?)
    }

    /// Where [`Cache::of_user`] looks; nothing is created.
    pub fn default_root() -> Result<PathBuf, SetupError> {
        if let Some(path) = std::env::var_os(CACHE_DIR_VARIABLE).filter(|value| !value.is_empty()) {
            return Ok(PathBuf::from(path));
        }
        let dirs = directories::ProjectDirs::from("", "", "cellblock").ok_or(SetupError::NoCacheDir)?;
        Ok(dirs.cache_dir().to_owned())
    }

    /// The cache at `root`, created (0700) where it is missing, refused where others could write it.
    pub fn at(root: &Path) -> Result<Self, SetupError> {
        let root = std::path::absolute(root).doing("cannot find", root)?;
        make_private_dir(&root)?;
        let metadata = fs::metadata(&root).doing("cannot look at", &root)?;
        let unsafe_because = |problem: String| SetupError::UnsafeCache { path: root.clone(), problem };
        let user = rustix::process::geteuid().as_raw();
        if !metadata.is_dir() {
            return Err(unsafe_because("is not a directory".to_owned()));
        }
        if metadata.uid() != user {
            return Err(unsafe_because(format!("belongs to user {}, not to you (user {user})", metadata.uid())));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(unsafe_because(format!("can be written by others (mode {:o})", metadata.mode() & 0o777)));
        }
        Ok(Self { root })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where wheels are kept between set-ups.
    pub fn downloads(&self) -> PathBuf {
        self.root.join("downloads")
    }

    /// The directory of one prepared runtime.
    pub fn runtime_dir(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    /// Waits until no other process changes the cache; `waiting` is called once if there is one.
    pub fn lock(&self, waiting: impl FnOnce()) -> Result<CacheLock, SetupError> {
        let path = self.root.join("setup.lock");
        let file = open_lock_file(&path)?;
        match file.try_lock() {
            Ok(()) => return Ok(CacheLock { _file: file }),
            Err(TryLockError::WouldBlock) => waiting(),
            Err(TryLockError::Error(source)) => return Err(SetupError::io("cannot lock", &path, source)),
        }
        file.lock().doing("cannot lock", &path)?;
        Ok(CacheLock { _file: file })
    }

    /// The lock if nobody has it.
    pub fn try_lock(&self) -> Option<CacheLock> {
        let file = open_lock_file(&self.root.join("setup.lock")).ok()?;
        file.try_lock().ok()?;
        Some(CacheLock { _file: file })
    }
}

/// Opens (and creates) a file that is there only to be locked.
pub(super) fn open_lock_file(path: &Path) -> Result<File, SetupError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .doing("cannot open", path)
}

/// Creates `path` and what is missing above it; what is created can be entered by the user alone.
pub(super) fn make_private_dir(path: &Path) -> Result<(), SetupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).doing("cannot create", path)
}

/// Removes what a killed set-up left in `dir`. Call it with the cache locked.
pub(super) fn remove_unfinished(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        let path = entry.path();
        let removed = match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
            _ => fs::remove_file(&path),
        };
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "cannot remove an unfinished file");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_cache_can_be_entered_by_its_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(&dir.path().join("a/b")).unwrap();
        assert_eq!(fs::metadata(cache.root()).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_cache_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o770, 0o702, 0o777] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            let error = Cache::at(dir.path()).unwrap_err();
            assert!(matches!(error, SetupError::UnsafeCache { .. }), "{error}");
            assert!(error.to_string().contains("chmod 700"));
        }
    }

    #[test]
    fn a_cache_that_is_a_file_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Cache::at(file.path()).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }

    #[test]
    fn the_second_to_lock_waits_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(&dir.path().join("cache")).unwrap();
        let first = cache.lock(|| panic!("nobody has it yet")).unwrap();
        assert!(cache.try_lock().is_none());
        let (sender, receiver) = std::sync::mpsc::channel();
        let other = cache.clone();
        let waiter = std::thread::spawn(move || other.lock(move || sender.send(()).unwrap()).map(drop));
        receiver.recv().unwrap();
        drop(first);
        waiter.join().unwrap().unwrap();
    }

    #[test]
    fn unfinished_files_are_removed_and_others_kept() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".unfinished-x"), "x").unwrap();
        fs::create_dir(dir.path().join(".unfinished-y")).unwrap();
        fs::write(dir.path().join("kept"), "x").unwrap();
        remove_unfinished(dir.path());
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["kept"]);
    }
}
