//! Sessions on a store in memory with a clock of their own, and a model of what they must contain.

mod catalogue;
mod crash;
mod damage;
pub mod flaky;
mod leases;
mod limits;
mod model;
mod s3;
mod stories;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::*;
use crate::timeline::{StateId, Target};
use crate::workspace::manifest::{Changes, Entry, Manifest};

/// A clock that only moves when it is told to.
#[derive(Clone, Default)]
pub struct Watch(Arc<AtomicI64>);

impl Watch {
    pub fn pass(&self, time: TimeDelta) {
        self.0.fetch_add(time.num_seconds(), Ordering::SeqCst);
    }

    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + self.0.load(Ordering::SeqCst), 0).unwrap()
    }
}

pub fn backend_over(store: Arc<dyn ObjectStore>, watch: &Watch) -> Backend {
    let watch = watch.clone();
    Backend::with_clock(store, Arc::new(move || watch.now()))
}

pub fn memory() -> (Backend, Watch) {
    let watch = Watch::default();
    (backend_over(Arc::new(InMemory::new()), &watch), watch)
}

pub fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

pub fn identity() -> Identity {
    Identity { runtime: "python-3.14".to_owned(), image: "ab".repeat(32), image_bytes: 1 << 20 }
}

/// A process on another machine: nobody can see whether it is gone.
pub fn stranger(words: &str) -> Holder {
    Holder { boot: "elsewhere".to_owned(), host: "far".to_owned(), ..Holder::here(words) }
}

pub fn opening<'a>(name: &str, holder: &'a Holder) -> Opening<'a> {
    Opening {
        id: id(name),
        identity: identity(),
        notebook: None,
        holder,
        keep: Keep::default(),
        durability: Durability::Relaxed,
    }
}

/// What a state must contain.
#[derive(Clone, Default, PartialEq)]
pub struct Model {
    pub pages: BTreeMap<u32, Vec<u8>>,
    pub files: Manifest,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pages: Vec<(u32, &[u8])> = self.pages.iter().map(|(page, bytes)| (*page, &bytes[..2])).collect();
        write!(f, "{pages:?} {:?}", self.files.0.keys())
    }
}

/// A page that cannot be compressed, the same for the same seed.
pub fn page(seed: u64) -> Vec<u8> {
    let hashes = (0..PAGE as u64 / 32).map(|part| Sha256::digest([seed.to_le_bytes(), part.to_le_bytes()].concat()));
    hashes.flat_map(|hash| hash.to_vec()).collect()
}

pub fn pages_of(map: &BTreeMap<u32, Vec<u8>>) -> Pages {
    Pages::of_bytes(map.keys().map(|page| *page..page + 1).collect(), map.values().flatten().copied().collect())
}

pub const MEMORY: u64 = 256 * PAGE as u64;

/// A state that writes these pages, each with its seed.
pub fn state(number: u32, pages: &[(u32, u64)]) -> NewState {
    let pages = pages.iter().map(|(number, seed)| (*number, page(*seed))).collect();
    NewState {
        cell: Cell {
            number,
            first_line: format!("x = {number}"),
            code_sha256: "cd".repeat(32),
            ok: true,
            fuel: u64::from(number) * 1000,
            duration_ms: 5,
            at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        },
        amend: false,
        cells: 1,
        memory_bytes: MEMORY,
        pages: pages_of(&pages),
        facts: serde_json::json!({ "number": number }),
        clock_ns: u64::from(number) * 10,
        files: None,
    }
}

/// Puts a file's contents into the store, and says what the manifest has to say.
pub fn blob(backend: &Backend, session: &SessionId, contents: &[u8]) -> Entry {
    let sha256 = hex::encode(Sha256::digest(contents));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(&sha256), contents).unwrap();
    backend.push_blobs(session, dir.path(), [sha256.clone()]).unwrap();
    Entry::File { sha256, size: contents.len() as u64, mode: 0o644, mtime_ns: 7 }
}

pub fn set(path: &str, entry: Entry) -> Changes {
    Changes { set: [(path.to_owned(), entry)].into(), gone: Vec::new(), ..Changes::default() }
}

/// What a state contains.
pub fn contents(view: &View, state: StateId) -> (Model, Loaded) {
    let pages = Mutex::new(BTreeMap::new());
    let write = |offset: u64, bytes: &[u8]| {
        assert_eq!(offset % PAGE as u64, 0);
        for (index, bytes) in bytes.chunks(PAGE).enumerate() {
            let page = (offset / PAGE as u64) as u32 + index as u32;
            assert!(pages.lock().insert(page, bytes.to_vec()).is_none(), "page {page} was written twice");
        }
        Ok(())
    };
    let loaded = view.load(state, &write).unwrap();
    (Model { pages: pages.into_inner(), files: loaded.files.clone() }, loaded)
}

pub fn current(view: &View) -> StateId {
    let Target::State(state) = view.timeline().current() else { panic!("at the warm image") };
    state
}
