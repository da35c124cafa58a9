//! What a path that a cell used means in the sandbox. Looks at its text alone: nothing is opened.

use super::facts::Mount;

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Into a directory that may be written.
    Writable,
    /// Into a directory that is only read.
    ReadOnly,
    /// Out of the workspace with `..`.
    Climbing,
    /// Below `/data`, `/mnt` or `/external`, where the policy has put nothing.
    NotGranted,
    /// To where a sandbox has nothing: another absolute path, a drive of Windows, a home.
    Outside,
}

/// Where `path` leads, from `/app` if it is relative.
pub fn place(path: &str, mounts: &[Mount]) -> Place {
    if of_windows(path) || path == "~" || path.starts_with("~/") {
        return Place::Outside;
    }
    let climbs = path.split('/').any(|part| part == "..");
    let Some(whole) = resolved(path) else { return Place::Climbing };
    let mount = mounts.iter().filter(|mount| within(&whole, &mount.path)).max_by_key(|mount| mount.path.len());
    match mount {
        Some(mount) if mount.writable => Place::Writable,
        Some(_) => Place::ReadOnly,
        None if climbs => Place::Climbing,
        None if ["/data", "/mnt", "/external"].iter().any(|top| within(&whole, top)) => Place::NotGranted,
        None => Place::Outside,
    }
}

/// The same file's name within the workspace: what to write instead.
pub fn inside(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).find(|part| !part.is_empty() && !matches!(*part, "." | ".." | "~"))?;
    let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
    (!name.is_empty()).then(|| format!("/app/{name}"))
}

/// Whether it begins with a drive's letter or a server.
fn of_windows(path: &str) -> bool {
    let mut letters = path.chars();
    let drive = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic())
        && letters.next() == Some(':')
        && letters.next().is_none_or(|letter| matches!(letter, '/' | '\\'));
    drive || path.starts_with("\\\\")
}

/// Absolute and without `.` and `..`; none if it climbs past the root.
fn resolved(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { vec!["app"] };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

fn within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_place() {
        use Place::{Climbing, NotGranted, Outside, ReadOnly, Writable};
        let mut mounts = Mount::always();
        for (path, expected) in [
            ("data.csv", Writable),
            ("/app/x/y", Writable),
            ("/tmp/x", Writable),
            ("a/../b", Writable),
            ("./x", Writable),
            ("", Writable),
            ("/app", Writable),
            ("/data/site-packages/x.py", ReadOnly),
            ("/data/x.csv", NotGranted),
            ("/external", NotGranted),
            ("/mnt/models/a", NotGranted),
            ("/database", Outside),
            ("../x", Climbing),
            ("/app/../etc/x", Climbing),
            ("../../../..", Climbing),
            ("/..", Climbing),
            ("..", Climbing),
            ("/home/a", Outside),
            ("/", Outside),
            ("~/x", Outside),
            ("~", Outside),
            ("~x", Writable),
            ("C:\\x", Outside),
            ("c:/x", Outside),
            ("\\\\server\\x", Outside),
            ("a:b", Writable),
            ("/application/x", Outside),
        ] {
            assert_eq!(place(path, &mounts), expected, "{path}");
        }
        mounts.push(Mount { path: "/data".into(), writable: false });
        assert_eq!(place("/data/x.csv", &mounts), ReadOnly);
        assert_eq!(place("/data/../data/x.csv", &mounts), ReadOnly);
    }

    #[test]
    fn the_name_is_kept_within_the_workspace() {
        for (path, expected) in [
            ("/home/a/b.csv", Some("/app/b.csv")),
            ("C:\\Users\\b.csv", Some("/app/b.csv")),
            ("C:b.csv", Some("/app/b.csv")),
            ("../x/", Some("/app/x")),
            ("/", None),
            ("..", None),
            ("~", None),
        ] {
            assert_eq!(inside(path).as_deref(), expected, "{path}");
        }
    }
}
