//! One prepared runtime's directory: files that come into being whole, and the manifest that says what
//! they must be. A file that is not in the manifest does not exist as far as anybody is concerned.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cache::{UNFINISHED, make_private_dir, remove_unfinished};
use super::digest::{self, StatIdentity, TreeDigest};
use super::error::{IoContext, SetupError};

const MANIFEST: &str = "manifest.json";
/// Raised when the manifest's own form changes.
const MANIFEST_FORMAT: u32 = 1;

/// What is recorded of one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// Its size and times right after it was hashed.
    pub stat: StatIdentity,
    /// What its maker wants to be told when it is opened, such as a memory's size.
    #[serde(default)]
    pub meta: Value,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    files: BTreeMap<String, FileRecord>,
    trees: BTreeMap<String, TreeDigest>,
}

/// A file of the store that has been opened and found to be what was recorded.
#[derive(Debug)]
pub struct OpenedFile {
    /// Open for reading. Map this, not the path: it is what was checked.
    pub file: File,
    /// Where it was opened.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// What its maker recorded with it.
    pub meta: Value,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// Whether it had to be hashed to know that.
    pub hashed: bool,
}

/// How carefully a recorded file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Its hash is taken again only if `stat` says that it may have changed.
    Stat,
    /// Its hash is taken again.
    Contents,
}

/// The directory of one prepared runtime.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    manifest: Manifest,
}

impl Store {
    /// Opens the directory for a set-up: it is created, and what a killed set-up left is removed. Call it
    /// with the cache locked.
    pub fn open_to_write(dir: &Path) -> Result<Self, SetupError> {
        make_private_dir(dir)?;
        remove_unfinished(dir);
        let mut store = Self::open(dir)?;
        if store.manifest.format != MANIFEST_FORMAT {
            store.manifest = Manifest { format: MANIFEST_FORMAT, ..Manifest::default() };
        }
        Ok(store)
    }

