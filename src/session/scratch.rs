//! A directory of a process's own, for what its sessions have on disk while it lives: gone with the process, or, if
//! that was killed, with the next one that starts.
//!
//! A file in it is locked as long as the process lives. Everything else goes first, when nobody writes to it any more.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, statat, unlinkat};
use tempfile::TempDir;

use super::journal::ENDING;
use super::journal::backlog::Backlog;

/// What the names of scratch directories begin with.
const PREFIX: &str = "cellblock-";
/// How many characters follow, letters and digits.
const RANDOM: usize = 6;
/// The file in a scratch directory whose lock says that its process lives.
const IN_USE: &str = "in-use.lock";
/// Younger ones may be about to be locked.
const YOUNG: Duration = Duration::from_secs(10);
/// One without the file was left by a process that was killed before it made it.
const ABANDONED: Duration = Duration::from_secs(3600);
/// How often one is made anew that was removed before it was locked.
const ATTEMPTS: usize = 10;
/// No more than so many are removed at one start …
const MOST: usize = 200;
/// … and none after so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// The directory; gone when it is dropped.
pub struct Scratch {
    // Dropped by hand, in order.
    dir: Option<TempDir>,
    in_use: File,
    writers: Writers,
}

/// The journals that write into a scratch directory. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Writers(Arc<Mutex<Vec<Weak<Backlog>>>>);

impl Writers {
    /// Adds a journal's.
    pub fn add(&self, backlog: &Arc<Backlog>) {
        let mut writers = self.0.lock();
        writers.retain(|writer| writer.strong_count() > 0);
        writers.push(Arc::downgrade(backlog));
    }

    /// Ends them all. True if none writes any more; they have some time for it.
    fn stop(&self) -> bool {
        let deadline = Instant::now() + ENDING;
        let writers: Vec<_> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        writers.iter().for_each(|writer| writer.close());
        writers.iter().all(|writer| writer.wait(deadline.saturating_duration_since(Instant::now())))
    }
}

impl Scratch {
    /// Makes one in the system's temporary directory. What killed processes left there is removed meanwhile.
    ///
    /// # Errors
    /// The operating system's.
    pub fn make() -> io::Result<Self> {
        let scratch = Self::make_in(&std::env::temp_dir())?;
        // Off the way of a start that is waited for; what it does not get done is done at the next one.
        let swept = std::thread::Builder::new().name("sweep".to_owned()).spawn(|| sweep(&std::env::temp_dir()));
        drop(swept.inspect_err(|error| tracing::debug!(%error, "what killed kernels left is not removed")));
        Ok(scratch)
    }

    fn make_in(parent: &Path) -> io::Result<Self> {
        Self::make_while(parent, |_| {})
    }

