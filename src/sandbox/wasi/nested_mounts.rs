//! Mounts within the mounts. The guest's C library asked for its directories when its image was made and never
//! asks again, so a directory that a policy adds is none of those that it knows: a path that leads to one comes
//! here as a path below one that it does know, and is sent on. The guest's own names for files stay as they are,
//! so what is kept of open files holds in a world with other mounts.

use super::fd_table::Place;
use crate::sandbox::wasi_config::WasiConfig;

/// The mounts within mounts.
#[derive(Debug, Default)]
pub struct Inner {
    points: Vec<Point>,
}

/// Where one of them is seen.
#[derive(Debug)]
struct Point {
    at: Place,
    /// In the WASI context; `None` if the directory could not be opened.
    fd: Option<i32>,
}

/// Where a path goes on.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Turn {
    /// The mount's directory in the WASI context; `None` if it is gone.
    pub(in crate::sandbox) fd: Option<i32>,
    /// Relative to it; what is a symbolic link in it, and what `..` means there, is not known here.
    pub(in crate::sandbox) path: String,
}

impl Inner {
    /// Those of `world`, of which the WASI context has opened these descriptors, in the same order.
    pub(in crate::sandbox) fn new(world: &WasiConfig, first_mount: u32, opened: &[Option<i32>]) -> Self {
        let points = world.inner.iter().zip(opened).filter_map(|(mount, fd)| {
            let outer = (first_mount..).zip(&world.mounts);
            let outer = outer.filter_map(|(number, outer)| Some((number, below(&outer.guest, &mount.guest)?)));
            let (number, rest) = outer.min_by_key(|(_, rest)| rest.len())?;
            Some(Point { at: Place { mount: number, path: rest.to_owned() }, fd: *fd })
        });
        Self { points: points.collect() }
    }

    /// Where `path`, relative to the directory at `dir`, leads into a mount that the directory is not in.
    pub(in crate::sandbox) fn turn(&self, dir: &Place, path: &str) -> Option<Turn> {
        if self.points.is_empty() || path.starts_with('/') {
            return None;
        }
        let place = dir.join(path);
        let (point, rest) = self.find(&place)?;
        if self.find(dir).is_some_and(|(home, _)| home.at == point.at) {
            return None;
        }
        let path = entered(dir.depth(), path, point.at.depth()).unwrap_or(rest).trim_start_matches('/');
        Some(Turn { fd: point.fd, path: if path.is_empty() { "." } else { path }.to_owned() })
    }

    /// Whether a place is in one of these mounts.
    pub(in crate::sandbox) fn holds(&self, place: &Place) -> bool {
        self.find(place).is_some()
    }

    /// The innermost of these mounts that a place is in, and the path in it.
    fn find<'a>(&self, place: &'a Place) -> Option<(&Point, &'a str)> {
        let holding = self.points.iter().filter_map(|point| Some((point, point.at.rest(place.mount, &place.path)?)));
        holding.min_by_key(|(_, rest)| rest.len())
    }
}

/// What comes in a path after the step with which it last arrives at `depth`, where it began at another one.
fn entered(mut depth: usize, path: &str, wanted: usize) -> Option<&str> {
    let mut rest = path;
    let mut arrived = None;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('/').unwrap_or((rest, ""));
        depth = match name {
            "" | "." => depth,
            ".." => depth.checked_sub(1)?,
            _ => depth + 1,
        };
        rest = after;
        match depth.cmp(&wanted) {
            std::cmp::Ordering::Less => arrived = None,
            std::cmp::Ordering::Equal => arrived = arrived.or(Some(rest)),
            std::cmp::Ordering::Greater => {}
        }
    }
    arrived
}

/// What comes after the guest path `outer` in one that is at or below it.
fn below<'a>(outer: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(outer.trim_end_matches('/'))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sandbox::wasi_config::{Clock, Mount, Quota};

    fn inner(guest: &[&str]) -> Inner {
        let mount = |guest: &&str| Mount { host: "/h".into(), guest: (*guest).to_owned(), writable: false };
        let world = WasiConfig {
            mounts: ["/", "/app", "/data"].iter().map(mount).collect(),
            inner: guest.iter().map(mount).collect(),
            program: "guest",
            env: Vec::new(),
            open_files: 9,
            quota: Quota::default(),
            max_frame: 9,
            clock: Arc::new(Clock::new()),
            edition: crate::sandbox::Edition::Ordinary,
            watch: None,
        };
        let opened: Vec<_> = (50..).take(guest.len()).map(Some).collect();
        Inner::new(&world, 3, &opened)
    }

    fn turn(inner: &Inner, (mount, dir): (u32, &str), path: &str) -> Option<(i32, String)> {
        let place = Place { mount, path: dir.to_owned() };
        inner.turn(&place, path).map(|turn| (turn.fd.unwrap(), turn.path))
    }

    #[test]
    fn paths_go_to_the_innermost_mount_and_keep_what_is_theirs() {
        let inner = inner(&["/mnt/a", "/mnt/a/b", "/data/more", "/mnt/x/y/z"]);
        for (dir, path, expected) in [
            ((3, ""), "mnt/a", Some((50, "."))),
            ((3, ""), "mnt/a/", Some((50, "."))),
            ((3, ""), "mnt//./a/link/../c/", Some((50, "link/../c/"))),
            ((3, ""), "mnt/a/b/c", Some((51, "c"))),
            ((3, ""), "mnt/a/c/../b/d", Some((51, "d"))),
            ((3, ""), "mnt/a/b/..", Some((50, "b/.."))),
            ((3, ""), "mnt/a/b/../c", Some((50, "b/../c"))),
            ((3, ""), "mnt/a/../x/y/z/../z/f", Some((53, "f"))),
            ((3, ""), "mnt/other/../a/f", Some((50, "f"))),
            ((3, "mnt"), "a/f", Some((50, "f"))),
            ((3, "mnt/x"), "../a/f", Some((50, "f"))),
            ((3, "mnt/a/c"), "../b/f", Some((51, "f"))),
            ((3, "mnt/a/b/c"), "../../f", Some((50, "f"))),
            ((5, ""), "more/f", Some((52, "f"))),
            ((5, "sub"), "../more/..x", Some((52, "..x"))),
            // Not in any, or not another one.
            ((3, ""), "mnt", None),
            ((3, ""), "mnt/ab", None),
            ((3, ""), "mnt/a/..", None),
            ((3, ""), "mnt/x/y", None),
            ((3, ""), "/mnt/a", None),
            ((3, ""), "../mnt/a", None),
            ((4, ""), "mnt/a", None),
            ((3, "mnt/a/c"), "../f", None),
            ((3, "mnt/a"), "../../usr", None),
            ((5, ""), "", None),
        ] {
            let expected = expected.map(|(fd, path)| (fd, path.to_owned()));
            assert_eq!(turn(&inner, dir, path), expected, "{dir:?} {path}");
        }
    }

    #[test]
    fn without_such_mounts_nothing_turns() {
        assert_eq!(turn(&inner(&[]), (3, ""), "mnt/a"), None);
    }
}
