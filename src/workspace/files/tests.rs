//! Files of a workspace from outside, with paths that lead nowhere good.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

const ROOMY: Quota = Quota { bytes: 1 << 20, files: 100 };

struct Place {
    top: tempfile::TempDir,
    files: SessionFiles,
}

impl Place {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        for dir in ["app/data/deep", "outside"] {
            fs::create_dir_all(top.path().join(dir)).unwrap();
        }
        fs::write(top.path().join("outside/secret"), "secret").unwrap();
        let files = SessionFiles::open(&top.path().join("app")).unwrap();
        Self { top, files }
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.top.path().join("app").join(path)
    }

    fn put(&self, path: &str, text: &str, overwrite: bool) -> Result<u64, FilesError> {
        self.files.put(path, &mut text.as_bytes(), overwrite, ROOMY)
    }

    fn get(&self, path: &str) -> Result<String, FilesError> {
        let mut bytes = Vec::new();
        self.files.get(path, &mut bytes).map(|_| String::from_utf8(bytes).unwrap())
    }
}

#[test]
fn files_are_listed_in_order_and_by_pattern() {
    let place = Place::new();
    for path in ["z.csv", "data/b.csv", "data/deep/a.csv", "data/c.txt"] {
        place.put(path, path, false).unwrap();
    }
    let list = |pattern| place.files.list(pattern).unwrap().into_iter().map(|file| file.path).collect::<Vec<_>>();
    assert_eq!(list(None), ["data/b.csv", "data/c.txt", "data/deep/a.csv", "z.csv"]);
    assert_eq!(list(Some("*.csv")), ["data/b.csv", "data/deep/a.csv", "z.csv"]);
    assert_eq!(list(Some("data/*.csv")), ["data/b.csv"]);
    assert_eq!(list(Some("../**")), [""; 0]);
    assert_eq!(place.files.list(Some("c.txt")).unwrap()[0].size, 10);
}

#[test]
fn what_is_put_can_be_got_and_is_replaced_only_when_told() {
    let place = Place::new();
    assert_eq!(place.put("new/dir/a.txt", "first", false).unwrap(), 5);
    assert!(matches!(place.put("new/dir/a.txt", "second", false), Err(FilesError::Exists { .. })));
    assert_eq!(place.get("new/dir/a.txt").unwrap(), "first");
    place.put("new/dir/a.txt", "second", true).unwrap();
    assert_eq!(place.get("new/dir/a.txt").unwrap(), "second");
    assert!(matches!(place.put("data", "x", true), Err(FilesError::IsDirectory { .. })));
    assert!(matches!(place.put("new/dir/a.txt/b", "x", true), Err(FilesError::NotADirectory { .. })));
    assert!(matches!(place.get("data"), Err(FilesError::IsDirectory { .. })));
    assert!(matches!(place.get("nothing"), Err(FilesError::NotFound { .. })));
    assert_eq!(fs::read_dir(place.at("")).unwrap().count(), 2, "nothing temporary is left");
}

#[test]
fn a_source_that_breaks_leaves_nothing() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let place = Place::new();
    place.put("a", "kept", false).unwrap();
    assert!(matches!(place.files.put("a", &mut Broken, true, ROOMY), Err(FilesError::Source { .. })));
    assert!(matches!(place.files.put("new/b", &mut Broken, false, ROOMY), Err(FilesError::Source { .. })));
    assert_eq!(place.get("a").unwrap(), "kept");
    assert!(!place.at("new").exists());
}

#[test]
fn the_quota_holds() {
    let place = Place::new();
    place.put("a", "12345", false).unwrap();
    let put = |path: &str, text: &str, bytes, files| {
        place.files.put(path, &mut text.as_bytes(), true, Quota { bytes, files }).is_ok()
    };
    assert!(!put("b", "123456", 10, 10) && put("a", "1234567890", 10, 10) && !put("b", "", 10, 3));
    assert_eq!(place.get("a").unwrap(), "1234567890");
}

#[test]
fn a_directory_is_deleted_only_when_told() {
    let place = Place::new();
    place.put("data/deep/a", "12345", false).unwrap();
    symlink(place.top.path().join("outside"), place.at("data/link")).unwrap();
    assert!(matches!(place.files.delete("data", false), Err(FilesError::NeedsRecursive { .. })));
    assert_eq!(place.files.delete("data/deep/a", false).unwrap(), Deleted { files: 1, bytes: 5 });
    place.put("data/deep/a", "12345", false).unwrap();
    assert_eq!(place.files.delete("data", true).unwrap(), Deleted { files: 3, bytes: 5 });
    assert!(!place.at("data").exists() && place.top.path().join("outside/secret").exists());
    assert!(matches!(place.files.delete("data", true), Err(FilesError::NotFound { .. })));
}

#[test]
fn paths_that_lead_out_are_refused() {
    let place = Place::new();
    let deep = vec!["d"; 65].join("/");
    for path in
        ["", "/", "..", "../outside/secret", "/etc/passwd", "data/../../outside/secret", "a//b", "./a", "a\0", &deep]
    {
        assert!(matches!(place.get(path), Err(FilesError::Outside { .. })), "{path}");
        assert!(matches!(place.put(path, "x", true), Err(FilesError::Outside { .. })), "{path}");
        assert!(matches!(place.files.delete(path, true), Err(FilesError::Outside { .. })), "{path}");
    }
}

#[test]
fn links_are_not_followed() {
    let place = Place::new();
    symlink(place.top.path().join("outside"), place.at("dir")).unwrap();
    symlink(place.top.path().join("outside/secret"), place.at("file")).unwrap();
    symlink("data", place.at("inside")).unwrap();
    for path in ["dir/secret", "file", "inside/x"] {
        let is_link = |error| matches!(error, FilesError::Link { .. });
        assert!(place.get(path).is_err_and(is_link), "{path}");
        assert!(place.put(path, "x", true).is_err_and(is_link), "{path}");
    }
    assert!(matches!(place.files.delete("dir/secret", true), Err(FilesError::Link { .. })));
    assert!(place.files.list(None).unwrap().is_empty());
    assert_eq!(place.files.delete("dir", true).unwrap(), Deleted { files: 1, bytes: 0 });
    assert_eq!(fs::read(place.top.path().join("outside/secret")).unwrap(), b"secret");
}
