//! Against a real server, which tests/sessions/test_s3_store.py starts: `CELLBLOCK_TEST_S3` names a bucket and
//! a prefix, the `AWS_*` variables the server.

use super::*;
use crate::timeline::Move;

#[test]
#[ignore = "needs a server: tests/sessions/test_s3_store.py runs it with one"]
fn a_session_lives_in_a_bucket() {
    let url = std::env::var("CELLBLOCK_TEST_S3").unwrap();
    let url = format!("{url}/{}", SessionId::random());
    let backend = Backend::at(&url).unwrap();
    let holder = Holder::here("a test");
    let keep = Keep { undo_entries: 3, ..Keep::default() };
    let opened = |name| Opening { keep, notebook: Some("nb".to_owned()), ..opening(name, &holder) };
    let mut log = Log::create(&backend, opened("s")).unwrap();
    assert!(matches!(Log::create(&backend, opened("s")), Err(StoreError::Exists(_))));
    let mut model = Model::default();
    // More than the first request for a record brings, and enough to be folded.
    for number in 0..24u32 {
        let pages: Vec<(u32, u64)> = (0..90).map(|page| (page + number % 2, u64::from(number * 100 + page))).collect();
        let entry = blob(&backend, &id("s"), &number.to_le_bytes());
        let changes = set("app/n", entry);
        model.files.apply(&changes);
        model.pages.extend(pages.iter().map(|(number, seed)| (*number, page(*seed))));
        log.append(NewState { files: Some(changes), ..state(number, &pages) }).unwrap();
    }
    log.save_name("last").unwrap();
    log.set_portable(&[1; 5000]).unwrap();
    let last = current(&log);
    assert!(backend.list("sessions/s/log").unwrap().len() < 24, "it was folded");
    assert!(matches!(Log::open(&backend, opened("s")), Err(StoreError::Held { .. })));
    log.fork(&id("f"), None).unwrap();
    log.close().unwrap();

    // As another process would see it.
    let backend = Backend::at(&url).unwrap();
    assert_eq!(catalog::find(&backend, "nb").unwrap(), Some(id("s")));
    let mut log = Log::open(&backend, opened("s")).unwrap();
    assert_eq!(log.move_to(&Move::Resume).unwrap(), Target::State(last));
    let (found, loaded) = contents(&log, last);
    assert_eq!(found, model);
    let dir = tempfile::tempdir().unwrap();
    backend.pull_blobs(&id("s"), dir.path(), loaded.files.hashes()).unwrap();
    assert_eq!(dir.path().read_dir().unwrap().count(), 1);
    assert_eq!(log.portable().unwrap().unwrap(), [1; 5000]);
    let fork = View::open(&backend, &id("f")).unwrap();
    assert_eq!(contents(&fork, last).0, model);
    assert!(contents(&fork, last).1.reseed);

    // Whoever finds the next number taken is out.
    let next = format!("sessions/s/log/{:020}.rec", log.view.index.next_seq);
    assert!(matches!(backend.create(&next, vec!["x".into()], Durability::Relaxed).unwrap(), backend::Created::Yes));
    assert!(matches!(backend.create(&next, vec!["y".into()], Durability::Relaxed).unwrap(), backend::Created::Exists));
    assert!(matches!(log.append(state(99, &[(0, 1)])), Err(StoreError::Fenced { .. })));
    drop(log);
    backend.delete(&next).unwrap();

    let mut file = Vec::new();
    archive::export(&backend, &id("s"), &mut file).unwrap();
    let (elsewhere, _) = memory();
    archive::import(&elsewhere, &mut &file[..], None, 1 << 30).unwrap();
    assert_eq!(contents(&View::open(&elsewhere, &id("s")).unwrap(), last).0, model);
    let listed: Vec<String> = catalog::list(&backend).unwrap().into_iter().map(|listing| listing.session_id).collect();
    assert_eq!(listed.len(), 2, "{listed:?}");
    // What lies far away is checked by its heads and lengths, and the rest when it is used.
    let name = format!("sessions/f/log/{:020}.rec", fork.index.states[&last].record);
    let whole = backend.get(&name).unwrap().unwrap().to_vec();
    for (cut, change) in [(true, 1), (false, 1), (false, whole.len() / 2)] {
        let mut bytes = whole.clone();
        if cut {
            bytes.truncate(whole.len() - change)
        } else {
            bytes[whole.len() - change] ^= 1
        }
        backend.put(&name, bytes, Durability::Relaxed).unwrap();
        let loaded = View::open(&backend, &id("f")).and_then(|view| view.load(last, &|_, _| Ok(())));
        assert!(matches!(loaded, Err(StoreError::Damaged { .. })), "{cut} {change}");
    }
    for name in ["s", "f"] {
        catalog::delete(&backend, &id(name)).unwrap();
    }
    assert!(catalog::list(&backend).unwrap().is_empty());
}
