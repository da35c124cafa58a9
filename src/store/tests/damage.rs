use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn files(dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

fn all(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    files(root, &mut found);
    found
}

/// A session of every kind of file, on a disk.
fn stored() -> (tempfile::TempDir, Backend) {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::local(dir.path()).unwrap();
    let holder = Holder::here("a test");
    let opened = || Opening {
        notebook: Some("nb".to_owned()),
        keep: Keep { undo_entries: 3, ..Keep::default() },
        ..opening("s", &holder)
    };
    let mut log = Log::create(&backend, opened()).unwrap();
    for number in 0..70u32 {
        let entry = blob(&backend, &id("s"), &[number as u8; 50]);
        let files = Some(set(&format!("app/{}", number % 3), entry));
        log.append(NewState { files, ..state(number, &[(number % 5, u64::from(number))]) }).unwrap();
    }
    log.save_name("kept").unwrap();
    log.set_portable(&[7; 1000]).unwrap();
    log.close().unwrap();
    Log::open(&backend, opened()).unwrap().close().unwrap();
    (dir, backend)
}

#[test]
fn flipped_bits_and_cuts_anywhere_are_errors_and_never_wrong_data() {
    let (dir, backend) = stored();
    let original = all(dir.path());
    assert!(original.len() > 10 && original.keys().any(|path| path.ends_with("portable.rec")));
    let paths: Vec<&PathBuf> = original.keys().collect();
    let holder = Holder::here("a test");
    let mut random = 0x5eed_u64;
    let mut next = |below: usize| {
        // SplitMix64.
        random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    };
    for round in 0..1000 {
        let path = paths[next(paths.len())];
        let mut bytes = original[path].clone();
        let at = next(bytes.len());
        let cut = next(4) == 0;
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << next(8);
        }
        fs::write(path, &bytes).unwrap();
        let what = format!("round {round}: {} {} {at}", path.display(), if cut { "cut at" } else { "flipped at" });
        if path.starts_with(dir.path().join("notebooks")) {
            assert!(catalog::find(&backend, "nb").is_err(), "{what}");
        } else if !cut && path.parent().unwrap().ends_with("blobs") {
            // Seen when it is used.
            let to = tempfile::tempdir().unwrap();
            let hash = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(
                matches!(backend.pull_blobs(&id("s"), to.path(), [hash]), Err(StoreError::Damaged { .. })),
                "{what}"
            );
            assert_eq!(to.path().read_dir().unwrap().count(), 0);
        } else {
            let error = Log::open(&backend, opening("s", &holder)).err().unwrap_or_else(|| panic!("{what}: it opened"));
            let clear = matches!(error, StoreError::Damaged { .. } | StoreError::LeaseDamaged { .. });
            assert!(clear, "{what}: {error}");
            assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{what}: {error}");
            assert!(View::open(&backend, &id("s")).is_err() || path.parent().unwrap().ends_with("lease"), "{what}");
            assert_eq!(catalog::list(&backend).unwrap().len(), 1, "{what}: it is still listed");
            let mut now = all(dir.path());
            assert_eq!(now.remove(path).as_ref(), Some(&bytes), "{what}: the file was changed");
            now.retain(|path, _| !path.parent().unwrap().ends_with("lease"));
            assert!(now.iter().all(|(path, bytes)| original[path] == *bytes), "{what}: another file was changed");
        }
        // Each attempt takes the lease and gives it back.
        for lease in all(&dir.path().join("sessions/s/lease")).into_keys() {
            fs::remove_file(lease).unwrap();
        }
        let leases = original.iter().filter(|(path, _)| path.parent().unwrap().ends_with("lease"));
        leases.for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        fs::write(path, &original[path]).unwrap();
    }
    Log::open(&backend, opening("s", &holder)).unwrap();
}

