use super::*;

fn session(backend: &Backend, name: &str) -> StateId {
    let holder = Holder::here("a test");
    let mut log = Log::create(backend, opening(name, &holder)).unwrap();
    let entry = blob(backend, &id(name), name.as_bytes());
    let state = log.append(NewState { files: Some(set("app/f", entry)), ..state(1, &[(0, 1), (3, 2)]) }).unwrap();
    log.set_portable(b"portable").unwrap();
    log.close().unwrap();
    state
}

fn spoil(backend: &Backend, name: &str, change: impl Fn(&mut String)) {
    let object = format!("sessions/{name}/session.json");
    let mut text = String::from_utf8(backend.get(&object).unwrap().unwrap().to_vec()).unwrap();
    change(&mut text);
    backend.put(&object, text.into_bytes(), Durability::Relaxed).unwrap();
}

#[test]
fn everything_is_listed_with_what_is_wrong_with_it() {
    let (backend, _) = memory();
    for name in ["good", "cut", "lost"] {
        session(&backend, name);
    }
    spoil(&backend, "cut", |text| text.truncate(20));
    backend.delete("sessions/lost/session.json").unwrap();
    let holder = stranger("a far kernel");
    let held = Log::open(&backend, opening("good", &holder)).unwrap();
    let list = catalog::list(&backend).unwrap();
    let of = |name: &str| list.iter().find(|listing| listing.session_id == name).unwrap();
    assert!(of("good").problem.is_none() && of("good").held_by.as_ref().unwrap().contains("a far kernel"));
    assert!(of("good").bytes > 8000 && of("good").updated_at >= of("good").created_at);
    assert!(of("cut").problem.as_ref().unwrap().contains("session.json"));
    assert!(of("lost").problem.as_ref().unwrap().contains("missing"));
    drop(held);
    for name in ["good", "cut", "lost"] {
        assert!(catalog::delete(&backend, &id(name)).unwrap() > 8000);
        assert!(matches!(catalog::delete(&backend, &id(name)), Err(StoreError::NotFound(_))));
    }
    assert!(catalog::list(&backend).unwrap().is_empty());
}

#[test]
fn prune_deletes_what_is_old_and_says_why_it_leaves_the_rest() {
    let store = Arc::new(InMemory::new());
    // Objects have the real time.
    let watch = Watch::default();
    let backend = backend_over(store, &watch);
    for name in ["old", "cut", "lost", "odd", "held"] {
        session(&backend, name);
    }
    spoil(&backend, "cut", |text| text.truncate(20));
    backend.delete("sessions/lost/session.json").unwrap();
    let mut odd = Metadata::read(&backend, &id("odd")).unwrap();
    odd.updated_at = "yesterday".to_owned();
    backend.put("sessions/odd/session.json", odd.bytes().unwrap(), Durability::Relaxed).unwrap();
    watch.pass(TimeDelta::hours(50));
    let holder = stranger("a far kernel");
    let log = Log::open(&backend, opening("held", &holder)).unwrap();
    watch.pass(TimeDelta::seconds(1));
    assert_eq!(catalog::prune(&backend, TimeDelta::days(3000), false).unwrap().deleted_sessions.len(), 0);
    let age = TimeDelta::seconds(1);
    let dry = catalog::prune(&backend, age, true).unwrap();
    assert_eq!(catalog::list(&backend).unwrap().len(), 5, "nothing was done");
    let done = catalog::prune(&backend, age, false).unwrap();
    assert_eq!(dry, done);
    assert_eq!(done.deleted_sessions, ["old"]);
    assert!(done.reclaimed_bytes > 8000 && done.errors.is_empty());
    let reasons: BTreeMap<&str, &str> =
        done.skipped_sessions.iter().map(|skipped| (skipped.session_id.as_str(), skipped.reason)).collect();
    let expected =
        [("cut", "corrupted_metadata"), ("lost", "missing_metadata"), ("odd", "corrupted_timestamp"), ("held", "held")];
    assert_eq!(reasons, expected.into());
    drop(log);
}

#[test]
fn a_session_goes_through_a_file_and_comes_out_the_same() {
    let (backend, _) = memory();
    let state = session(&backend, "s");
    let mut file = Vec::new();
    archive::export(&backend, &id("s"), &mut file).unwrap();
    assert!(matches!(archive::import(&backend, &mut &file[..], None, 1 << 30), Err(StoreError::Exists(_))));
    let (elsewhere, _) = memory();
    assert_eq!(archive::import(&elsewhere, &mut &file[..], None, 1 << 30).unwrap(), id("s"));
    assert_eq!(archive::import(&elsewhere, &mut &file[..], Some(&id("t")), 1 << 30).unwrap(), id("t"));
    let holder = Holder::here("a test");
    for name in ["s", "t"] {
        let log = Log::open(&elsewhere, opening(name, &holder)).unwrap();
        let (model, loaded) = contents(&log, state);
        assert_eq!(model.pages, [(0, page(1)), (3, page(2))].into());
        let to = tempfile::tempdir().unwrap();
        elsewhere.pull_blobs(&id(name), to.path(), loaded.files.hashes()).unwrap();
        assert_eq!(log.portable().unwrap().unwrap(), b"portable");
    }
}

#[test]
fn an_archive_that_is_damaged_too_large_or_not_ours_leaves_nothing_behind() {
    let (backend, _) = memory();
    session(&backend, "s");
    let mut file = Vec::new();
    archive::export(&backend, &id("s"), &mut file).unwrap();
    let (elsewhere, _) = memory();
    let refuse = |bytes: &[u8], limit: u64, what: &str| {
        let result = archive::import(&elsewhere, &mut &bytes[..], None, limit);
        assert!(result.is_err(), "{what}");
        assert!(catalog::list(&elsewhere).unwrap().is_empty(), "{what} left something behind");
    };
    refuse(&file, 1000, "too large");
    refuse(b"", 1 << 30, "empty");
    refuse(&[0; 4096], 1 << 30, "zeros");
    for at in (0..file.len()).step_by(311) {
        // The last kilobyte is tar's own end.
        if at < file.len() - 1024 - 512 {
            refuse(&file[..at], 1 << 30, "cut");
        }
        let mut changed = file.clone();
        changed[at] ^= 1;
        if file[at] != 0 {
            refuse(&changed, 1 << 30, "flipped");
        }
    }
    for name in ["../../etc/passwd", "/etc/passwd", "log/1.rec", "log/../x", "blobs/x", "session.json", "lease/1.json"]
    {
        let mut tar = tar::Builder::new(Vec::new());
        let session = backend.get("sessions/s/session.json").unwrap().unwrap();
        for (name, bytes) in [("session.json", &session[..]), (name, b"x")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            // As it is: the crate would refuse to write some of these.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, bytes).unwrap();
        }
        refuse(&tar.into_inner().unwrap(), 1 << 30, name);
    }
}
