//! The directories that every Python guest is given: what is in them and where it sees them.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use super::embedded;
use super::error::{IoContext, SetupError};
use super::unpack;
use crate::sandbox::Mount;

/// Where matplotlib's data are inside the standard library's zip, and the most they may be.
const MPL_DATA: (&str, u64) = ("matplotlib/mpl-data.zip", 64 << 20);

/// Environment that the guest needs to find its parts; part of every image.
pub const GUEST_ENV: &[(&str, &str)] = &[
    ("HOME", "/tmp"),
    ("PWD", "/app"),
    ("TMPDIR", "/tmp"),
    ("LANG", "C.UTF-8"),
    // An empty value makes zoneinfo read the zip's own data.
    ("PYTHONTZPATH", ""),
    ("MPLBACKEND", "module://matplotlib_inline.backend_inline"),
    ("MPLCONFIGDIR", "/tmp/matplotlib"),
];

/// What a listing of `/` shows.
pub const SHOWN: &[&str] = &["app", "data", "external", "tmp", "usr/local"];

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
    root: PathBuf,
}

impl GuestTree {
    /// The tree at `root`.
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// `/usr/local`: the standard library and the bridge.
    pub fn usr_local(&self) -> PathBuf {
        self.root.join("usr-local")
    }

    /// `/data/site-packages`: the locked packages.
    pub fn site_packages(&self) -> PathBuf {
        self.root.join("site-packages")
    }

    /// What stands in for a directory that was not granted.
    pub fn empty(&self) -> PathBuf {
        self.root.join("empty")
    }

    /// `/`: what a listing of it shows, and nothing else.
    pub fn root_dir(&self) -> PathBuf {
        self.root.join("root")
    }

    /// matplotlib's data. matplotlib looks for them next to its own files, which are in the zip.
    pub fn mpl_data(&self) -> PathBuf {
        self.root.join("mpl-data")
    }

    /// The directories of a guest in the order that images remember: never another one. `app` and `tmp`
    /// are the session's own; where nothing is granted the guest sees an empty directory.
    pub fn mounts(&self, app: &Path, tmp: &Path, granted: &Granted) -> Vec<Mount> {
        let read_only = |host: PathBuf, guest: &str| Mount { host, guest: guest.to_owned(), writable: false };
        let writable =
            |host: &Path, guest: &str| Mount { host: host.to_owned(), guest: guest.to_owned(), writable: true };
        let or_empty = |granted: &Option<PathBuf>| granted.clone().unwrap_or_else(|| self.empty());
        vec![
            read_only(granted.root.clone().unwrap_or_else(|| self.root_dir()), "/"),
            read_only(self.usr_local(), "/usr/local"),
            read_only(self.mpl_data(), "/usr/local/lib/python315.zip/matplotlib/mpl-data"),
            writable(app, "/app"),
            writable(tmp, "/tmp"),
            read_only(or_empty(&granted.data), "/data"),
            read_only(self.site_packages(), "/data/site-packages"),
            read_only(or_empty(&granted.external), "/external"),
        ]
    }

    /// Fills an empty directory: the standard library from `stdlib`, the bridge from this binary, and the
    /// `wheels`.
    pub(super) fn fill(&self, stdlib: &[u8], wheels: &[PathBuf]) -> Result<(), SetupError> {
        let lib = self.usr_local().join("lib");
        let mpl_data = self.mpl_data();
        let shown: Vec<_> = SHOWN.iter().map(|name| self.root_dir().join(name)).collect();
        for dir in [&lib, &mpl_data, &self.site_packages(), &self.empty()].into_iter().chain(&shown) {
            fs::create_dir_all(dir).doing("cannot create", dir)?;
        }
        write(&lib.join("python315.zip"), stdlib)?;
        let (member, max) = MPL_DATA;
        let data = unpack::member("the standard library", Cursor::new(stdlib), member, max)?;
        unpack::all(member, Cursor::new(data), &mpl_data)?;
        for (path, source) in embedded::guest_packages() {
            write(&lib.join("cellblock").join(path), source.as_bytes())?;
        }
        for wheel in wheels {
            let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let file = File::open(wheel).doing("cannot read", wheel)?;
            unpack::all(&name, file, &self.site_packages())?;
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
        let tree = GuestTree::at("/t".into());
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