    /// Opens the directory as it is. A missing or unreadable manifest is an empty one: then nothing is
    /// prepared, which is the same as for a set-up that never ran.
    pub fn open(dir: &Path) -> Result<Self, SetupError> {
        let path = dir.join(MANIFEST);
        let manifest = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "the manifest cannot be read; nothing counts as prepared");
                Manifest::default()
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Manifest::default(),
            Err(source) => return Err(SetupError::io("cannot read", &path, source)),
        };
        Ok(Self { dir: dir.to_owned(), manifest })
    }

    /// Where a file or tree of this store is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What is recorded of a file.
    pub fn record(&self, name: &str) -> Option<&FileRecord> {
        self.manifest.files.get(name)
    }

    /// Whether a file or tree of this name is recorded.
    pub fn has(&self, name: &str) -> bool {
        self.manifest.files.contains_key(name) || self.manifest.trees.contains_key(name)
    }

    /// An unfinished file to be filled and then handed to [`Store::keep_file`]. It vanishes when dropped.
    pub fn unfinished_file(&self) -> Result<tempfile::NamedTempFile, SetupError> {
        tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.dir).doing("cannot create a file in", &self.dir)
    }

    /// An unfinished directory, for [`Store::keep_tree`]. It vanishes when dropped.
    pub fn unfinished_dir(&self) -> Result<tempfile::TempDir, SetupError> {
        tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&self.dir)
            .doing("cannot create a directory in", &self.dir)
    }

    /// Gives a filled file its name and records it: written to disk first, read-only from now on. Whoever
    /// has the previous file of that name open or mapped keeps that one.
    pub fn keep_file(&mut self, name: &str, mut file: tempfile::NamedTempFile, meta: Value) -> Result<(), SetupError> {
        let path = self.path(name);
        file.flush().doing("cannot write", &path)?;
        // Builders may have replaced the file at this path, so look at the path and not at our handle.
        let mut written = File::open(file.path()).doing("cannot read", file.path())?;
        written.set_permissions(fs::Permissions::from_mode(0o400)).doing("cannot protect", &path)?;
        written.sync_all().doing("cannot write", &path)?;
        written.seek(SeekFrom::Start(0)).doing("cannot read", &path)?;
        let sha256 = digest::of_reader(&written).doing("cannot read", &path)?;
        self.forget(name)?;
        file.into_temp_path().persist(&path).map_err(|e| SetupError::io("cannot write", &path, e.error))?;
        self.sync_dir()?;
        let stat = StatIdentity::of(&written.metadata().doing("cannot look at", &path)?);
        self.manifest.files.insert(name.to_owned(), FileRecord { sha256, stat, meta });
        self.save()
    }

    /// The same for a directory.
    pub fn keep_tree(&mut self, name: &str, dir: tempfile::TempDir) -> Result<(), SetupError> {
        let path = self.path(name);
        // One call for all of the files in it: a thousand fsyncs take seconds on a spinning disk.
        let handle = File::open(dir.path()).doing("cannot open", dir.path())?;
        rustix::fs::syncfs(&handle).map_err(std::io::Error::from).doing("cannot write", &path)?;
        self.forget(name)?;
        if let Err(error) = fs::remove_dir_all(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(SetupError::io("cannot replace", &path, error));
        }
        fs::rename(dir.path(), &path).doing("cannot write", &path)?;
        // Renamed: there is nothing left for the guard to remove.
        let _ = dir.keep();
        self.sync_dir()?;
        let tree = digest::of_tree(&path).doing("cannot read", &path)?;
        self.manifest.trees.insert(name.to_owned(), tree);
        self.save()
    }

    /// Takes a file or tree out of the manifest, before it is replaced or removed.
    pub fn forget(&mut self, name: &str) -> Result<(), SetupError> {
        let file = self.manifest.files.remove(name).is_some();
        let tree = self.manifest.trees.remove(name).is_some();
        if file || tree { self.save() } else { Ok(()) }
    }

    /// Opens a recorded file; an error if it is not what was recorded.
    pub fn open_file(&self, name: &str, check: Check) -> Result<OpenedFile, SetupError> {
        let path = self.path(name);
        let record = self.manifest.files.get(name).ok_or(SetupError::NotPrepared)?;
        let damaged = |problem: String| SetupError::Damaged { path: path.clone(), problem };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(damaged("it is gone".to_owned())),
            Err(source) => return Err(SetupError::io("cannot open", &path, source)),
        };
        let metadata = file.metadata().doing("cannot look at", &path)?;
        let hashed = check == Check::Contents || StatIdentity::of(&metadata) != record.stat;
        if hashed {
            let found = digest::of_reader(&file).doing("cannot read", &path)?;
            if found != record.sha256 {
                return Err(damaged(format!("its SHA-256 is {found}, recorded was {}", record.sha256)));
            }
            file.seek(SeekFrom::Start(0)).doing("cannot read", &path)?;
        }
        let (meta, sha256) = (record.meta.clone(), record.sha256.clone());
        Ok(OpenedFile { size: metadata.len(), file, path, meta, sha256, hashed })
    }

    /// Checks a recorded tree and gives its path.
    pub fn open_tree(&self, name: &str, check: Check) -> Result<PathBuf, SetupError> {
        let path = self.path(name);
        let record = self.manifest.trees.get(name).ok_or(SetupError::NotPrepared)?;
        if check == Check::Stat && digest::stats_of_tree(&path).is_ok_and(|stats| stats == record.stats) {
            return Ok(path);
        }
        let found = digest::of_tree(&path);
        match found {
            Ok(found) if found.contents == record.contents => Ok(path),
            Ok(_) => Err(SetupError::Damaged { path, problem: "files in it have changed".to_owned() }),
            Err(error) => Err(SetupError::Damaged { path, problem: error.to_string() }),
        }
    }

    /// The path of a recorded tree, without a look at the files in it: thousands, and none of them is run
    /// outside the sandbox.
    pub fn tree(&self, name: &str) -> Result<PathBuf, SetupError> {
        let path = self.path(name);
        if !self.manifest.trees.contains_key(name) {
            return Err(SetupError::NotPrepared);
        }
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(path),
            _ => Err(SetupError::Damaged { path, problem: "it is gone".to_owned() }),
        }
    }

    /// Records the present `stat` of everything whose contents are as recorded, after a copy or a restored
    /// backup made every start hash everything. Call it with the cache locked.
    pub fn refresh_stats(&mut self) -> Result<(), SetupError> {
        let names: Vec<String> = self.manifest.files.keys().cloned().collect();
        for name in names {
            let opened = self.open_file(&name, Check::Stat)?;
            let stat = StatIdentity::of(&opened.file.metadata().doing("cannot look at", &opened.path)?);
            if let Some(record) = self.manifest.files.get_mut(&name) {
                record.stat = stat;
            }
        }
        let names: Vec<String> = self.manifest.trees.keys().cloned().collect();
        for name in names {
            let path = self.open_tree(&name, Check::Stat)?;
            let stats = digest::stats_of_tree(&path).doing("cannot look at", &path)?;
            if let Some(record) = self.manifest.trees.get_mut(&name) {
                record.stats = stats;
            }
        }
        self.save()
    }

    fn save(&self) -> Result<(), SetupError> {
        let path = self.path(MANIFEST);
        let text =
            serde_json::to_vec_pretty(&self.manifest).map_err(std::io::Error::other).doing("cannot write", &path)?;
        let mut file = self.unfinished_file()?;
        file.write_all(&text).doing("cannot write", &path)?;
        file.as_file().sync_all().doing("cannot write", &path)?;
        file.persist(&path).map_err(|e| SetupError::io("cannot write", &path, e.error))?;
        self.sync_dir()
    }

    fn sync_dir(&self) -> Result<(), SetupError> {
        File::open(&self.dir).and_then(|dir| dir.sync_all()).doing("cannot write", &self.dir)
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