    /// Makes one while `meanwhile` happens to it, before it is locked. A process that is stopped there for long is taken
    /// for one that was killed, and its directory is removed by another: then it begins again.
    fn make_while(parent: &Path, mut meanwhile: impl FnMut(&Path)) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let dir = tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM).tempdir_in(parent)?;
            if let Some(in_use) = lock(dir.path(), &mut meanwhile)? {
                return Ok(Self { dir: Some(dir), in_use, writers: Writers::default() });
            }
            // Whoever has it removes it to its end.
            let _ = dir.keep();
        }
        Err(io::Error::other("each directory was removed before it could be locked"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// To be told of everybody who writes into it on a thread of his own.
    pub fn writers(&self) -> Writers {
        self.writers.clone()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(dir) = self.dir.take() else { return };
        // Nothing is said here: what stays is removed when the next process starts.
        let path = dir.keep();
        if self.writers.stop() {
            let _ = remove(&path);
        }
        let _ = self.in_use.unlock();
    }
}

/// Makes the file in a new directory and locks it; `None` if somebody is removing the directory, or has.
fn lock(path: &Path, meanwhile: &mut impl FnMut(&Path)) -> io::Result<Option<File>> {
    let in_use = match File::create(path.join(IN_USE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        made => made?,
    };
    meanwhile(path);
    match in_use.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Ok(is_there(path, &in_use).then_some(in_use)),
    }
}

/// Whether a directory still has this file as the one that says that it is in use. Whoever removes it has the file locked
/// meanwhile: once it is locked by oneself, it stays.
fn is_there(path: &Path, in_use: &File) -> bool {
    let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
    let named = fs::symlink_metadata(path.join(IN_USE)).map(identity);
    matches!((named, in_use.metadata().map(identity)), (Ok(named), Ok(held)) if named == held)
}

/// Removes a directory, and last the file that says whose it is: if this does not get to its end, another one can.
fn remove(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == IN_USE {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    match fs::remove_file(path.join(IN_USE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::remove_dir(path),
    }
}

/// Removes the scratch directories of processes that were killed.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let began = Instant::now();
    let mut removed = 0;
    for entry in entries.flatten() {
        if removed >= MOST || began.elapsed() > PATIENCE {
            return;
        }
        if is_name(&entry.file_name().to_string_lossy()) && sweep_one(&entry.path()).unwrap_or_default() {
            removed += 1;
        }
    }
}

/// Whether a scratch directory may be called that.
fn is_name(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX);
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Removes a directory if it is one of ours and its process is gone. Links are not followed, and nothing is opened
/// that could keep us waiting.
fn sweep_one(path: &Path) -> io::Result<bool> {
    let directory = openat(CWD, path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let directory = File::from(directory);
    let meta = directory.metadata()?;
    let age = meta.modified()?.elapsed().unwrap_or_default();
    if meta.uid() != rustix::process::geteuid().as_raw() || age < YOUNG {
        return Ok(false);
    }
    let is_file = statat(&directory, IN_USE, AtFlags::SYMLINK_NOFOLLOW)
        .map(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    match is_file {
        Ok(true) => {}
        Ok(false) => return Ok(false),
        Err(rustix::io::Errno::NOENT) if age > ABANDONED => {
            // Only if it is empty.
            unlinkat(CWD, path, AtFlags::REMOVEDIR)?;
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let in_use = File::from(openat(&directory, IN_USE, flags, Mode::empty())?);
    if in_use.try_lock().is_err() || !is_there(path, &in_use) {
        return Ok(false);
    }
    remove(path)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Makes it as old as one that is swept.
    fn aged(path: PathBuf) -> PathBuf {
        let time = std::time::SystemTime::now() - 2 * ABANDONED;
        File::open(&path).unwrap().set_modified(time).unwrap();
        path
    }

    /// What a killed process leaves.
    fn left(parent: &Path) -> PathBuf {
        let mut scratch = Scratch::make_in(parent).unwrap();
        let path = scratch.dir.take().unwrap().keep();
        fs::create_dir_all(path.join("a/store/deep")).unwrap();
        fs::write(path.join("a/store/deep/x"), "x").unwrap();
        aged(path)
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_in_use_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let gone = left(parent.path());
        let used = Scratch::make_in(parent.path()).unwrap();
        let used_path = aged(used.path().to_owned());
        let young = left(parent.path());
        File::open(&young).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
        sweep(parent.path());
        assert!(!gone.exists() && used_path.exists() && young.exists());
        drop(used);
        assert!(!used_path.exists(), "an ordinary end leaves nothing");
    }

    #[test]
    fn one_that_is_removed_before_it_is_locked_is_made_anew() {
        let parent = tempfile::tempdir().unwrap();
        let mut lost = Vec::new();
        let mut held = None;
        let scratch = Scratch::make_while(parent.path(), |path| {
            match lost.len() {
                // Stopped for so long that another process has removed it …
                0 => assert!(sweep_one(&aged(path.to_owned())).unwrap()),
                // … or is about to.
                1 => {
                    let file = File::open(path.join(IN_USE)).unwrap();
                    file.try_lock().unwrap();
                    held = Some(file);
                }
                _ => return,
            }
            lost.push(path.to_owned());
        });
        let scratch = scratch.unwrap();
        assert!(lost.len() == 2 && !lost.iter().any(|path| path == scratch.path()));
        assert!(!lost[0].exists() && held.is_some());
        let path = aged(scratch.path().to_owned());
        assert!(!sweep_one(&path).unwrap() && path.exists(), "it is in use");
        let never = Scratch::make_while(parent.path(), |path| fs::remove_dir_all(path).unwrap());
        assert!(never.is_err(), "it does not try for ever");
    }

    #[test]
    fn nothing_is_removed_that_only_looks_like_ours() {
        let parent = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join(IN_USE), "").unwrap();
        fs::write(outside.path().join("precious"), "").unwrap();
        std::os::unix::fs::symlink(outside.path(), parent.path().join("cellblock-ABCDEF")).unwrap();
        // The file is a pipe: to open it for reading would wait for a writer.
        let pipe = parent.path().join("cellblock-pipe01");
        fs::create_dir(&pipe).unwrap();
        rustix::fs::mknodat(CWD, pipe.join(IN_USE), FileType::Fifo, Mode::RUSR, 0).unwrap();
        aged(pipe.clone());
        let mut stay = vec![outside.path().join("precious"), pipe];
        for name in ["cellblock-plots1x", "cellblock-pl-ts1", "other-ABCDEF", "cellblock-nofile"] {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join(if name.ends_with("nofile") { "x" } else { IN_USE }), "").unwrap();
            stay.push(aged(path));
        }
        let empty = parent.path().join("cellblock-empty1");
        fs::create_dir(&empty).unwrap();
        aged(empty.clone());
        sweep(parent.path());
        for path in stay {
            assert!(path.exists(), "{}", path.display());
        }
        assert!(!empty.exists(), "a process was killed before it made its file");
    }
}
