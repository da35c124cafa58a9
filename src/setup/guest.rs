//! The directories that every guest is given: what is in them and where it sees them.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use super::embedded;
use super::error::{IoContext, SetupError};
use super::unpack;
use crate::language::Language;
use crate::language::guest::{MountPoint, Shows};
use crate::sandbox::Mount;

/// What a guest is granted to read besides the directories that setup made.
#[derive(Debug, Clone, Default)]
pub struct Granted {
    /// Seen as `/`, instead of the directory that setup made: it has what that has, and more.
    pub root: Option<PathBuf>,
    /// Seen as `/data`.
    pub data: Option<PathBuf>,
    /// Seen as `/external`.
    pub external: Option<PathBuf>,
    /// Seen below `/` and `/data`.
    pub inner: Vec<Mount>,
}

/// The tree of read-only directories that setup makes.
#[derive(Debug, Clone)]
pub struct GuestTree {
    language: &'static Language,
    root: PathBuf,
}

impl GuestTree {
    /// The tree at `root`.
    pub fn at(root: PathBuf, language: &'static Language) -> Self {
        Self { language, root }
    }

    /// Whose it is.
    pub fn language(&self) -> &'static Language {
        self.language
    }

    /// A directory or file of the tree.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// What stands in for a directory that was not granted.
    fn empty(&self) -> PathBuf {
        self.path("empty")
    }

    /// `/`: what a listing of it shows, and nothing else.
    fn root_dir(&self) -> PathBuf {
        self.path("root")
    }

    /// The directories of a guest. `app` and `tmp` are the session's own; where nothing is granted the guest sees an
    /// empty directory.
    pub fn mounts(&self, app: &Path, tmp: &Path, granted: &Granted) -> Vec<Mount> {
        let or_empty = |granted: &Option<PathBuf>| granted.clone().unwrap_or_else(|| self.empty());
        let mount = |point: &MountPoint| {
            let (host, writable) = match point.shows {
                Shows::Root => (granted.root.clone().unwrap_or_else(|| self.root_dir()), false),
                Shows::Made(name) => (self.path(name), false),
                Shows::Workspace => (app.to_owned(), true),
                Shows::Scratch => (tmp.to_owned(), true),
                Shows::Data => (or_empty(&granted.data), false),
                Shows::External => (or_empty(&granted.external), false),
            };
            Mount { host, guest: point.guest.to_owned(), writable }
        };
        self.language.layout.mounts.iter().map(mount).collect()
    }

    /// Fills an empty directory: the `library` of the artifact, our own packages from this binary, and the `wheels`.
    pub(super) fn fill(&self, library: &[u8], wheels: &[PathBuf]) -> Result<(), SetupError> {
        let layout = &self.language.layout;
        let shown = layout.root.iter().map(|name| self.root_dir().join(name));
        let made = layout.mounts.iter().filter_map(|mount| match mount.shows {
            Shows::Made(name) => Some(self.path(name)),
            _ => None,
        });
        for dir in shown.chain(made).chain([self.empty()]) {
            fs::create_dir_all(&dir).doing("cannot create", &dir)?;
        }
        write(&self.path(layout.library), library)?;
        for archive in layout.unpacked {
            let data = unpack::member("the library", Cursor::new(library), archive.member, archive.most)?;
            unpack::all(archive.member, Cursor::new(data), &self.path(archive.to))?;
        }
        for (path, source) in embedded::guest_packages(self.language) {
            write(&self.path(layout.own_packages).join(path), source.as_bytes())?;
        }
        for wheel in wheels {
            let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let file = File::open(wheel).doing("cannot read", wheel)?;
            unpack::all(&name, file, &self.path(layout.packages))?;
        }
        Ok(())
    }
}

fn write(path: &Path, contents: &[u8]) -> Result<(), SetupError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).doing("cannot create", parent)?;
    }
    File::create_new(path).and_then(|mut file| file.write_all(contents)).doing("cannot write", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_mounts_is_fixed() {
        let tree = GuestTree::at("/t".into(), crate::language::DEFAULT);
        let granted = Granted { external: Some("/e".into()), ..Granted::default() };
        let mounts = tree.mounts(Path::new("/a"), Path::new("/b"), &granted);
        let guest: Vec<_> = mounts.iter().map(|mount| (mount.guest.as_str(), mount.writable)).collect();
        assert_eq!(
            guest,
            [
                ("/", false),
                ("/usr/local", false),
                ("/usr/local/lib/python315.zip/matplotlib/mpl-data", false),
                ("/app", true),
                ("/tmp", true),
                ("/data", false),
                ("/data/site-packages", false),
                ("/external", false)
            ]
        );
        assert_eq!((mounts[5].host.as_path(), mounts[7].host.as_path()), (Path::new("/t/empty"), Path::new("/e")));
    }
}
