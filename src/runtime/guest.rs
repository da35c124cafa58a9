//! The directories that every Python guest is given: what is in them and where it sees them.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use super::embedded;
use super::error::{IoContext, SetupError};
use super::unpack;

/// Where matplotlib's data are inside the standard library's zip, and the most they may be.
const MPL_DATA: (&str, u64) = ("matplotlib/mpl-data.zip", 64 << 20);

/// Environment that the guest needs to find its parts; part of every image.
pub const GUEST_ENV: &[(&str, &str)] = &[
    ("PYTHONPATH", "/usr/local/lib/cellblock:/data/site-packages"),
    ("MATPLOTLIBDATA", "/usr/local/share/matplotlib/mpl-data"),
    ("TMPDIR", "/tmp"),
    // An empty value makes zoneinfo read the zip's own data.
    ("PYTHONTZPATH", ""),
    ("HOME", "/tmp"),
];

/// A directory of the host and where the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestDir {
    /// On the host.
    pub host: PathBuf,
    /// In the guest.
    pub guest: &'static str,
    /// Whether the guest may write to it.
    pub writable: bool,
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

    /// `/usr/local`: the standard library, the bridge, matplotlib's data.
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

    /// The directories of a guest in the order that images remember: never another one. `app` and `tmp`
    /// are the session's own; without `data` or `external` the guest sees an empty directory there.
    pub fn preopens(
        &self,
        app: &Path,
        tmp: &Path,
        data: Option<&Path>,
        external: Option<&Path>,
    ) -> [GuestDir; 6] {
        let read_only = |host: PathBuf, guest| GuestDir {
            host,
            guest,
            writable: false,
        };
        let writable = |host: &Path, guest| GuestDir {
            host: host.to_owned(),
            guest,
            writable: true,
        };
        let or_empty =
            |granted: Option<&Path>| granted.map_or_else(|| self.empty(), Path::to_owned);
        [
            read_only(self.usr_local(), "/usr/local"),
            writable(app, "/app"),
            writable(tmp, "/tmp"),
            read_only(or_empty(data), "/data"),
            read_only(self.site_packages(), "/data/site-packages"),
            read_only(or_empty(external), "/external"),
        ]
    }

    /// Fills an empty directory: the standard library from `stdlib`, the bridge from this binary, and the
    /// `wheels`.
    pub(super) fn fill(&self, stdlib: &[u8], wheels: &[PathBuf]) -> Result<(), SetupError> {
        let lib = self.usr_local().join("lib");
        let mpl_data = self.usr_local().join("share/matplotlib/mpl-data");
        for dir in [&lib, &mpl_data, &self.site_packages(), &self.empty()] {
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
            let name = wheel
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
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
    File::create_new(path)
        .and_then(|mut file| file.write_all(contents))
        .doing("cannot write", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_preopens_is_fixed() {
        let tree = GuestTree::at("/t".into());
        let dirs = tree.preopens(
            Path::new("/a"),
            Path::new("/b"),
            None,
            Some(Path::new("/e")),
        );
        assert_eq!(
            dirs.each_ref().map(|dir| (dir.guest, dir.writable)),
            [
                ("/usr/local", false),
                ("/app", true),
                ("/tmp", true),
                ("/data", false),
                ("/data/site-packages", false),
                ("/external", false)
            ]
        );
        assert_eq!(
            (dirs[3].host.as_path(), dirs[5].host.as_path()),
            (Path::new("/t/empty"), Path::new("/e"))
        );
    }
}
