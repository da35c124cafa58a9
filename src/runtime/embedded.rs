//! The files that this binary carries: the guest bridge and the lock files.

/// All of them, sorted: path below the repository, contents.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The lock of the guest's interpreter.
pub const ARTIFACT_LOCK: &str = "runtimes/python/artifact.lock";

const BRIDGE: &str = "runtimes/python/cellblock_bridge/";

/// The bridge's modules: path below the package folder, source.
pub fn bridge_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix(BRIDGE)?, *text)))
        .filter(|(path, _)| path.ends_with(".py"))
}

/// The locks of the packages that are mounted in the guest.
pub fn package_locks() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter(|(path, _)| path.starts_with("vendor/") && path.ends_with(".lock")).copied()
}

/// The contents of one embedded file.
pub fn file(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}
