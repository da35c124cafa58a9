use super::*;
use crate::session::working_copy;
use crate::store::{Cell, Durability, Holder, Identity, Opening};

const QUOTA: Quota = Quota { bytes: 1 << 20, files: 100 };

fn identity() -> Identity {
    Identity { runtime: "r".to_owned(), image: "i".to_owned(), image_bytes: 4096 }
}

fn cell(number: u32) -> Cell {
    Cell {
        number,
        first_line: format!("cell {number}"),
        code_sha256: String::new(),
        ok: true,
        fuel: 1,
        duration_ms: 1,
        at: chrono::Utc::now(),
    }
}

/// A stored session with one file, `data/a.txt`, as a kernel leaves it.
struct Stored {
    _dir: tempfile::TempDir,
    files: StoredFiles,
    app: PathBuf,
}

impl Stored {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let backend = Backend::local(dir.path()).unwrap();
        let id = SessionId::parse("s").unwrap();
        let app = working_copy::path(&backend, &id).unwrap().join("app");
        std::fs::create_dir_all(app.join("data")).unwrap();
        std::fs::write(app.join("data/a.txt"), "one").unwrap();
        let files =
            StoredFiles { backend, id, app: Some(app.clone()), quota: QUOTA, keep: Keep::default(), state: None };
        let stored = Self { _dir: dir, files, app };
        let roots = [(APP, stored.app.clone())];
        let places = Places { roots: &roots, blobs: stored.blobs(), held: stored._dir.path().join("held") };
        let mut workspace = Workspace::new(&places, QUOTA).unwrap();
        let entry = workspace.record_path("app/data/a.txt").unwrap();
        let files =
            Manifest([("app/data".to_owned(), Entry::Dir { mode: None }), ("app/data/a.txt".to_owned(), entry)].into());
        let mut log = stored.create();
        log.append(NewState {
            cell: cell(1),
            amend: false,
            cells: 1,
            memory_bytes: 8192,
            pages: Pages::of_bytes(std::iter::once(0..1).collect(), vec![7; 4096]),
            facts: serde_json::json!({"open": [3]}),
            clock_ns: 5,
            files: Some(Manifest::default().diff(&files)),
        })
        .unwrap();
        log.close().unwrap();
        stored
    }

    fn blobs(&self) -> PathBuf {
        self.files.backend.blob_dir(&self.files.id).unwrap()
    }

    fn create(&self) -> Log {
        self.log(Log::create)
    }

    fn log(&self, open: impl FnOnce(&Backend, Opening) -> Result<Log, StoreError>) -> Log {
        let holder = Holder::here("a kernel");
        let opening = Opening {
            id: self.files.id.clone(),
            identity: identity(),
            notebook: None,
            holder: &holder,
            keep: Keep::default(),
            durability: Durability::Relaxed,
        };
        open(&self.files.backend, opening).unwrap()
    }

    /// The paths and facts that the next kernel finds when it resumes the session.
    fn resumed(&self) -> (Vec<String>, serde_json::Value) {
        let view = View::open(&self.files.backend, &self.files.id).unwrap();
        let loaded = view.load(view.resumable().unwrap(), &|_, _| Ok(())).unwrap();
        (loaded.files.0.into_keys().collect(), loaded.facts)
    }
}

#[test]
fn a_file_that_was_put_is_there_after_a_resume_and_one_that_was_deleted_is_not() {
    let stored = Stored::new();
    let files = &stored.files;
    assert_eq!(files.put("new/deep/b.txt", &mut &b"two"[..], false).unwrap(), 3);
    assert_eq!(std::fs::read(stored.app.join("new/deep/b.txt")).unwrap(), b"two");
    let (paths, facts) = stored.resumed();
    assert_eq!(paths, ["app/data", "app/data/a.txt", "app/new", "app/new/deep", "app/new/deep/b.txt"]);
    assert_eq!(facts, serde_json::json!({"open": [3]}), "the rest of the state is as it was");
    files.delete("data", true).unwrap();
    assert_eq!(stored.resumed().0, ["app/new", "app/new/deep", "app/new/deep/b.txt"]);
    let view = View::open(&files.backend, &files.id).unwrap();
    let info = view.state(view.resumable().unwrap()).unwrap();
    assert_eq!((info.cells, info.cell.number), (1, 1), "no cell was run");
}

