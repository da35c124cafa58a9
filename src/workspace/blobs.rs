//! Contents of files by their names ([`content`]), as they are. Never changed once they are there.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use rustix::io::Errno;

use super::content;
use super::content::Naming;
use super::manifest::Entry;

/// What is read at a time; a smaller content is hashed before it is written at all.
const CHUNK: usize = 1 << 20;
/// The beginning of a name that is not a content yet.
const INCOMING: &str = ".incoming-";
/// After this time nobody is still writing it.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A directory of contents. Clones are the same directory.
#[derive(Debug, Clone)]
pub struct Blobs {
    dir: Arc<Dir>,
    path: PathBuf,
}

/// What a file's content is: its name and how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) sha256: String,
    pub(super) size: u64,
}

impl Content {
    /// Of a file in a list; none of anything else.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        match entry {
            Entry::File { sha256, size, .. } => Some(Self { sha256: sha256.clone(), size: *size }),
            Entry::Dir { .. } | Entry::Link { .. } => None,
        }
    }
}

/// Why a content could not be had.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is not there or not what it was.
    Bad(String),
    /// The copy could not be written.
    Io(io::Error),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Blobs {
    /// Opens the directory, which is made if it is not there.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        let blobs = Self { dir: Arc::new(dir), path: path.to_owned() };
        blobs.clean()?;
        Ok(blobs)
    }

    /// Where the contents are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that these contents survive a crash of the machine.
    ///
    /// # Errors
    /// The operating system's.
    pub fn sync<'a>(&self, hashes: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        for sha256 in hashes {
            self.find(sha256)?.sync_all()?;
        }
        self.dir.try_clone()?.open(".")?.sync_all()
    }

    /// Removes every content that is not in `keep`, and answers how many bytes that gave back.
    ///
    /// # Errors
    /// The operating system's.
    pub fn retain(&self, keep: &BTreeSet<String>) -> io::Result<u64> {
        let mut bytes = 0;
        for entry in self.dir.entries()? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| is_hash(name) && !keep.contains(*name)) else { continue };
            bytes += entry.metadata()?.len();
            self.dir.remove_file(name)?;
        }
        Ok(bytes)
    }

    /// Takes a copy of what `file` has in it. Where the file system can, nothing is copied, and holes stay holes.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn put(&self, file: &mut File) -> io::Result<Content> {
        let mut buffer = vec![0; CHUNK];
        let first = fill(file, &mut buffer)?;
        let head = buffer.get(..first).unwrap_or_default();
        if first < CHUNK {
            let content = Content { sha256: content::name(head), size: first as u64 };
            if !self.has(&content) {
                self.incoming(|incoming| incoming.write_all(head).map(|()| content.sha256.clone()))?;
            }
            return Ok(content);
        }
        let mut size = 0;
        let sha256 = self.incoming(|incoming| {
            let mut naming = Naming::default();
            // The copy is hashed, not what it was made from: that may change meanwhile.
            if rustix::fs::ioctl_ficlone(&*incoming, &*file).is_ok() {
                size = each_part(incoming, &mut buffer, |part| {
                    part.name(&mut naming);
                    Ok(())
                })?;
            } else {
                size = each_part(file, &mut buffer, |part| {
                    part.name(&mut naming);
                    part.write(incoming)
                })?;
                incoming.set_len(size)?;
            }
            Ok(naming.finish())
        })?;
        Ok(Content { sha256, size })
    }

    /// Writes a content into `to`, which is empty, and checks it on the way.
    pub(super) fn get(&self, content: &Content, to: &mut File) -> Result<(), Unusable> {
        let mut from = match self.find(&content.sha256) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Unusable::Bad("is missing".to_owned()));
            }
            Err(error) => return Err(Unusable::Bad(format!("cannot be opened ({error})"))),
        };
        let metadata = from.metadata()?;
        if !metadata.is_file() || metadata.len() != content.size {
            return Err(Unusable::Bad(format!("has {} bytes instead of {}", metadata.len(), content.size)));
        }
        let mut naming = Naming::default();
        let mut buffer = vec![0; CHUNK.min(usize::try_from(content.size).unwrap_or(CHUNK)).max(1)];
        let mut failed = None;
        let read = if content.size >= CHUNK as u64 && rustix::fs::ioctl_ficlone(&*to, &from).is_ok() {
            each_part(to, &mut buffer, |part| {
                part.name(&mut naming);
                Ok(())
            })
        } else {
            each_part(&mut from, &mut buffer, |part| {
                part.name(&mut naming);
                part.write(to).map_err(|error| {
                    failed = Some(error);
                    io::Error::other("writing failed")
                })
            })
            .and_then(|size| to.set_len(size))
            .map(|()| content.size)
        };
        if let Some(error) = failed {
            return Err(Unusable::Io(error));
        }
        match read {
            Err(error) => Err(Unusable::Bad(format!("cannot be read ({error})"))),
            Ok(_) if naming.came_to(&content.sha256, &mut from).unwrap_or(false) => Ok(()),
            Ok(_) => Err(Unusable::Bad("is damaged".to_owned())),
        }
    }

    /// Makes a content of another directory one of this one. Contents never change, so both may be the same file.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn adopt(&self, other: &Self, content: &Content) -> io::Result<()> {
        if self.has(content) {
            return Ok(());
        }
        let _ = self.dir.remove_file(&content.sha256);
        if other.dir.hard_link(&content.sha256, &self.dir, &content.sha256).is_ok() {
            return Ok(());
        }
        let copy = |to: &mut File| match other.get(content, to) {
            Ok(()) => Ok(content.sha256.clone()),
            Err(Unusable::Io(error)) => Err(error),
            Err(Unusable::Bad(why)) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        };
        self.incoming(copy).map(drop)
    }

    pub(super) fn has(&self, content: &Content) -> bool {
        // One that was cut short by a crash of the machine is replaced.
        self.dir.symlink_metadata(&content.sha256).is_ok_and(|found| found.is_file() && found.len() == content.size)
    }

    fn find(&self, sha256: &str) -> io::Result<File> {
        if !is_hash(sha256) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a hash"));
        }
        self.dir.open_with(sha256, OpenOptions::new().read(true).follow(FollowSymlinks::No))
    }

    /// Writes a new file, and gives it the name that `write` answers once it is whole.
    fn incoming(&self, write: impl FnOnce(&mut File) -> io::Result<String>) -> io::Result<String> {
        let name = format!("{INCOMING}{}", uuid::Uuid::new_v4().simple());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let mut file = self.dir.open_with(&name, &options)?;
        let done = write(&mut file).and_then(|sha256| self.dir.rename(&name, &self.dir, &sha256).map(|()| sha256));
        if done.is_err() {
            // It would be cleaned up later, too.
            let _ = self.dir.remove_file(&name);
        }
        done
    }

    /// Removes what a crash left half-written.
    fn clean(&self) -> io::Result<()> {
        let before = SystemTime::now().checked_sub(ABANDONED).unwrap_or(SystemTime::UNIX_EPOCH);
        for entry in self.dir.entries()? {
            let entry = entry?;
            let is_old = || entry.metadata().and_then(|found| found.modified()).is_ok_and(|at| at.into_std() < before);
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(INCOMING)) && is_old() {
                let _ = self.dir.remove_file(entry.file_name());
            }
        }
        Ok(())
    }
}