#[test]
fn damage_names_the_last_good_state_and_salvage_goes_there() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let mut log = Log::create(&backend, opening("s", &holder)).unwrap();
    log.append(state(1, &[(0, 1)])).unwrap();
    let good = log.append(state(2, &[(0, 2)])).unwrap();
    let bad = log.append(state(3, &[(0, 3)])).unwrap();
    log.close().unwrap();
    let name = format!("sessions/s/log/{:020}.rec", bad.0);
    backend.put(&name, Vec::new(), Durability::Relaxed).unwrap();
    let Err(StoreError::Damaged { object, last_good, .. }) = Log::open(&backend, opening("s", &holder)) else {
        panic!("it opened")
    };
    assert_eq!(object, name);
    let last_good = last_good.unwrap();
    assert_eq!((last_good.state, last_good.cell), (Some(good), Some(2)));
    let mut log = Log::salvage(&backend, opening("s", &holder)).unwrap();
    assert_eq!(log.timeline().previous(), Some(good));
    let next = log.append(state(4, &[(0, 4)])).unwrap();
    log.close().unwrap();
    let log = Log::open(&backend, opening("s", &holder)).unwrap();
    assert_eq!(contents(&log, next).0.pages, [(0, page(4))].into());
    assert_eq!(contents(&log, good).0.pages, [(0, page(2))].into());
}

#[test]
fn damage_after_opening_is_found_when_the_state_is_loaded() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let mut log = Log::create(&backend, opening("s", &holder)).unwrap();
    let state = log.append(state(1, &[(0, 1), (1, 2)])).unwrap();
    let name = format!("sessions/s/log/{:020}.rec", state.0);
    let mut bytes = backend.get(&name).unwrap().unwrap().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    backend.put(&name, bytes, Durability::Relaxed).unwrap();
    let written = Mutex::new(0);
    let write = |_: u64, _: &[u8]| {
        *written.lock() += 1;
        Ok(())
    };
    assert!(matches!(log.load(state, &write), Err(StoreError::Damaged { .. })));
    assert_eq!(*written.lock(), 0);
}

#[test]
fn records_of_another_session_or_place_are_refused() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    for name in ["a", "b"] {
        let mut log = Log::create(&backend, opening(name, &holder)).unwrap();
        (1..4u32).map(|number| log.append(state(number, &[(0, u64::from(number))])).unwrap()).for_each(|_| ());
    }
    let name = |session: &str, seq: u64| format!("sessions/{session}/log/{seq:020}.rec");
    let own = backend.get(&name("a", 3)).unwrap().unwrap();
    for (from, seq) in [("b", 3), ("a", 2), ("a", 4)] {
        backend.copy(&name(from, seq), &name("a", 3), Durability::Relaxed).unwrap();
        assert!(matches!(Log::open(&backend, opening("a", &holder)), Err(StoreError::Damaged { .. })), "{from} {seq}");
    }
    backend.delete(&name("a", 3)).unwrap();
    assert!(matches!(Log::open(&backend, opening("a", &holder)), Err(StoreError::Damaged { .. })), "missing");
    backend.put(&name("a", 3), own.to_vec(), Durability::Relaxed).unwrap();
    Log::open(&backend, opening("a", &holder)).unwrap();
    // A fork has the same lineage and goes on with the same numbers.
    let mut log = Log::open(&backend, opening("a", &holder)).unwrap();
    log.fork(&id("f"), None).unwrap();
    let seq = log.append(state(5, &[(0, 5)])).unwrap().0 + 1;
    log.append(state(6, &[(0, 6)])).unwrap();
    log.close().unwrap();
    Log::open(&backend, opening("f", &holder)).unwrap().append(state(7, &[(0, 7)])).unwrap();
    let own = backend.get(&name("a", seq)).unwrap().unwrap();
    backend.copy(&name("f", seq), &name("a", seq), Durability::Relaxed).unwrap();
    let Err(StoreError::Damaged { why, .. }) = Log::open(&backend, opening("a", &holder)) else { panic!("it opened") };
    assert!(why.contains("does not follow"), "{why}");
    backend.put(&name("a", seq), own.to_vec(), Durability::Relaxed).unwrap();
    backend.delete("sessions/a/session.json").unwrap();
    assert!(matches!(Log::open(&backend, opening("a", &holder)), Err(StoreError::Damaged { .. })));
    assert!(
        matches!(Log::create(&backend, opening("a", &holder)), Err(StoreError::Damaged { .. })),
        "never over states"
    );
}
