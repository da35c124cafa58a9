//! Tests of the store.

use super::*;

fn store_with_file(dir: &Path, contents: &str) -> Store {
    let mut store = Store::open_to_write(dir).unwrap();
    let mut file = store.unfinished_file().unwrap();
    file.write_all(contents.as_bytes()).unwrap();
    store.keep_file("thing", file, serde_json::json!({"pages": 3})).unwrap();
    store
}

fn replace(path: &Path, contents: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, contents).unwrap();
}

#[test]
fn a_kept_file_is_found_again_with_its_meta() {
    let dir = tempfile::tempdir().unwrap();
    store_with_file(dir.path(), "abc");
    let opened = Store::open(dir.path()).unwrap().open_file("thing", Check::Stat).unwrap();
    assert_eq!((opened.size, &opened.meta["pages"]), (3, &Value::from(3)));
    assert!(opened.file.metadata().unwrap().permissions().readonly());
}

#[test]
fn a_file_that_was_never_finished_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_to_write(dir.path()).unwrap();
    let file = store.unfinished_file().unwrap();
    let (_, path) = file.keep().unwrap();
    assert!(path.exists(), "as after a kill");
    Store::open_to_write(dir.path()).unwrap();
    assert!(!path.exists());
}

#[test]
fn a_changed_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_file(dir.path(), "abc");
    replace(&store.path("thing"), "abd");
    let error = store.open_file("thing", Check::Stat).unwrap_err().to_string();
    assert!(error.contains("thing") && error.contains("cellblock setup"), "{error}");
}

#[test]
fn a_copied_file_with_the_same_contents_is_accepted_and_can_be_refreshed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_with_file(dir.path(), "abc");
    replace(&store.path("thing"), "abc");
    let before = store.record("thing").unwrap().stat.clone();
    store.open_file("thing", Check::Stat).unwrap();
    store.refresh_stats().unwrap();
    assert_ne!(before, store.record("thing").unwrap().stat);
}

#[test]
fn a_missing_file_is_damage_and_an_unknown_one_is_not_prepared() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_file(dir.path(), "abc");
    fs::remove_file(store.path("thing")).unwrap();
    assert!(matches!(store.open_file("thing", Check::Stat), Err(SetupError::Damaged { .. })));
    assert!(matches!(store.open_file("other", Check::Stat), Err(SetupError::NotPrepared)));
}

#[test]
fn an_unreadable_manifest_means_that_nothing_is_prepared() {
    let dir = tempfile::tempdir().unwrap();
    store_with_file(dir.path(), "abc");
    fs::write(dir.path().join(MANIFEST), "{\"format\": 1, \"fi").unwrap();
    assert!(!Store::open(dir.path()).unwrap().has("thing"));
    assert!(!Store::open_to_write(dir.path()).unwrap().has("thing"));
}

#[test]
fn a_tree_is_kept_whole_and_a_change_in_it_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(dir.path()).unwrap();
    for text in ["first", "second"] {
        let tree = store.unfinished_dir().unwrap();
        fs::create_dir(tree.path().join("sub")).unwrap();
        fs::write(tree.path().join("sub/file"), text).unwrap();
        store.keep_tree("guest", tree).unwrap();
    }
    let path = store.open_tree("guest", Check::Stat).unwrap();
    assert_eq!(fs::read_to_string(path.join("sub/file")).unwrap(), "second");
    store.open_tree("guest", Check::Contents).unwrap();
    fs::write(path.join("sub/file"), "changed").unwrap();
    assert!(matches!(store.open_tree("guest", Check::Stat), Err(SetupError::Damaged { .. })));
}