#[test]
fn going_back_over_what_was_put_or_deleted_leaves_it_and_names_it() {
    for delete in [false, true] {
        let stored = Stored::new();
        let mut log = stored.log(Log::open);
        log.move_to(&Move::Resume).unwrap();
        let page = Pages::of_bytes(std::iter::once(0..1).collect(), vec![8; 4096]);
        log.append(NewState {
            cell: cell(2),
            amend: false,
            cells: 1,
            memory_bytes: 8192,
            pages: page,
            facts: serde_json::Value::Null,
            clock_ns: 6,
            files: None,
        })
        .unwrap();
        log.close().unwrap();
        let files = &stored.files;
        if delete {
            files.delete("data/a.txt", false).unwrap();
        } else {
            files.put("data/a.txt", &mut &b"by hand"[..], true).unwrap();
        }
        files.put("new/b.txt", &mut &b"two"[..], false).unwrap();
        let mut log = stored.log(Log::open);
        let Target::State(last) = log.move_to(&Move::Resume).unwrap() else { panic!("nothing to resume") };
        let roots = [(APP, stored.app.clone())];
        let places = Places { roots: &roots, blobs: stored.blobs(), held: stored._dir.path().join("held") };
        let mut workspace = Workspace::new(&places, QUOTA).unwrap();
        workspace.take_over(&log.files(last));
        let Target::State(first) = log.peek(&Move::Undo(1)).unwrap() else { panic!("nothing to undo") };
        let loaded = log.load(first, &|_, _| Ok(())).unwrap();
        let place = workspace.place().to_owned();
        let origin = crate::workspace::ListingOrigin { place: &place, generation: u64::MAX };
        let kept = workspace.go(&loaded.files, &loaded.past, origin).unwrap();
        assert_eq!(kept, ["app/data/a.txt", "app/new/b.txt"]);
        assert_eq!(std::fs::read_to_string(stored.app.join("new/b.txt")).unwrap(), "two");
        let a = std::fs::read_to_string(stored.app.join("data/a.txt")).ok();
        assert_eq!(a.as_deref(), if delete { None } else { Some("by hand") });
    }
}

#[test]
fn what_else_is_in_the_working_copy_is_not_made_part_of_the_state() {
    let stored = Stored::new();
    // As a kernel leaves it that was killed while a cell was running.
    std::fs::write(stored.app.join("half"), "x").unwrap();
    stored.files.put("b", &mut &b""[..], false).unwrap();
    assert_eq!(stored.resumed().0, ["app/b", "app/data", "app/data/a.txt"]);
}

#[test]
fn without_a_working_copy_files_are_read_from_the_state_and_not_changed() {
    let stored = Stored::new();
    std::fs::remove_dir_all(&stored.app).unwrap();
    let files = &stored.files;
    let (listed, Source::State(_)) = files.list(None).unwrap() else { panic!("not from the state") };
    assert_eq!(listed.iter().map(|file| (file.path.as_str(), file.size)).collect::<Vec<_>>(), [("data/a.txt", 3)]);
    assert!(files.list(Some("*.csv")).unwrap().0.is_empty());
    let mut content = Vec::new();
    files.get("data/a.txt", &mut content).unwrap();
    assert_eq!(content, b"one");
    let get = |path: &str| files.get(path, &mut Vec::new()).unwrap_err().to_string();
    assert!(get("data").contains("directory"));
    assert!(get("../s/session.json").contains("inside the workspace"));
    assert!(get("nowhere").contains("no nowhere"));
    let error = files.put("b", &mut &b""[..], false).unwrap_err();
    assert!(matches!(error, StoredFilesError::NoWorkingCopy { .. }), "{error}");
}

#[test]
fn a_damaged_content_is_never_handed_out() {
    let stored = Stored::new();
    std::fs::remove_dir_all(&stored.app).unwrap();
    let blob = std::fs::read_dir(stored.blobs()).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&blob, "two").unwrap();
    let mut content = Vec::new();
    assert!(stored.files.get("data/a.txt", &mut content).unwrap_err().to_string().contains("checksum"));
    assert!(content.is_empty());
}

#[test]
fn a_session_that_somebody_has_is_not_changed_and_the_error_names_him() {
    let stored = Stored::new();
    let access = OfflineAccess {
        backend: &stored.files.backend,
        id: &stored.files.id,
        holder: "the kernel of x",
        keep: stored.files.keep,
    };
    let held = access.open().unwrap();
    let error = stored.files.put("b", &mut &b""[..], false).unwrap_err().to_string();
    assert!(error.contains("the kernel of x") && error.contains("since"), "{error}");
    assert!(!stored.app.join("b").exists());
    assert!(stored.files.delete("data", true).is_err() && stored.app.join("data/a.txt").exists());
    drop(held);
}

#[test]
fn a_state_that_would_be_over_its_quota_is_not_recorded() {
    let stored = Stored::new();
    let tight = StoredFiles {
        backend: stored.files.backend.clone(),
        id: stored.files.id.clone(),
        app: stored.files.app.clone(),
        quota: Quota { bytes: 4, files: 100 },
        keep: Keep::default(),
        state: None,
    };
    assert!(tight.put("b", &mut &b"four"[..], false).unwrap_err().to_string().contains("workspace_bytes"));
    assert_eq!(stored.resumed().0, ["app/data", "app/data/a.txt"]);
    assert!(!stored.app.join("b").exists());
}
