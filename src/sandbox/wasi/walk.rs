//! Looking through directories that the WASI context has opened. There are no paths here: from a directory's
//! descriptor it goes down by one name at a time, never through a symbolic link, and up until it meets a directory
//! that is known. So nothing outside of a mount is ever looked at.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::{Errno, Result};

/// Directories within each other that are looked through: each is held open meanwhile.
const MOST_LEVELS: usize = 256;
const DOTS: [&[u8]; 2] = [b".", b".."];

/// Something that a walk has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Met {
    Directory,
    /// With its length.
    File(u64),
    /// Neither of them.
    Other,
}

/// Whether the lengths of files are wanted: each is another system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Lengths {
    Wanted,
    Unwanted,
}

/// A walk through all that is below a directory, level by level as far down as it goes.
#[derive(Debug)]
pub(in crate::sandbox) struct Walk {
    levels: Vec<Dir>,
    lengths: Lengths,
}

impl Walk {
    pub(in crate::sandbox) fn new(top: &File, lengths: Lengths) -> Result<Self> {
        Ok(Self { levels: vec![reader(top)?], lengths })
    }

    /// Levels below the top at which the last directory was met.
    pub(in crate::sandbox) fn depth(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    /// What comes next; `None` at the end. A directory that went away meanwhile is left out.
    pub(in crate::sandbox) fn step(&mut self) -> Option<Result<Met>> {
        loop {
            let level = self.levels.last_mut()?;
            let entry = match level.read() {
                None => {
                    self.levels.pop();
                    continue;
                }
                Some(Ok(entry)) => entry,
                Some(Err(error)) => return Some(Err(error)),
            };
            if DOTS.contains(&entry.file_name().to_bytes()) {
                continue;
            }
            match self.meet(&entry) {
                Err(Errno::NOENT) => {}
                met => return Some(met),
            }
        }
    }

    fn meet(&mut self, entry: &rustix::fs::DirEntry) -> Result<Met> {
        let level = self.levels.last().ok_or(Errno::NOENT)?.fd()?;
        let (kind, length) = match (entry.file_type(), self.lengths) {
            (FileType::RegularFile, Lengths::Wanted) | (FileType::Unknown, _) => {
                let stat = statat(level, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
                (FileType::from_raw_mode(stat.st_mode), stat.st_size.cast_unsigned())
            }
            (kind, _) => (kind, 0),
        };
        match kind {
            FileType::RegularFile => Ok(Met::File(length)),
            FileType::Directory if self.levels.len() >= MOST_LEVELS => Err(Errno::NAMETOOLONG),
            FileType::Directory => {
                let below = openat(level, entry.file_name(), READ_DIRECTORY.union(OFlags::NOFOLLOW), Mode::empty())?;
                self.levels.push(Dir::new(below)?);
                Ok(Met::Directory)
            }
            _ => Ok(Met::Other),
        }
    }
}

const READ_DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const FIND_DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The entries of an open directory, from the beginning.
pub(in crate::sandbox) fn reader(dir: &File) -> Result<Dir> {
    Dir::new(openat(dir, c".", READ_DIRECTORY, Mode::empty())?)
}

/// The device of an open directory.
pub(in crate::sandbox) fn device(dir: &File) -> Result<u64> {
    Ok(fstat(dir)?.st_dev)
}

/// What a name in an open directory is, if the listing does not say.
pub(in crate::sandbox) fn kind_at(dir: &File, name: &std::ffi::CStr) -> FileType {
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
    stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
}

/// How many directories `dir` is below `top`; `None` if it is more than `most` or not below it.
pub(in crate::sandbox) fn depth_below(top: &File, dir: &File, most: usize) -> Result<Option<usize>> {
    let identity = |fd: rustix::fd::BorrowedFd<'_>| fstat(fd).map(|stat| (stat.st_dev, stat.st_ino));
    let wanted = identity(top.as_fd())?;
    let mut at: OwnedFd = openat(dir, c".", FIND_DIRECTORY, Mode::empty())?;
    for depth in 0..=most {
        if identity(at.as_fd())? == wanted {
            return Ok(Some(depth));
        }
        at = openat(&at, c"..", FIND_DIRECTORY, Mode::empty())?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_walk_counts_what_is_below_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), [0; 1000]).unwrap();
        fs::create_dir_all(dir.path().join("a/b/c")).unwrap();
        fs::write(dir.path().join("a/b/file"), [0; 7]).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("a/link")).unwrap();
        std::os::unix::fs::symlink("..", dir.path().join("a/up")).unwrap();
        let mut walk = Walk::new(&File::open(dir.path()).unwrap(), Lengths::Wanted).unwrap();
        let (mut met, mut deepest) = (Vec::new(), 0);
        while let Some(one) = walk.step() {
            met.push(one.unwrap());
            deepest = deepest.max(walk.depth());
        }
        let count = |wanted: Met| met.iter().filter(|met| **met == wanted).count();
        assert_eq!((count(Met::Directory), count(Met::File(7)), count(Met::Other)), (3, 1, 2));
        assert_eq!((met.len(), deepest), (6, 3));
    }

    #[test]
    fn depth_is_counted_to_the_top_and_no_further() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        let open = |path: &std::path::Path| File::open(path).unwrap();
        let top = open(dir.path());
        assert_eq!(depth_below(&top, &top, 3), Ok(Some(0)));
        assert_eq!(depth_below(&top, &open(&deep), 3), Ok(Some(3)));
        assert_eq!(depth_below(&top, &open(&deep), 2), Ok(None));
        assert_eq!(depth_below(&open(&deep), &top, 3), Ok(None));
    }
}
