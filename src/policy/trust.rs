//! Who else could have written a policy file.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How a policy file came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Somebody named it, with a flag or in the environment: doubts are told.
    Named,
    /// It lay where it is looked for: doubts are errors.
    Found,
}

const SHARED: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// What speaks against `path`, which `found` is the metadata of. Not files alone: who can write a directory can
/// replace what is in it.
pub fn doubt(path: &Path, found: &Metadata) -> Option<String> {
    if !(found.is_file() || found.is_dir()) {
        return None;
    }
    judge(path, found, rustix::process::geteuid().as_raw())
}

fn judge(path: &Path, found: &Metadata, me: u32) -> Option<String> {
    let shown = path.display();
    if found.uid() != me && found.uid() != 0 {
        return Some(format!(
            "{shown} belongs to another user (uid {}), who can change what it allows; take a copy of your own",
            found.uid()
        ));
    }
    let sticky = found.is_dir() && found.mode() & STICKY != 0;
    (found.mode() & SHARED != 0 && !sticky).then(|| {
        format!("{shown} can be written by others (mode {:o}); run `chmod go-w {shown}`", found.mode() & 0o7777)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_others_can_write_is_doubted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.toml");
        std::fs::write(&path, "").unwrap();
        for (mode, doubted) in [(0o600, false), (0o644, false), (0o664, true), (0o666, true), (0o602, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = path.metadata().unwrap();
            assert_eq!(doubt(&path, &found).is_some(), doubted, "{mode:o}");
        }
        let found = path.metadata().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(doubt(dir.path(), &dir.path().metadata().unwrap()), None);
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(doubt(dir.path(), &dir.path().metadata().unwrap()).unwrap().contains("chmod go-w"));
        if found.uid() != 0 {
            assert!(judge(&path, &found, found.uid() + 1).unwrap().contains("another user"));
        }
    }
}
