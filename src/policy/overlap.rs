//! Whether cells could write to what their own policy comes from: the workspace is the one place of the host that
//! they can write to.

use std::path::{Path, PathBuf};

/// The first of `kept` that lies in `workspace`, as it is written or where links lead.
pub fn inside<'a>(workspace: &Path, kept: impl IntoIterator<Item = &'a Path>) -> Option<&'a Path> {
    let workspace = real(workspace);
    kept.into_iter().find(|path| {
        // The entry itself, which could be replaced, and what it leads to, which could be changed.
        let entry = path.parent().map(real);
        entry.is_some_and(|dir| dir.starts_with(&workspace)) || real(path).starts_with(&workspace)
    })
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let known = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    match known {
        Some((above, real)) => real.join(path.strip_prefix(above).unwrap_or(Path::new(""))),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_into_and_out_of_the_workspace_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["work", "safe", "work2"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        for name in ["work/p.toml", "safe/p.toml", "work2/p.toml"] {
            std::fs::write(at(name), "").unwrap();
        }
        symlink(at("work/p.toml"), at("safe/link.toml")).unwrap();
        symlink(at("safe/p.toml"), at("work/link.toml")).unwrap();
        symlink(at("work"), at("alias")).unwrap();
        for (path, expected) in [
            ("work/p.toml", true),
            ("alias/p.toml", true),
            ("safe/link.toml", true),
            ("work/link.toml", true),
            ("work/not/yet.toml", true),
            ("safe/p.toml", false),
            ("work2/p.toml", false),
            ("not/yet.toml", false),
        ] {
            assert_eq!(inside(&at("work"), [&*at(path)]).is_some(), expected, "{path}");
            assert_eq!(inside(&at("alias"), [&*at(path)]).is_some(), expected, "{path}");
        }
        assert!(inside(&at("new"), [&*at("new/p.toml")]).is_some());
        assert_eq!(inside(&at("new"), [&*at("p.toml")]), None);
    }
}
