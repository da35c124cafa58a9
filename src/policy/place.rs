//! Judges paths of the host, guest paths and URLs that stand in a policy. Problems are ends of sentences that
//! begin with the value.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// More than this many files or mounts are a mistake.
pub const MAX_PATHS: usize = 1_000;
/// Bytes of a guest path, as in Linux.
const MAX_GUEST_PATH: usize = 255;
/// Where Cellblock's own packages are.
const OWN_PACKAGES: &str = "/data/site-packages";
/// What URLs of object stores begin with.
const SCHEMES: &[&str] = &["s3", "file"];

/// A path as it stands in a file of the directory `base`: absolute.
pub fn absolute(text: &str, base: &Path) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("which is no path".to_owned());
    }
    if text == "~" || text.starts_with("~/") {
        return Err("but `~` means nothing here: write the whole path".to_owned());
    }
    std::path::absolute(base.join(text)).map_err(|error| format!("which is no path ({error})"))
}

/// A directory that need not exist yet.
pub fn new_directory(text: &str, base: &Path) -> Result<PathBuf, String> {
    let path = absolute(text, base)?;
    match std::fs::metadata(&path) {
        Ok(found) if !found.is_dir() => Err("which is no directory".to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("which cannot be used: {error}")),
        _ => Ok(path),
    }
}

/// A directory that exists.
pub fn directory(text: &str, base: &Path) -> Result<PathBuf, String> {
    let path = absolute(text, base)?;
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err("which is no directory".to_owned()),
        Err(error) => Err(missing(&error)),
    }
}

/// A regular file, itself and not through a link.
pub fn file(text: &str, base: &Path) -> Result<PathBuf, String> {
    let path = absolute(text, base)?;
    let found = std::fs::symlink_metadata(&path).map_err(|error| missing(&error))?;
    if found.is_symlink() {
        return Err("which is a symbolic link".to_owned());
    }
    if found.is_dir() {
        return Err("which is a directory".to_owned());
    }
    if !found.is_file() {
        return Err("which is no regular file".to_owned());
    }
    // Only then is there a name to lie under in the guest.
    path.file_name().and_then(|name| name.to_str()).ok_or_else(|| "which has no name in UTF-8".to_owned())?;
    Ok(path)
}

/// The first name that two of these files share.
pub fn name_twice(files: &[PathBuf]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let names = files.iter().filter_map(|path| path.file_name());
    names.filter(|name| !seen.insert(*name)).map(|name| name.to_string_lossy().into_owned()).next()
}

/// A path at which a directory can be mounted in the guest.
pub fn guest(path: &str) -> Result<(), String> {
    if path.len() > MAX_GUEST_PATH || path.contains(['\0', '\\']) || path.chars().any(char::is_control) {
        return Err("is no guest path".to_owned());
    }
    let plain = path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")));
    if !plain {
        return Err(
            "is no guest path: it has to begin with /, and to be without `.`, `..` and double or final slashes"
                .to_owned(),
        );
    }
    if !(path.starts_with("/data/") || path.starts_with("/mnt/")) {
        return Err("is not below /data or /mnt".to_owned());
    }
    if Path::new(path).starts_with(OWN_PACKAGES) {
        return Err(format!("is not free: Cellblock's own packages are in {OWN_PACKAGES}"));
    }
    Ok(())
}

/// What a URL of an object store is allowed to be; `None` if the text is no URL.
pub fn url(text: &str) -> Option<Result<(), String>> {
    let (scheme, rest) = text.split_once("://")?;
    Some(if !SCHEMES.contains(&scheme) {
        Err(format!("whose scheme is not known; there are {}", SCHEMES.join(", ")))
    } else if text
        .chars()
        .any(|letter| letter.is_control() || letter.is_whitespace() || matches!(letter, '?' | '#' | '%'))
    {
        Err("which is no plain URL".to_owned())
    } else if rest.split('/').next().is_some_and(|host| host.contains('@')) {
        Err("which carries credentials: leave them to the environment (AWS_ACCESS_KEY_ID, …)".to_owned())
    } else if scheme == "s3" && rest.split('/').next().is_none_or(str::is_empty) {
        Err("which names no bucket".to_owned())
    } else if scheme == "file" && !rest.starts_with('/') {
        Err("which is not of the form file:///path".to_owned())
    } else if Path::new(rest).components().any(|part| part == Component::ParentDir) {
        Err("which has a `..`".to_owned())
    } else {
        Ok(())
    })
}

fn missing(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "which does not exist".to_owned(),
        _ => format!("which cannot be used: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_paths_stay_below_data_and_mnt() {
        for path in ["/data/a", "/mnt/a", "/mnt/a/b.c", "/data/site-packages2", "/data/..a"] {
            assert_eq!(guest(path), Ok(()), "{path}");
        }
        for path in [
            "",
            "/",
            "/data",
            "/mnt",
            "/data/",
            "/mnt/",
            "/app/x",
            "/etc",
            "mnt/a",
            "/mnt/../etc",
            "/mnt/a/",
            "/mnt//a",
            "/mnt/./a",
            "/data/site-packages",
            "/data/site-packages/x",
            "/mnt/a\0",
            "/mnt/a\n",
            "/mntx/a",
            "/external/x",
        ] {
            assert!(guest(path).is_err(), "{path:?}");
        }
        assert!(guest(&format!("/mnt/{}", "a".repeat(300))).is_err());
    }

    #[test]
    fn urls_are_judged_and_paths_are_not_urls() {
        for text in ["sessions", "/a/b", "a:b"] {
            assert_eq!(url(text), None, "{text}");
        }
        for text in ["s3://bucket", "s3://bucket/a/b", "file:///var/sessions"] {
            assert_eq!(url(text), Some(Ok(())), "{text}");
        }
        for text in [
            "ftp://a",
            "s3://",
            "s3:///a",
            "s3://key:secret@b/a",
            "s3://b/../c",
            "file://a",
            "s3://b?x",
            "s3://b c",
            "://",
        ] {
            assert!(matches!(url(text), Some(Err(_))), "{text}");
        }
    }

    #[test]
    fn a_home_is_not_expanded_but_told() {
        assert!(absolute("~/x", Path::new("/b")).unwrap_err().contains('~'));
        assert_eq!(absolute("x~", Path::new("/b")).unwrap(), Path::new("/b/x~"));
    }
}
