//! Hashes of files and trees, and the cheap sign that a file has not changed since it was hashed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The SHA-256 of bytes, in hex.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The SHA-256 of what is left to read, in hex.
pub fn of_reader(mut reader: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1 << 18];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(hex::encode(hasher.finalize())),
            Ok(n) => hasher.update(chunk.get(..n).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The SHA-256 of a file, in hex.
pub fn of_file(path: &Path) -> io::Result<String> {
    of_reader(File::open(path)?)
}

/// What `stat` says of a file that is as it was when it was hashed. Whoever can make a changed file look
/// the same can write the manifest too: this guards against accidents, the directory's mode against others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatIdentity {
    size: u64,
    inode: u64,
    mtime_ns: i128,
    ctime_ns: i128,
}

impl StatIdentity {
    /// Of an open file or a path's metadata.
    pub fn of(metadata: &fs::Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            size: metadata.size(),
            inode: metadata.ino(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The two hashes of a tree of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeDigest {
    /// Over paths and contents.
    pub contents: String,
    /// Over paths and [`StatIdentity`]s.
    pub stats: String,
    /// How many files there are.
    pub files: u64,
    /// Their sizes, summed.
    pub bytes: u64,
}

/// The digest of all files below `root`. Anything but files and directories is an error.
pub fn of_tree(root: &Path) -> io::Result<TreeDigest> {
    let mut contents = Sha256::new();
    let (stats, files, bytes) = walk(root, |relative, path| {
        contents.update(relative);
        contents.update([0]);
        contents.update(of_file(path)?);
        Ok(())
    })?;
    Ok(TreeDigest { contents: hex::encode(contents.finalize()), stats, files, bytes })
}

/// Only [`TreeDigest::stats`]: no file is read.
pub fn stats_of_tree(root: &Path) -> io::Result<String> {
    walk(root, |_, _| Ok(())).map(|(stats, ..)| stats)
}

fn walk(root: &Path, mut each: impl FnMut(&[u8], &Path) -> io::Result<()>) -> io::Result<(String, u64, u64)> {
    let mut stats = Sha256::new();
    let (mut files, mut bytes) = (0, 0);
    let mut pending = vec![root.to_owned()];
    // Depth first, each directory's entries sorted: one order for one tree.
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_dir() {
            let mut entries: Vec<PathBuf> =
                fs::read_dir(&path)?.map(|entry| entry.map(|e| e.path())).collect::<io::Result<_>>()?;
            entries.sort_unstable_by(|a, b| b.cmp(a));
            pending.extend(entries);
        } else if metadata.is_file() {
            let relative = path.strip_prefix(root).unwrap_or(&path).as_os_str().as_encoded_bytes();
            let identity = StatIdentity::of(&metadata);
            stats.update(relative);
            stats.update([0]);
            for number in [i128::from(identity.size), i128::from(identity.inode), identity.mtime_ns, identity.ctime_ns]
            {
                stats.update(number.to_le_bytes());
            }
            each(relative, &path)?;
            files += 1;
            bytes += metadata.size();
        } else {
            return Err(io::Error::other(format!("{} is neither a file nor a directory", path.display())));
        }
    }
    Ok((hex::encode(stats.finalize()), files, bytes))
}