/// Whether `file` has this content; `false` if it cannot be read.
pub(super) fn is(file: &mut File, wanted: &Content) -> bool {
    let mut naming = Naming::default();
    let size = each_part(file, &mut vec![0; CHUNK], |part| {
        part.name(&mut naming);
        Ok(())
    });
    size.is_ok_and(|size| size == wanted.size) && naming.came_to(&wanted.sha256, file).unwrap_or(false)
}

/// Whether this could be the name of a content.
pub(super) fn is_hash(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A part of a file.
enum Part<'a> {
    Bytes(&'a [u8]),
    /// A hole of this many bytes, which are zero.
    Hole(u64),
}

impl Part<'_> {
    fn name(&self, naming: &mut Naming) {
        match self {
            Self::Bytes(bytes) => naming.bytes(bytes),
            Self::Hole(length) => naming.zeros(*length),
        }
    }

    /// Where `to` stands. After the last part its length has to be set.
    fn write(&self, to: &mut File) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => to.write_all(bytes),
            Self::Hole(length) => to.seek_relative(i64::try_from(*length).map_err(io::Error::other)?),
        }
    }
}

/// Reads a file from its beginning to its end, of holes only how long they are, and answers how much that was.
fn each_part(file: &mut File, buffer: &mut [u8], mut take: impl FnMut(Part) -> io::Result<()>) -> io::Result<u64> {
    let mut at: u64 = 0;
    // The end as it is now: whoever goes on writing meanwhile does not keep us here.
    let end = file.metadata()?.len();
    while at < end {
        let data = match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(at)) {
            Ok(data) => data.min(end),
            Err(Errno::NXIO) => end,
            // Not every file system knows.
            Err(_) => at,
        };
        if data > at {
            take(Part::Hole(data - at))?;
            at = data;
            continue;
        }
        let hole = rustix::fs::seek(&*file, rustix::fs::SeekFrom::Hole(at)).unwrap_or(end).clamp(at, end);
        let hole = if hole == at { end } else { hole };
        file.seek(SeekFrom::Start(at))?;
        while at < hole {
            let wanted = usize::try_from(hole - at).unwrap_or(usize::MAX).min(buffer.len());
            let count = fill(file, buffer.get_mut(..wanted).unwrap_or_default())?;
            take(Part::Bytes(buffer.get(..count).unwrap_or_default()))?;
            at += count as u64;
            if count < wanted {
                return Ok(at);
            }
        }
    }
    Ok(at)
}

/// Reads until the buffer is full or the file is at its end.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
