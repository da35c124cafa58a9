//! A directory inside a workspace directory for files that are not in their places yet, so that they can go
//! there by a rename: it is on the same file system for sure.

use std::io;

use cap_fs_ext::DirExt;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, OpenOptions, OpenOptionsExt};
use rustix::fs::RenameFlags;
use rustix::io::Errno;

/// What the name starts with; 32 hex digits follow.
const PREFIX: &str = ".cellblock-restore-";

/// The directory; gone when it is dropped.
#[derive(Debug)]
pub(super) struct Staging {
    root: Dir,
    dir: Dir,
    name: String,
    next: u64,
    /// Says that it is used: another kernel may have the same directory as its workspace.
    _lock: Option<std::fs::File>,
}

impl Staging {
    pub(super) fn new(root: &Dir) -> io::Result<Self> {
        let name = format!("{PREFIX}{}", uuid::Uuid::new_v4().simple());
        let mut private = DirBuilder::new();
        private.mode(0o700);
        root.create_dir_with(&name, &private)?;
        let dir = root.open_dir_nofollow(&name)?;
        let lock = dir.open(".")?.into_std();
        // Not every file system can.
        let lock = lock.try_lock().is_ok().then_some(lock);
        Ok(Self { root: root.try_clone()?, dir, name, next: 0, _lock: lock })
    }

    /// A new file in it, and its name.
    pub(super) fn file(&mut self) -> io::Result<(File, String)> {
        let name = self.name();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        Ok((self.dir.open_with(&name, &options)?, name))
    }

    /// A new symbolic link in it, and its name.
    pub(super) fn link(&mut self, target: &str) -> io::Result<String> {
        let name = self.name();
        // What it says may lead anywhere, as it did before; the guest follows none that leads out.
        rustix::fs::symlinkat(target, &self.dir, &name)?;
        Ok(name)
    }

    /// Moves a file of this directory to its place, over what is there.
    pub(super) fn move_out(&self, staged: &str, dir: &Dir, name: &str) -> io::Result<()> {
        self.dir.rename(staged, dir, name)
    }

    /// The same, if nothing is there.
    pub(super) fn move_to_free(&self, staged: &str, dir: &Dir, name: &str) -> io::Result<()> {
        match rustix::fs::renameat_with(&self.dir, staged, dir, name, RenameFlags::NOREPLACE) {
            // Not every file system can.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match dir.symlink_metadata(name) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => self.move_out(staged, dir, name),
            },
            done => Ok(done?),
        }
    }

    /// Removes a directory with all that is in it, however deep it is: what is in it is moved up here first.
    pub(super) fn remove_tree(&mut self, parent: &Dir, name: &str) -> io::Result<()> {
        let mut left = vec![self.name()];
        parent.rename(name, &self.dir, left.first().map(String::as_str).unwrap_or_default())?;
        while let Some(tree) = left.pop() {
            let dir = self.dir.open_dir_nofollow(&tree)?;
            for entry in dir.entries()? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    let moved = self.name();
                    dir.rename(entry.file_name(), &self.dir, &moved)?;
                    left.push(moved);
                } else {
                    dir.remove_file(entry.file_name())?;
                }
            }
            self.dir.remove_dir(&tree)?;
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        self.next += 1;
        self.next.to_string()
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let emptied = self.dir.entries().and_then(|entries| {
            for entry in entries {
                let name = entry?.file_name();
                if self.dir.remove_file(&name).is_err() {
                    self.dir.remove_dir(&name)?;
                }
            }
            Ok(())
        });
        // What is left is cleaned up when the workspace is opened the next time.
        if let Err(error) = emptied.and_then(|()| self.root.remove_dir(&self.name)) {
            tracing::warn!(%error, name = self.name, "a temporary directory could not be removed from the workspace");
        }
    }
}

/// Whether a process uses the directory.
fn is_used(root: &Dir, name: &str) -> io::Result<bool> {
    let directory = root.open_dir_nofollow(name)?.open(".")?.into_std();
    Ok(matches!(directory.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
}

/// Removes what a crash left behind in the directory.
pub(super) fn clean(root: &Dir) -> io::Result<()> {
    let mut left = Vec::new();
    for entry in root.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(digits) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && entry.file_type()?.is_dir() {
            left.push(name);
        }
    }
    for name in left.iter().filter_map(|name| name.to_str()) {
        match is_used(root, name) {
            Ok(true) => {}
            // Whoever used it has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(false) => Staging::new(root)?.remove_tree(root, name)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
